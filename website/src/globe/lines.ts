/** What of a line on or above the globe is seen, as paths. Pure. */
import type { Matrix } from "./orientation";
import { type Disc, project } from "./projection";
import { add, scale, type Vec3 } from "./sphere";

type Path = Pick<CanvasPath, "moveTo" | "lineTo">;

/** How far behind the plane of the disc's edge a line that rises from there has faded out, in radii of the globe. */
export const FADE = 0.22;

/** The first `grown` of a line, of which the last point is where it has got to. */
export function grownPart(points: readonly Vec3[], grown: number): readonly Vec3[] {
  const last = (points.length - 1) * grown;
  const whole = points.slice(0, Math.floor(last) + 1);
  const [from, to] = [points[Math.floor(last)], points[Math.floor(last) + 1]];
  return from && to && last % 1 > 0 ? [...whole, mix(from, to, last % 1)] : whole;
}

/** Adds what of a line is before the plane of the disc's edge, up to that plane. */
export function traceNear(path: Path, matrix: Matrix, disc: Disc, points: readonly Vec3[]): void {
  points.forEach((point, i) => {
    const at = project(matrix, disc, point);
    const before = points[i - 1];
    const from = before && project(matrix, disc, before);
    if (from && from.depth < 0 !== at.depth < 0) {
      const crossing = project(matrix, disc, mix(before, point, from.depth / (from.depth - at.depth)));
      if (at.depth < 0) path.lineTo(crossing.x, crossing.y);
      else path.moveTo(crossing.x, crossing.y);
    }
    if (at.depth < 0) return;
    if (from) path.lineTo(at.x, at.y);
    else path.moveTo(at.x, at.y);
  });
}

/** Adds what of a line the globe does not hide. */
export function traceVisible(path: Path, matrix: Matrix, disc: Disc, points: readonly Vec3[]): void {
  let drawing = false;
  for (const point of points) {
    const { x, y, visible } = project(matrix, disc, point);
    if (visible && drawing) path.lineTo(x, y);
    else if (visible) path.moveTo(x, y);
    drawing = visible;
  }
}

/** A point of a line, `at` so many of its steps from the first one. */
interface Seen {
  readonly x: number;
  readonly y: number;
  readonly at: number;
}

/** What of a line is seen behind the plane of the disc's edge, over which it rises. */
export interface Rise {
  /** From where it is nearest to where it has faded out, or goes behind the globe. */
  readonly points: readonly Seen[];
  /** How much of it there is at the first point; at the last one there is nothing. */
  readonly alpha: number;
}

/**
 * An arc that is shorter than half a great circle crosses that plane once at most, so that one piece of it rises. Without
 * fading, it would end in the air where the globe hides it.
 */
export function riseOf(matrix: Matrix, disc: Disc, arc: readonly Vec3[]): Rise | undefined {
  const seen = arc.map((point, at) => ({ ...project(matrix, disc, point), at }));
  if ((seen[0]?.depth ?? 0) < (seen[seen.length - 1]?.depth ?? 0)) seen.reverse();
  const start = seen.findIndex(({ depth, visible }) => depth < 0 && visible);
  const first = seen[start];
  if (!first) return undefined;
  const before = seen[start - 1];
  const isFromNear = before !== undefined && before.depth >= 0;
  const points: Seen[] = isFromNear
    ? [mixSeen(before, first, before.depth / (before.depth - first.depth))]
    : [];
  let last = first;
  for (const next of seen.slice(start)) {
    if (!next.visible || next.depth <= -FADE) {
      points.push(mixSeen(last, next, endOf(disc, last, next)));
      break;
    }
    points.push(next);
    last = next;
  }
  return { points, alpha: isFromNear ? 1 : Math.max(0, 1 + first.depth / FADE) };
}

/** Adds what of it has grown when `last` steps of the line have. */
export function traceRise(path: Path, { points }: Rise, last: number): void {
  let isBegun = false;
  const go = ({ x, y }: Seen) => {
    if (isBegun) path.lineTo(x, y);
    else path.moveTo(x, y);
    isBegun = true;
  };
  points.forEach((point, i) => {
    const before = points[i - 1];
    if (before && before.at > last !== point.at > last)
      go(mixSeen(before, point, (last - before.at) / (point.at - before.at)));
    if (point.at <= last) go(point);
  });
}

type Ahead = Seen & { readonly depth: number; readonly visible: boolean };

/** Where between two points the second of which is not seen any more that begins. */
function endOf(disc: Disc, last: Ahead, next: Ahead): number {
  const faded = next.depth <= -FADE ? (last.depth + FADE) / (last.depth - next.depth) : 1;
  const above = ({ x, y }: Seen) => Math.hypot(x - disc.x, y - disc.y) - disc.radius;
  const hidden = next.visible ? 1 : above(last) / (above(last) - above(next));
  return Math.max(0, Math.min(faded, hidden));
}

function mixSeen(a: Seen, b: Seen, share: number): Seen {
  const mixed = (from: number, to: number) => from + (to - from) * share;
  return { x: mixed(a.x, b.x), y: mixed(a.y, b.y), at: mixed(a.at, b.at) };
}

function mix(a: Vec3, b: Vec3, share: number): Vec3 {
  return add(scale(a, 1 - share), scale(b, share));
}
