/**
 * From where a pair is best seen.
 *
 * The camera looks from beside the great circle, so that the arc is seen to rise above the ground; from above it would
 * look like a straight line. Both pins are on the near side as long as they can be seen there without lying on the very
 * edge; farther apart, the camera shows one, and travels with the arc until the other has come up over the edge.
 */
import { apply, lookAt, type Quaternion, toMatrix, turnBetween } from "./orientation";
import { add, along, angle, normalise, poleOf, scale, toLonLat, type Vec3 } from "./sphere";

const DEGREE = Math.PI / 180;

/** How far beside the great circle the camera stands. */
const ASIDE = 25 * DEGREE;
/** The farthest from the middle of the disc that a pin of a single shot may be. */
const EDGE = 80 * DEGREE;
/** Where along the arc the first shot of two is centred. */
const FIRST_OF_TWO = 0.26;
/** Height of a pin's head, in radii from the middle of the globe. */
export const PIN_TOP = 1.055;
/** Pairs nearer than this are looked at more closely. */
const CLOSE = 45 * DEGREE;
const CLOSEST_ZOOM = 1.35;

export interface Shot {
  readonly orientation: Quaternion;
  /** Radius of the globe, as a multiple of its usual one. */
  readonly zoom: number;
}

/** One shot with both places, or one with the first place and one with both on the edge. */
export type Shots = readonly [Shot] | readonly [Shot, Shot];

/** How far from the middle of the globe a pin can be seen, to the side and up, in usual radii of the globe. */
export interface Room {
  readonly x: number;
  readonly y: number;
}

export function shotsOf(a: Vec3, b: Vec3, room: Room): Shots {
  const half = angle(a, b) / 2;
  const side = sideOf(a, b);
  if (half <= EDGE - 0.5 * DEGREE) {
    const mostAside = Math.acos(Math.min(1, Math.cos(EDGE) / Math.cos(half)));
    return [shotAt(a, b, 0.5, side * Math.min(ASIDE, mostAside), room)];
  }
  return [
    shotAt(a, b, FIRST_OF_TWO, side * ASIDE, { x: Number.POSITIVE_INFINITY, y: Number.POSITIVE_INFINITY }),
    shotAt(a, b, 0.5, side * ASIDE, room),
  ];
}

/** One shot of the whole arc, however long: the pins of a long one are on the edge of the disc. */
export function wideShotOf(a: Vec3, b: Vec3, room: Room): Shot {
  const [first, last] = shotsOf(a, b, room);
  return last ?? first;
}

/** Milliseconds that a flight takes. */
export function flightTime(from: Quaternion, to: Quaternion): number {
  return 650 + 750 * Math.min(1, turnBetween(from, to) / Math.PI);
}

/** `aside` is positive on the side of the great circle's pole. */
function shotAt(a: Vec3, b: Vec3, share: number, aside: number, room: Room): Shot {
  const orientation = lookAt(toLonLat(beside(a, b, share, aside)));
  return { orientation, zoom: Math.min(zoomFor(angle(a, b)), fittingZoom(orientation, [a, b], room)) };
}

function beside(a: Vec3, b: Vec3, share: number, aside: number): Vec3 {
  return normalise(add(scale(along(a, b, share), Math.cos(aside)), scale(poleOf(a, b), Math.sin(aside))));
}

/** The side of the equator, from where both places are seen upright; the south where it is all the same. */
function sideOf(a: Vec3, b: Vec3): 1 | -1 {
  const [one, other] = [beside(a, b, 0.5, ASIDE), beside(a, b, 0.5, -ASIDE)];
  const difference = Math.abs(one[2]) - Math.abs(other[2]);
  if (Math.abs(difference) < 1e-6) return one[2] < other[2] ? 1 : -1;
  return difference < 0 ? 1 : -1;
}

function zoomFor(distance: number): number {
  const nearness = Math.max(0, 1 - distance / CLOSE);
  return 1 + (CLOSEST_ZOOM - 1) * nearness;
}

/** The largest zoom at which the pins are in sight: on a phone the globe is wider than the screen. */
function fittingZoom(orientation: Quaternion, ends: readonly Vec3[], room: Room): number {
  const matrix = toMatrix(orientation);
  return ends.reduce((zoom, end) => {
    const [x, y] = apply(matrix, scale(end, PIN_TOP));
    return Math.min(zoom, room.x / Math.max(Math.abs(x), 1e-9), room.y / Math.max(Math.abs(y), 1e-9));
  }, Number.POSITIVE_INFINITY);
}
