import { type GeoPermissibleObjects, geoContains, geoDistance } from "d3-geo";
import { feature } from "topojson-client";
import { describe, expect, it } from "vitest";
import json from "../../generated/land.json";
import { coarser, type LandTopology, landRings, makeRing, type PathSink, traceLand } from "./land";
import { apply, lookAt, type Matrix, toMatrix } from "./orientation";
import { type LonLat, toLonLat, toVector, type Vec3 } from "./sphere";

const topology = json as unknown as LandTopology;
const shape = feature(topology, topology.objects.land) as GeoPermissibleObjects;
const rings = landRings(topology);
const disc = { x: 0, y: 0, radius: 1000 };

type Pixel = readonly [number, number];

/** A path as polygons, with arcs as short lines, as a canvas sees it. */
class Outline implements PathSink {
  readonly polygons: Pixel[][] = [];

  moveTo(x: number, y: number): void {
    this.polygons.push([[x, y]]);
  }

  lineTo(x: number, y: number): void {
    this.polygons[this.polygons.length - 1]?.push([x, y]);
  }

  arc(x: number, y: number, radius: number, from: number, to: number, counterclockwise = false): void {
    const full = 2 * Math.PI;
    let sweep = to - from;
    if (!counterclockwise && sweep < 0) sweep += full;
    if (counterclockwise && sweep > 0) sweep -= full;
    for (let step = 0; step <= 64; step++) {
      const at = from + (sweep * step) / 64;
      this.lineTo(x + radius * Math.cos(at), y + radius * Math.sin(at));
    }
  }

  closePath(): void {}

  /** By the even-odd rule. */
  contains([x, y]: Pixel): boolean {
    let inside = false;
    for (const polygon of this.polygons) {
      polygon.forEach(([ax, ay], i) => {
        const [bx, by] = polygon[(i + 1) % polygon.length] as Pixel;
        if (ay > y !== by > y && x < ax + ((bx - ax) * (y - ay)) / (by - ay)) inside = !inside;
      });
    }
    return inside;
  }
}

function pixelOf(matrix: Matrix, v: Vec3): Pixel {
  const [x, y] = apply(matrix, v);
  return [x * 1000, -y * 1000];
}

/** Points spread evenly over the sphere. */
const points = Array.from({ length: 700 }, (_, i): LonLat => {
  const latitude = (Math.asin(1 - (2 * (i + 0.5)) / 700) * 180) / Math.PI;
  return [((i * 137.508) % 360) - 180, latitude];
});
const isLand = points.map((point) => geoContains(shape as never, [...point]));

describe("land", () => {
  it("has its rings counter-clockwise around small insides, none cut at the antimeridian", () => {
    expect(rings.length).toBeGreaterThan(100);
    for (const { points: ring } of rings) {
      for (let i = 0; i < ring.length; i += 3) {
        const [, latitude] = toLonLat([ring[i] ?? 0, ring[i + 1] ?? 0, ring[i + 2] ?? 0]);
        expect(latitude).toBeGreaterThan(-89);
      }
    }
  });

  const views: readonly LonLat[] = [
    [0, 0],
    [13, 52],
    [-77, -12],
    [179.9, 10],
    // The middle of the far side is land in all of these.
    [-160, -50],
    [-80, -20],
    [30, 89.9],
    [-45, 25],
    [100, -89.9],
    [-60, -60],
    [140, 20],
  ];
  it.each(views)("is drawn where land is, seen from %d %d", (longitude, latitude) => {
    const matrix = toMatrix(lookAt([longitude, latitude]));
    const outline = new Outline();
    traceLand(outline, rings, matrix, disc);
    let seen = 0;
    let wrong = 0;
    points.forEach((point, i) => {
      // At the very edge of the disc a pixel is many kilometres.
      if (geoDistance([longitude, latitude], [...point]) > 1.45) return;
      seen += 1;
      wrong += outline.contains(pixelOf(matrix, toVector(point))) === isLand[i] ? 0 : 1;
    });
    expect(seen).toBeGreaterThan(250);
    expect(wrong).toBeLessThanOrEqual(1);
  });

  it("costs nothing when it is on the far side", () => {
    const ring = makeRing([
      [0, 0],
      [0, 5],
      [5, 5],
      [5, 0],
      [0, 0],
    ]);
    const outline = new Outline();
    traceLand(outline, [ring], toMatrix(lookAt([180, 0])), disc);
    expect(outline.polygons).toEqual([]);
  });

  it("goes the same way round whichever way it was given", () => {
    const square: LonLat[] = [
      [0, 0],
      [0, 5],
      [5, 5],
      [5, 0],
      [0, 0],
    ];
    const turning = (ring: readonly LonLat[]) => {
      const { points: of } = makeRing(ring);
      const at = (i: number): Vec3 => [of[3 * i] ?? 0, of[3 * i + 1] ?? 0, of[3 * i + 2] ?? 0];
      const [a, b, c] = [at(0), at(1), at(2)].map((v) => toLonLat(v)) as [LonLat, LonLat, LonLat];
      return Math.sign((b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0]));
    };
    expect(turning(square)).toBe(1);
    expect(turning([...square].reverse())).toBe(1);
  });

  it("has a coarse form that is smaller", () => {
    const count = (all: typeof rings) => all.reduce((sum, { points: ring }) => sum + ring.length, 0);
    expect(count(coarser(rings))).toBeLessThan(0.6 * count(rings));
    expect(coarser(rings).length).toBeGreaterThan(20);
  });
});
