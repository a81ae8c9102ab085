/** Pins, arcs and the rings around pins, drawn on the globe. */
import { PIN_TOP } from "./camera";
import { clamp01, easeOut } from "./easing";
import type { Point } from "./labels";
import { FADE, grownPart, riseOf, traceNear, traceRise, traceVisible } from "./lines";
import type { Matrix } from "./orientation";
import { type Disc, project } from "./projection";
import { add, cross, normalise, scale, turn, type Vec3 } from "./sphere";
import { type Rgb, rgba } from "./theme";

type Context = CanvasRenderingContext2D;

/** Height above the ground of where a pin begins to fall, in radii of the globe. */
const DROP = 0.5;
/** A pin as far behind the horizon still shows its head. */
const BEHIND = -0.045;
/** How far a ring spreads, in radians. */
const SPREAD = 0.1;

/** The strokes that an arc is made of, the wide and faint ones first: a glow without the cost of a blur. */
const GLOW: readonly (readonly [width: number, alpha: number])[] = [
  [12, 0.05],
  [8.5, 0.06],
  [5.5, 0.12],
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
  context.beginPath();
  traceVisible(context, matrix, disc, points);
  context.stroke();
  context.globalAlpha = 1;
}

/**
 * The featured arc, of which `grown` is there, in a colour that goes from one pin's to the other's. Where it comes from
 * behind the globe it fades in.
 */
export function drawArc(
  context: Context,
  matrix: Matrix,
  disc: Disc,
  arc: readonly Vec3[],
  grown: number,
  colours: readonly [Rgb, Rgb],
  tip: string,
  alpha = 1,
): void {
  const [first, last] = [arc[0], arc[arc.length - 1]];
  if (grown <= 0 || !first || !last) return;
  const unit = unitOf(disc);
  const ends = [project(matrix, disc, first), project(matrix, disc, last)] as const;
  const rise = riseOf(matrix, disc, arc);
  const there = grownPart(arc, grown);
  // Round ends would show where the two pieces meet.
  context.lineCap = rise ? "butt" : "round";
  context.lineJoin = "round";
  if (rise) {
    const { points } = rise;
    const [from, to] = [points[0] as Point, points[points.length - 1] as Point];
    const stops = [rgba(colourAt(from, ends, colours), rise.alpha), rgba(colourAt(to, ends, colours), 0)];
    context.strokeStyle = gradientOf(context, from, to, stops);
    context.beginPath();
    traceRise(context, rise, (arc.length - 1) * grown);
    strokeGlowing(context, unit, alpha);
  }
  context.strokeStyle = gradientOf(context, ...ends, [rgba(colours[0], 1), rgba(colours[1], 1)]);
  context.beginPath();
  traceNear(context, matrix, disc, there);
  strokeGlowing(context, unit, alpha);
  const end = grown < 1 ? project(matrix, disc, there[there.length - 1] ?? first) : undefined;
  if (end?.visible) {
    context.globalAlpha = alpha * clamp01(1 + end.depth / FADE);
    disk(context, end.x, end.y, 3.2 * unit, tip);
  }
  context.globalAlpha = 1;
}

/** A thin arc of another session: of its near half only, since what rises from behind the edge would look like a hook. */
export function drawFaintArc(context: Context, matrix: Matrix, disc: Disc, arc: readonly Vec3[]): void {
  context.lineCap = "round";
  context.beginPath();
  traceNear(context, matrix, disc, arc);
  context.stroke();
}

function strokeGlowing(context: Context, unit: number, alpha: number): void {
  for (const [width, strength] of GLOW) {
    context.globalAlpha = alpha * strength;
    context.lineWidth = width * unit;
    context.stroke();
  }
}

function gradientOf(context: Context, from: Point, to: Point, stops: readonly string[]): CanvasGradient {
  const gradient = context.createLinearGradient(from.x, from.y, to.x, to.y);
  stops.forEach((stop, i) => {
    gradient.addColorStop(i / (stops.length - 1), stop);
  });
  return gradient;
}

/** Of the gradient between two ends. */
function colourAt(
  { x, y }: Point,
  [from, to]: readonly [Point, Point],
  [one, other]: readonly [Rgb, Rgb],
): Rgb {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const share = clamp01(((x - from.x) * dx + (y - from.y) * dy) / Math.max(1e-9, dx * dx + dy * dy));
  const mixed = (channel: 0 | 1 | 2) => Math.round(one[channel] + (other[channel] - one[channel]) * share);
  return [mixed(0), mixed(1), mixed(2)];
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
