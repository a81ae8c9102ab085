import { describe, expect, it } from "vitest";
import { flightTime, PIN_TOP, shotsOf, wideShotOf } from "./camera";
import {
  apply,
  centreOf,
  lookAt,
  type Quaternion,
  rollOf,
  slerp,
  toMatrix,
  turnBetween,
} from "./orientation";
import { at, CITIES, type City } from "./places.fixture";
import { along, angle, type LonLat, toVector, type Vec3 } from "./sphere";

const depthOf = (orientation: Quaternion, v: Vec3) => apply(toMatrix(orientation), v)[2];
const names = Object.keys(CITIES) as City[];
const wide = { x: 9, y: 9 };
const pairs = names.flatMap((a) => names.filter((b) => b !== a).map((b) => [a, b] as const));

describe("an orientation", () => {
  it("puts what it looks at in the middle, and north up", () => {
    for (const centre of Object.values(CITIES) as readonly LonLat[]) {
      const orientation = lookAt(centre);
      const [x, y, z] = apply(toMatrix(orientation), toVector(centre));
      expect([x, y, z].map((value) => Math.round(value * 1e9) / 1e9 + 0)).toEqual([0, 0, 1]);
      if (Math.abs(centre[1]) === 90) continue;
      expect(rollOf(orientation)).toBeCloseTo(0, 9);
      expect(centreOf(orientation)[0]).toBeCloseTo(centre[0], 6);
      const [northX, northY] = apply(toMatrix(orientation), [0, 0, 1]);
      expect(northX).toBeCloseTo(0, 9);
      expect(northY).toBeGreaterThan(0);
    }
  });

  it("can be turned about the line of sight", () => {
    expect(rollOf(lookAt([30, 40], 0.5))).toBeCloseTo(0.5, 9);
    expect(centreOf(lookAt([30, 40], 0.5))[1]).toBeCloseTo(40, 9);
  });

  it("flies the shortest way, at a steady pace", () => {
    for (const [a, b] of pairs) {
      const [from, to] = [lookAt(CITIES[a]), lookAt(CITIES[b])];
      const whole = turnBetween(from, to);
      expect(whole).toBeLessThanOrEqual(Math.PI + 1e-9);
      expect(turnBetween(slerp(from, to, 0), from)).toBeLessThan(1e-6);
      expect(turnBetween(slerp(from, to, 1), to)).toBeLessThan(1e-6);
      expect(turnBetween(from, slerp(from, to, 0.25))).toBeCloseTo(whole / 4, 6);
    }
  });
});

describe("the camera", () => {
  it("has both pins well on the near side in one shot, or at first only the first one", () => {
    for (const [a, b] of pairs) {
      const [first, second] = shotsOf(at(a), at(b), wide);
      const seen = second ? [a] : [a, b];
      for (const city of seen) {
        const depth = depthOf(first.orientation, at(city));
        expect(depth, `${a}-${b}`).toBeGreaterThan(Math.cos((70.01 * Math.PI) / 180));
      }
    }
  });

  it("ends near the second place of a pair that does not fit into one shot", () => {
    for (const [a, b] of pairs) {
      const [, second] = shotsOf(at(a), at(b), wide);
      if (second) expect(angle(toVector(centreOf(second.orientation)), at(b))).toBeLessThan(0.8);
    }
  });

  it("needs one shot up to 139 degrees", () => {
    for (const degrees of [1, 40, 90, 130, 138]) {
      const [a, b] = [toVector([0, 10]), along(toVector([0, 10]), toVector([179, 5]), 0)];
      const far = along(a, toVector([179.9, -10]), degrees / 180);
      expect(shotsOf(b, far, wide), `${degrees}`).toHaveLength(1);
    }
    expect(shotsOf(at("madrid"), at("weber"), wide)).toHaveLength(2);
    expect(shotsOf(at("northPole"), at("southPole"), wide)).toHaveLength(2);
    expect(shotsOf(at("lima"), at("bangkok"), wide)).toHaveLength(2);
  });

  it("looks from beside the great circle, so that the arc is seen to rise", () => {
    for (const [a, b] of [
      ["berlin", "lima"],
      ["auckland", "honolulu"],
      ["berlin", "osaka"],
      ["ushuaia", "hobart"],
    ] as const) {
      const [{ orientation }] = shotsOf(at(a), at(b), wide);
      const middle = along(at(a), at(b), 0.5);
      expect(angle(toVector(centreOf(orientation)), middle)).toBeCloseTo((25 * Math.PI) / 180, 2);
    }
  });

  it("looks from the side of the equator", () => {
    const [north] = shotsOf(at("berlin"), at("vladivostok"), wide);
    expect(Math.abs(centreOf(north.orientation)[1])).toBeLessThan(60);
    const [south] = shotsOf(at("ushuaia"), at("hobart"), wide);
    expect(Math.abs(centreOf(south.orientation)[1])).toBeLessThan(66);
  });

  it("looks more closely at neighbours", () => {
    const [near] = shotsOf(at("berlin"), at("potsdam"), wide);
    const [far] = shotsOf(at("berlin"), at("lima"), wide);
    expect(near.zoom).toBeGreaterThan(1.3);
    expect(far.zoom).toBe(1);
  });

  it("can show the whole arc of any pair", () => {
    for (const [a, b] of pairs) {
      const { orientation } = wideShotOf(at(a), at(b), wide);
      // Opposite places can only both be seen on the very edge.
      expect(depthOf(orientation, at(a)), `${a}-${b}`).toBeGreaterThan(-1e-9);
      expect(depthOf(orientation, at(b)), `${a}-${b}`).toBeGreaterThan(-1e-9);
    }
  });

  it("steps back until both pins are in sight, on a screen that is narrower than the globe", () => {
    const narrow = { x: 0.85, y: 1 };
    for (const [a, b] of pairs) {
      const { orientation, zoom } = wideShotOf(at(a), at(b), narrow);
      for (const city of [a, b]) {
        const [x, y] = apply(toMatrix(orientation), at(city)).map((value) => value * zoom * PIN_TOP);
        expect(Math.abs(x ?? 9), `${a}-${b}`).toBeLessThanOrEqual(narrow.x + 1e-9);
        expect(Math.abs(y ?? 9), `${a}-${b}`).toBeLessThanOrEqual(narrow.y + 1e-9);
      }
      expect(zoom).toBeGreaterThan(0.78);
    }
  });

  it("takes its time", () => {
    const [a, b] = [lookAt([0, 0]), lookAt([180, 0])];
    expect(flightTime(a, a)).toBe(650);
    expect(flightTime(a, b)).toBe(1400);
  });
});
