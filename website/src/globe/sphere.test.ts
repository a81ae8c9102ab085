import { geoDistance, geoInterpolate } from "d3-geo";
import { describe, expect, it } from "vitest";
import { arcOf, heightOf } from "./arc";
import { at, CITIES } from "./places.fixture";
import { along, angle, type LonLat, poleOf, toLonLat, toVector } from "./sphere";

const cities = Object.values(CITIES) as readonly LonLat[];
const pairs = cities.flatMap((a) => cities.map((b) => [a, b] as const));
const asPoint = ([longitude, latitude]: LonLat): [number, number] => [longitude, latitude];

describe("great circles", () => {
  it("are as long as d3 says", () => {
    for (const [a, b] of pairs) {
      expect(angle(toVector(a), toVector(b))).toBeCloseTo(geoDistance(asPoint(a), asPoint(b)), 6);
    }
  });

  it("pass where d3 says, unless the places are opposite or the same", () => {
    for (const [a, b] of pairs) {
      const distance = angle(toVector(a), toVector(b));
      if (distance < 0.01 || distance > 3.1) continue;
      for (const share of [0, 0.25, 0.5, 1]) {
        const expected = toVector(geoInterpolate(asPoint(a), asPoint(b))(share));
        expect(angle(along(toVector(a), toVector(b), share), expected)).toBeLessThan(1e-6);
      }
    }
  });

  it("exist also between opposite places and from a place to itself", () => {
    for (const city of cities) {
      const v = toVector(city);
      const opposite = toVector([city[0] > 0 ? city[0] - 180 : city[0] + 180, -city[1]]);
      expect(angle(along(v, opposite, 1), opposite)).toBeLessThan(1e-6);
      expect(angle(along(v, opposite, 0.5), v)).toBeCloseTo(Math.PI / 2, 6);
      expect(angle(along(v, v, 0.5), v)).toBeLessThan(1e-9);
      expect(Math.hypot(...poleOf(v, v))).toBeCloseTo(1, 9);
    }
  });

  it("go there and back between degrees and vectors", () => {
    for (const [longitude, latitude] of cities) {
      const [lon, lat] = toLonLat(toVector([longitude, latitude]));
      expect(lat).toBeCloseTo(latitude, 6);
      if (Math.abs(latitude) < 90) expect(lon).toBeCloseTo(longitude, 6);
    }
  });
});

describe("the arc", () => {
  it("begins and ends on the ground and rises in between", () => {
    for (const [a, b] of [
      ["lima", "bangkok"],
      ["auckland", "honolulu"],
      ["berlin", "potsdam"],
      ["northPole", "southPole"],
    ] as const) {
      const heights = arcOf(at(a), at(b)).map((point) => Math.hypot(...point));
      expect(heights[0]).toBeCloseTo(1, 9);
      expect(heights[heights.length - 1]).toBeCloseTo(1, 9);
      expect(heights[36]).toBeCloseTo(1 + heightOf(angle(at(a), at(b))), 9);
      expect(Math.max(...heights)).toBe(heights[36]);
    }
  });

  it("crosses the antimeridian without a jump", () => {
    const points = arcOf(at("auckland"), at("honolulu"));
    points.slice(1).forEach((point, i) => {
      const before = points[i] ?? point;
      expect(Math.hypot(point[0] - before[0], point[1] - before[1], point[2] - before[2])).toBeLessThan(0.04);
    });
  });

  it("is higher the farther it goes, but for what goes far around the globe", () => {
    const heights = [0.02, 0.2, 0.8, 1.6, 1.9].map(heightOf);
    expect([...heights].sort((a, b) => a - b)).toEqual(heights);
    expect(heights[4]).toBeLessThan(0.3);
    expect(heightOf(3)).toBeLessThan(heightOf(2.5));
    expect(heightOf(Math.PI)).toBeGreaterThan(0.1);
  });
});
