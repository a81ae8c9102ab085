import { describe, expect, it } from "vitest";
import { type Box, overlap, type Point, placeLabels, within } from "./labels";

const bounds: Box = { left: 10, top: 20, width: 380, height: 400 };
const inside = (box: Box) => {
  expect(box.left).toBeGreaterThanOrEqual(bounds.left);
  expect(box.top).toBeGreaterThanOrEqual(bounds.top);
  expect(box.left + box.width).toBeLessThanOrEqual(bounds.left + bounds.width);
  expect(box.top + box.height).toBeLessThanOrEqual(bounds.top + bounds.height);
};

describe("labels", () => {
  it("lie inside the stage and not on one another, wherever the pins are", () => {
    const steps = [0, 0.02, 0.25, 0.5, 0.75, 0.98, 1];
    const anchors = steps.flatMap((x) => steps.map((y): Point => ({ x: x * 400, y: 10 + y * 420 })));
    for (const a of anchors) {
      for (const b of anchors) {
        const placed = placeLabels(
          [
            { width: 190, height: 40, anchor: a },
            { width: 140, height: 56, anchor: b },
          ],
          bounds,
        );
        for (const { box } of placed) inside(box);
        const [one, other] = placed;
        expect(one && other && overlap(one.box, other.box), JSON.stringify([a, b])).toBe(0);
      }
    }
  });

  it("stand above their pins where there is room", () => {
    const [placed] = placeLabels([{ width: 100, height: 30, anchor: { x: 200, y: 200 } }], bounds);
    expect(placed?.box).toEqual({ left: 150, top: 156, width: 100, height: 30 });
  });

  it("stay on their side while it is as good", () => {
    const label = { width: 100, height: 30, anchor: { x: 200, y: 200 } };
    for (const side of [0, 1, 2, 3]) expect(placeLabels([label], bounds, [side])[0]?.side).toBe(side);
  });

  it("do not lie on pins", () => {
    const pins = [
      { x: 200, y: 200 },
      { x: 215, y: 170 },
    ];
    const placed = placeLabels(
      pins.map((anchor) => ({ width: 120, height: 34, anchor })),
      bounds,
    );
    for (const { box } of placed) {
      for (const { x, y } of pins)
        expect(overlap(box, { left: x - 4, top: y - 4, width: 8, height: 8 })).toBe(0);
    }
  });

  it("leave the arc free where another side is as good", () => {
    const anchor = { x: 200, y: 200 };
    const line = Array.from({ length: 20 }, (_, i) => ({ x: 200, y: 200 - 5 * i }));
    const [placed] = placeLabels([{ width: 100, height: 30, anchor }], bounds, [0], line);
    expect(placed?.box.left).toBeGreaterThan(200);
  });

  it("begin at the edge when they are wider than the stage", () => {
    const box = within({ left: -50, top: 50, width: 900, height: 20 }, bounds);
    expect(box.left).toBe(bounds.left);
  });
});
