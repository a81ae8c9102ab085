/** Pins, arcs and the rings around pins, drawn on the globe. */
import { PIN_TOP } from "./camera";
import { easeOut } from "./easing";
import type { Matrix } from "./orientation";
import { type Disc, project } from "./projection";
import { add, cross, normalise, scale, turn, type Vec3 } from "./sphere";

type Context = CanvasRenderingContext2D;

/** Height above the ground of where a pin begins to fall, in radii of the globe. */
const DROP = 0.5;
/** A pin as far behind the horizon still shows its head. */
const BEHIND = -0.045;
/** How far a ring spreads, in radians. */
const SPREAD = 0.1;

/** The strokes that an arc is made of, the wide and faint ones first: a glow without the cost of a blur. */
const GLOW: readonly (readonly [width: number, alpha: number])[] = [
  [11, 0.08],
  [6, 0.16],
  [2.4, 1],
];

/** Sizes follow the globe's, so that it looks alike on a phone and on a wall. */
export function unitOf(disc: Disc): number {
  return Math.max(0.8, Math.min(3.6, disc.radius / 300));
}

export function isInSight(matrix: Matrix, disc: Disc, v: Vec3): boolean {
  return project(matrix, disc, v).depth > BEHIND;
}

/** Where a pin's head is: the label stands beside it. */
export function headOf(matrix: Matrix, disc: Disc, v: Vec3): { x: number; y: number } {
  return project(matrix, disc, scale(v, PIN_TOP));
}

/** `height` is 1 where the pin begins to fall and 0 on the ground. */
export function drawPin(
  context: Context,
  matrix: Matrix,
  disc: Disc,
  v: Vec3,
  height: number,
  colour: string,
  edge: string,
): void {
  if (!isInSight(matrix, disc, v)) return;
  const unit = unitOf(disc);
  const foot = project(matrix, disc, v);
  const head = project(matrix, disc, scale(v, PIN_TOP + DROP * height));
  const tail = project(matrix, disc, scale(v, 1 + DROP * height));
  context.globalAlpha = 0.35 * (1 - height);
  disk(context, foot.x, foot.y, 3 * unit, edge);
  context.globalAlpha = Math.min(1, 4 * (1 - height));
  line(context, tail.x, tail.y, head.x, head.y, 2 * unit, edge);
  disk(context, head.x, head.y, 6.7 * unit, edge);
  disk(context, head.x, head.y, 5.2 * unit, colour);
  context.globalAlpha = 1;
}

export function drawDot(context: Context, matrix: Matrix, disc: Disc, v: Vec3, radius: number): void {
  const { x, y, depth } = project(matrix, disc, v);
  if (depth <= 0) return;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

export function drawRipple(
  context: Context,
  matrix: Matrix,
  disc: Disc,
  v: Vec3,
  share: number,
  colour: string,
): void {
  const north: Vec3 = Math.abs(v[2]) < 0.99 ? [0, 0, 1] : [1, 0, 0];
  const aside = normalise(cross(v, north));
  const radius = 0.015 + SPREAD * easeOut(share);
  const middle = scale(v, Math.cos(radius));
  const points = Array.from({ length: 33 }, (_, i) =>
    add(middle, scale(turn(aside, v, (i / 32) * 2 * Math.PI), Math.sin(radius))),
  );
  context.globalAlpha = 0.8 * (1 - share);
  context.strokeStyle = colour;
  context.lineWidth = 1.6 * unitOf(disc);
  strokeVisible(context, matrix, disc, points, 1);
  context.globalAlpha = 1;
}

/** The featured arc, of which `grown` is there, in a colour that goes from one pin's to the other's. */
export function drawArc(
  context: Context,
  matrix: Matrix,
  disc: Disc,
  arc: readonly Vec3[],
  grown: number,
  colours: readonly [string, string],
  tip: string,
): void {
  const [first, last] = [arc[0], arc[arc.length - 1]];
  if (grown <= 0 || !first || !last) return;
  const unit = unitOf(disc);
  const [from, to] = [project(matrix, disc, first), project(matrix, disc, last)];
  const gradient = context.createLinearGradient(from.x, from.y, to.x, to.y);
  gradient.addColorStop(0, colours[0]);
  gradient.addColorStop(1, colours[1]);
  context.strokeStyle = gradient;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.beginPath();
  const end = traceVisible(context, matrix, disc, arc, grown);
  for (const [width, alpha] of GLOW) {
    context.globalAlpha = alpha;
    context.lineWidth = width * unit;
    context.stroke();
  }
  context.globalAlpha = 1;
  if (grown < 1 && end) disk(context, end.x, end.y, 3.2 * unit, tip);
}

/** A thin arc of another session: of its near half only, since what rises from behind the edge would look like a hook. */
export function drawFaintArc(context: Context, matrix: Matrix, disc: Disc, arc: readonly Vec3[]): void {
  context.lineCap = "round";
  context.beginPath();
  traceNear(context, matrix, disc, arc);
  context.stroke();
}

/** Adds what of a line is before the plane of the disc's edge, up to that plane. */
export function traceNear(
  path: Pick<CanvasPath, "moveTo" | "lineTo">,
  matrix: Matrix,
  disc: Disc,
  points: readonly Vec3[],
): void {
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

function strokeVisible(
  context: Context,
  matrix: Matrix,
  disc: Disc,
  points: readonly Vec3[],
  grown: number,
): void {
  context.beginPath();
  traceVisible(context, matrix, disc, points, grown);
  context.stroke();
}

/** Adds what of a line the globe does not hide; returns its end if that is in sight. */
function traceVisible(
  context: Context,
  matrix: Matrix,
  disc: Disc,
  points: readonly Vec3[],
  grown: number,
): { x: number; y: number } | undefined {
  const last = (points.length - 1) * grown;
  let drawing = false;
  let end: { x: number; y: number } | undefined;
  for (let i = 0; i < last + 1 && i < points.length; i++) {
    const point = points[i] as Vec3;
    const at = i <= last ? point : mix(points[i - 1] as Vec3, point, last - i + 1);
    const { x, y, visible } = project(matrix, disc, at);
    if (visible && drawing) context.lineTo(x, y);
    else if (visible) context.moveTo(x, y);
    drawing = visible;
    end = visible ? { x, y } : undefined;
  }
  return end;
}

function mix(a: Vec3, b: Vec3, share: number): Vec3 {
  return add(scale(a, 1 - share), scale(b, share));
}

function disk(context: Context, x: number, y: number, radius: number, colour: string): void {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

function line(
  context: Context,
  x: number,
  y: number,
  toX: number,
  toY: number,
  width: number,
  colour: string,
): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(toX, toY);
  context.stroke();
}
