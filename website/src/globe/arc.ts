/** The arc that joins two places: a great circle that rises from the ground and comes down again. */
import { clamp01 } from "./easing";
import { angle, poleOf, scale, turn, type Vec3 } from "./sphere";

/** Height of an arc half around the globe above the ground, in radii, were it not for `LONG`. */
const TOP = 0.34;
/** Arcs over more radians get lower again: their height is seen beside the globe, where texts are. */
const LONG = 1.9;
/** How high the longest one is for `TOP`. */
const LOWERED = 0.35;
/** The arc of neighbours rises at least so much for its length. */
const STEEPEST = 0.32;

/**
 * Vectors from the centre of the globe, in radii; the first and the last one are on the ground. With less `steepness` the
 * arc stays lower.
 */
export function arcOf(a: Vec3, b: Vec3, points = 73, steepness = 1): readonly Vec3[] {
  const distance = angle(a, b);
  const pole = poleOf(a, b);
  const top = heightOf(distance) * steepness;
  return Array.from({ length: points }, (_, i) => {
    const share = i / (points - 1);
    return scale(turn(a, pole, distance * share), 1 + top * 4 * share * (1 - share));
  });
}

/** How high an arc over so many radians rises, in radii. */
export function heightOf(distance: number): number {
  const excess = clamp01((distance - LONG) / (Math.PI - LONG));
  const top = TOP * (1 - (1 - LOWERED) * excess);
  return Math.min(top * Math.sin(Math.min(distance, Math.PI) / 2), STEEPEST * distance);
}
