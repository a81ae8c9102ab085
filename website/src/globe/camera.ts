/**
 * From where a pair is best seen.
 *
 * The camera looks from beside the great circle, so that the arc is seen to rise above the ground; from above it would
 * look like a straight line. Both pins are on the near side as long as they can be seen there without lying near the
 * edge, with little but ocean between them; farther apart, the camera shows one, and travels with the arc to the other.
 */
import { apply, lookAt, type Quaternion, toMatrix, turnBetween } from "./orientation";
import { add, along, angle, normalise, poleOf, scale, toLonLat, type Vec3 } from "./sphere";

const DEGREE = Math.PI / 180;

/** How far beside the great circle the camera stands. */
const ASIDE = 25 * DEGREE;
/** The farthest from the middle of the disc that a pin of a single shot may be. */
const EDGE = 70 * DEGREE;
/** Where along the arc the first shot of two is centred; the second one is as far from its end. */
const FIRST_OF_TWO = 0.2;
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

/** One shot with both places, or one of each. */
export type Shots = readonly [Shot] | readonly [Shot, Shot];

/** How far from the middle of the globe a pin can be seen, to the side and up, in usual radii of the globe. */
export interface Room {
  readonly x: number;
  readonly y: number;
}

export function shotsOf(a: Vec3, b: Vec3, room: Room): Shots {
  const half = angle(a, b) / 2;
  if (half <= EDGE - 0.5 * DEGREE) return [wideShotOf(a, b, room)];
  const aside = sideOf(a, b) * ASIDE;
  return [
    shotAt(beside(a, b, FIRST_OF_TWO, aside), zoomFor(2 * half), [a], room),
    shotAt(beside(a, b, 1 - FIRST_OF_TWO, aside), zoomFor(2 * half), [b], room),
  ];
}

/** One shot of the whole arc, however long: the pins of a long one are on the edge of the disc. */
export function wideShotOf(a: Vec3, b: Vec3, room: Room): Shot {
  const half = angle(a, b) / 2;
  // Pins that are on the edge anyway do not come nearer to the middle from above.
  const aside =
    half > EDGE ? ASIDE : Math.min(ASIDE, Math.acos(Math.min(1, Math.cos(EDGE) / Math.cos(half))));
  return shotAt(beside(a, b, 0.5, sideOf(a, b) * aside), zoomFor(2 * half), [a, b], room);
}

/** Milliseconds that a flight takes. */
export function flightTime(from: Quaternion, to: Quaternion): number {
  return 650 + 750 * Math.min(1, turnBetween(from, to) / Math.PI);
}

/** With `pins` in sight. */
function shotAt(middle: Vec3, zoom: number, pins: readonly Vec3[], room: Room): Shot {
  const orientation = lookAt(toLonLat(middle));
  return { orientation, zoom: Math.min(zoom, fittingZoom(orientation, pins, room)) };
}

/** `aside` is positive on the side of the great circle's pole. */
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
function fittingZoom(orientation: Quaternion, pins: readonly Vec3[], room: Room): number {
  const matrix = toMatrix(orientation);
  return pins.reduce((zoom, pin) => {
    const [x, y] = apply(matrix, scale(pin, PIN_TOP));
    return Math.min(zoom, room.x / Math.max(Math.abs(x), 1e-9), room.y / Math.max(Math.abs(y), 1e-9));
  }, Number.POSITIVE_INFINITY);
}
