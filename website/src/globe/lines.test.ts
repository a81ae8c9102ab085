import { describe, expect, it } from "vitest";
import { arcOf } from "./arc";
import { FADE, grownPart, riseOf, traceNear, traceRise } from "./lines";
import { lookAt, toMatrix } from "./orientation";
import { angle, toVector, type Vec3 } from "./sphere";

const disc = { x: 0, y: 0, radius: 100 };

/** The strokes of a line that is seen from over 0° E 0° N. */
function strokesOf(points: readonly Vec3[]): [x: number, y: number][][] {
  const strokes: [number, number][][] = [];
  const path = {
    moveTo: (x: number, y: number) => void strokes.push([[x, y]]),
    lineTo: (x: number, y: number) => void strokes[strokes.length - 1]?.push([x, y]),
  };
  traceNear(path, toMatrix(lookAt([0, 0])), disc, points);
  return strokes;
}

describe("a faint arc", () => {
  it("ends at the edge, without a hook of what rises behind it", () => {
    const [stroke, ...others] = strokesOf(arcOf(toVector([60, 0]), toVector([150, 0]), 41, 0.12));
    expect(others).toEqual([]);
    const xs = stroke?.map(([x]) => x) ?? [];
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
    expect(xs[xs.length - 1]).toBeGreaterThan(100);
  });

  it("comes in from the edge, and is whole on the near side only", () => {
    const [from] = strokesOf(arcOf(toVector([150, 0]), toVector([60, 0]), 41, 0.12));
    expect(from?.[0]?.[0]).toBeGreaterThan(100);
    expect(strokesOf(arcOf(toVector([-40, 10]), toVector([50, 0]), 41))[0]).toHaveLength(41);
    expect(strokesOf(arcOf(toVector([140, 10]), toVector([-150, 0]), 41))).toEqual([]);
  });
});

describe("an arc that comes from behind the globe", () => {
  const matrix = toMatrix(lookAt([0, 0]));
  const far = (from: number, to: number) => arcOf(toVector([from, 0]), toVector([to, 12]));
  const radius = ({ x, y }: { x: number; y: number }) => Math.hypot(x, y);

  it.each([
    ["there", far(20, 170)],
    ["back", far(170, 20)],
    ["and lands just behind the edge", far(20, 97)],
    ["and begins just before the edge", far(170, 84)],
  ])("fades from the edge to where nothing of it is seen: %s", (_, arc) => {
    const rise = riseOf(matrix, disc, arc);
    const points = rise?.points ?? [];
    expect(rise?.alpha).toBe(1);
    expect(points.length).toBeGreaterThan(2);
    // Where it ends, it is hidden or has faded out: in no case does it break off in the air.
    const end = points[points.length - 1] ?? { x: 0, y: 0, at: 0 };
    const [before, after] = [Math.floor(end.at), Math.ceil(end.at)].map((at) => arc[at] as Vec3);
    const depth = ((before?.[0] ?? 0) + (after?.[0] ?? 0)) / 2;
    expect(Math.min(radius(end) - disc.radius, depth + FADE)).toBeLessThan(2);
    for (const point of points) expect(radius(point)).toBeGreaterThan(disc.radius - 1);
    // And it begins where the near part ends.
    const near: [number, number][] = [];
    const add = (x: number, y: number) => void near.push([x, y]);
    traceNear({ moveTo: add, lineTo: add }, matrix, disc, arc);
    const first = points[0] ?? { x: 0, y: 0 };
    expect(Math.min(...near.map(([x, y]) => Math.hypot(x - first.x, y - first.y)))).toBeLessThan(1e-6);
  });

  it("is there a little less the farther it is behind, and not at all from a certain depth on", () => {
    const alphas = [92, 96, 100, 104].map((from) => riseOf(matrix, disc, far(from, 190))?.alpha ?? 0);
    expect(alphas).toEqual([...alphas].sort((a, b) => b - a));
    expect(alphas[0]).toBeGreaterThan(0.6);
    expect(riseOf(matrix, disc, far(140, 190))?.alpha ?? 0).toBe(0);
    expect(riseOf(matrix, disc, far(-40, 60))).toBeUndefined();
  });

  it.each([
    ["away from the near side", far(20, 170)],
    ["towards it", far(170, 20)],
  ])("grows %s", (_, arc) => {
    const rise = riseOf(matrix, disc, arc);
    if (!rise) throw new Error("nothing rises");
    const ats = rise.points.map(({ at }) => at).sort((a, b) => a - b);
    const [lowest, highest] = [ats[0] as number, ats[ats.length - 1] as number];
    const pointsAt = (last: number) => {
      let count = 0;
      const path = { moveTo: () => void count++, lineTo: () => void count++ };
      traceRise(path, rise, last);
      return count;
    };
    const growing = [lowest - 1, lowest + 0.5, (lowest + highest) / 2, highest + 1].map(pointsAt);
    expect(growing[0]).toBe(0);
    expect(growing).toEqual([...growing].sort((a, b) => a - b));
    expect(growing[3]).toBe(rise.points.length);
  });

  it("ends where it has got to", () => {
    const arc = far(0, 60);
    const [part, whole] = [grownPart(arc, 0.505), grownPart(arc, 1)];
    expect(whole).toEqual(arc);
    const tip = part[part.length - 1] as Vec3;
    expect(
      angle(toVector([0, 0]), tip.map((value) => value / Math.hypot(...tip)) as unknown as Vec3),
    ).toBeCloseTo(angle(toVector([0, 0]), toVector([60, 12])) * 0.505, 3);
  });
});
