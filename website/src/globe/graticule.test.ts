import { expect, test } from "vitest";
import { graticuleLines } from "./graticule";

test("no step of a line is long enough to be seen as a chord", () => {
  const steps = graticuleLines().flatMap((line) =>
    Array.from({ length: line.length / 3 - 1 }, (_, at) => {
      const [from, to] = [line.subarray(3 * at, 3 * at + 3), line.subarray(3 * at + 3, 3 * at + 6)];
      return Math.hypot(...from.map((value, axis) => value - (to[axis] as number)));
    }),
  );
  expect(steps.length).toBeGreaterThan(1000);
  expect(Math.max(...steps)).toBeLessThan((4.01 * Math.PI) / 180);
});
