import { describe, expect, it } from "vitest";
import { arcOf } from "./arc";
import { lookAt, toMatrix } from "./orientation";
import { traceNear } from "./pins";
import { toVector, type Vec3 } from "./sphere";

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
