/**
 * Where the names of the two cities stand: beside their pins, inside the stage, and never on one another.
 */

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Label {
  readonly width: number;
  readonly height: number;
  /** The pin. */
  readonly anchor: Point;
}

/** Between a pin and its label, in units of the globe's drawing. */
const GAP = 14;
/** What a point of the line under a label costs. */
const ON_LINE = 8;
/** How far around a pin nothing may be written, in the same units. */
const PIN = 8;

/** Sides on which a label may stand, the better ones first: the share of its size by which it lies left and above. */
const SIDES: readonly (readonly [x: number, y: number])[] = [
  [0, -1],
  [1, 0],
  [-1, 0],
  [0, 1],
  [1, -1],
  [-1, -1],
  [1, 1],
  [-1, 1],
];

/**
 * Places labels in order; each takes the side on which it covers the least that matters. `last` holds the sides of the
 * frame before, which are kept while they are as good, so that no label flickers between two. Points of `line` are better
 * left free. `unit` is the size of what is drawn, in pixels: pins grow with the globe.
 */
export function placeLabels(
  labels: readonly Label[],
  bounds: Box,
  last: readonly number[] = [],
  line: readonly Point[] = [],
  unit = 1,
): readonly { readonly box: Box; readonly side: number }[] {
  const pins = labels.map(({ anchor }) => around(anchor, PIN * unit));
  const placed: { box: Box; side: number }[] = [];
  labels.forEach((label, index) => {
    let best: { box: Box; side: number; cost: number } | undefined;
    SIDES.forEach(([x, y], side) => {
      const wanted = beside(label, x, y, GAP * unit);
      const box = within(wanted, bounds);
      const taken = [...placed.map((other) => other.box), ...pins];
      const cost =
        taken.reduce((sum, other) => sum + overlap(box, other), 0) * 10 +
        (Math.abs(box.left - wanted.left) + Math.abs(box.top - wanted.top)) * 2 +
        line.filter((point) => contains(box, point)).length * ON_LINE +
        (side === last[index] ? 0 : 12) +
        side;
      if (!best || cost < best.cost) best = { box, side, cost };
    });
    if (best) placed.push({ box: apart(best.box, placed, bounds), side: best.side });
  });
  return placed;
}

function beside({ width, height, anchor }: Label, x: number, y: number, distance: number): Box {
  const gap = x !== 0 && y !== 0 ? distance * 0.6 : distance;
  return {
    left: anchor.x - width / 2 + x * (width / 2 + gap),
    top: anchor.y - height / 2 + y * (height / 2 + gap),
    width,
    height,
  };
}

/** The nearest box inside `bounds`. */
export function within(box: Box, bounds: Box): Box {
  const inside = (start: number, size: number, from: number, room: number) =>
    Math.max(from, Math.min(start, from + room - size));
  return {
    ...box,
    left: inside(box.left, box.width, bounds.left, bounds.width),
    top: inside(box.top, box.height, bounds.top, bounds.height),
  };
}

/** Where no side was free (two pins in one corner), the label moves above or below the ones that stand there. */
function apart(box: Box, placed: readonly { readonly box: Box }[], bounds: Box): Box {
  for (const { box: other } of placed) {
    if (overlap(box, other) === 0) continue;
    const above = within({ ...box, top: other.top - box.height - 2 }, bounds);
    if (overlap(above, other) === 0) return above;
    return within({ ...box, top: other.top + other.height + 2 }, bounds);
  }
  return box;
}

/** Square pixels that two boxes share. */
export function overlap(a: Box, b: Box): number {
  const shared = (from: number, size: number, otherFrom: number, otherSize: number) =>
    Math.max(0, Math.min(from + size, otherFrom + otherSize) - Math.max(from, otherFrom));
  return shared(a.left, a.width, b.left, b.width) * shared(a.top, a.height, b.top, b.height);
}

function contains({ left, top, width, height }: Box, { x, y }: Point): boolean {
  return x > left && x < left + width && y > top && y < top + height;
}

function around({ x, y }: Point, distance: number): Box {
  return { left: x - distance, top: y - distance, width: 2 * distance, height: 2 * distance };
}
