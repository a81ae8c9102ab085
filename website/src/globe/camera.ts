/**
 * From where a pair is best seen.
 *
 * The camera looks from beside the great circle, so that the arc is seen to rise above the ground; from above it would
 * look like a straight line. Both pins are on the near side as long as they can be seen there without lying on the very
 * edge; farther apart, the camera shows one, and travels with the arc until the other has come up over the edge.
 */
import { lookAt, type Quaternion, turnBetween } from "./orientation";
import { add, along, angle, normalise, poleOf, scale, toLonLat, type Vec3 } from "./sphere";

const DEGREE = Math.PI / 180;

/** How far beside the great circle the camera stands. */
const ASIDE = 25 * DEGREE;
/** The farthest from the middle of the disc that a pin of a single shot may be. */
const EDGE = 80 * DEGREE;
/** Where along the arc the first shot of two is centred. */
const FIRST_OF_TWO = 0.26;
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

export function shotsOf(a: Vec3, b: Vec3): Shots {
  const half = angle(a, b) / 2;
  if (half <= EDGE - 0.5 * DEGREE) {
    const mostAside = Math.acos(Math.min(1, Math.cos(EDGE) / Math.cos(half)));
    return [shotAt(a, b, 0.5, Math.min(ASIDE, mostAside))];
  }
  return [shotAt(a, b, FIRST_OF_TWO, ASIDE), shotAt(a, b, 0.5, ASIDE)];
}

/** One shot of the whole arc, however long: the pins of a long one are on the edge of the disc. */
export function wideShotOf(a: Vec3, b: Vec3): Shot {
  const [first, last] = shotsOf(a, b);
  return last ?? first;
}

/** Milliseconds that a flight takes. */
export function flightTime(from: Quaternion, to: Quaternion): number {
  return 700 + 900 * Math.min(1, turnBetween(from, to) / Math.PI);
}

function shotAt(a: Vec3, b: Vec3, share: number, aside: number): Shot {
  const onArc = along(a, b, share);
  const pole = poleOf(a, b);
  const beside = (side: number) =>
    normalise(add(scale(onArc, Math.cos(aside)), scale(pole, side * Math.sin(aside))));
  const [one, other] = [beside(1), beside(-1)];
  // From the side of the equator; both places of a pair are then seen upright. From the south where it is all the same.
  const nearer = Math.abs(one[2]) - Math.abs(other[2]);
  const chosen = Math.abs(nearer) < 1e-6 ? (one[2] < other[2] ? one : other) : nearer < 0 ? one : other;
  return { orientation: lookAt(toLonLat(chosen)), zoom: zoomFor(angle(a, b)) };
}

function zoomFor(distance: number): number {
  const nearness = Math.max(0, 1 - distance / CLOSE);
  return 1 + (CLOSEST_ZOOM - 1) * nearness;
}
