/**
 * Points and great circles on the unit sphere.
 *
 * Longitudes and latitudes are in degrees, east and north positive; all other angles in radians. Vectors have x towards
 * 0° E 0° N, y towards 90° E 0° N, z towards the north pole.
 */

export type LonLat = readonly [longitude: number, latitude: number];
export type Vec3 = readonly [x: number, y: number, z: number];

const RADIANS = Math.PI / 180;

export function toVector([longitude, latitude]: LonLat): Vec3 {
  const [lambda, phi] = [longitude * RADIANS, latitude * RADIANS];
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
}

export function toLonLat([x, y, z]: Vec3): LonLat {
  return [Math.atan2(y, x) / RADIANS, Math.asin(Math.max(-1, Math.min(1, z))) / RADIANS];
}

export function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function scale([x, y, z]: Vec3, by: number): Vec3 {
  return [x * by, y * by, z * by];
}

export function add(a: Vec3, b: Vec3): Vec3 {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

export function normalise(v: Vec3): Vec3 {
  return scale(v, 1 / Math.hypot(...v));
}

/** Between two unit vectors; exact also where they nearly meet or are nearly opposite, which `acos` is not. */
export function angle(a: Vec3, b: Vec3): number {
  return Math.atan2(Math.hypot(...cross(a, b)), dot(a, b));
}

/**
 * The pole of the great circle from `a` to `b`. Of the many circles through points that meet or are opposite, it is one
 * that passes near the north pole.
 */
export function poleOf(a: Vec3, b: Vec3): Vec3 {
  const pole = cross(a, b);
  if (Math.hypot(...pole) > 1e-9) return normalise(pole);
  const north: Vec3 = Math.abs(a[2]) < 0.9 ? [0, 0, 1] : [1, 0, 0];
  return normalise(cross(a, north));
}

/** `v` turned about the unit vector `axis`, which it is perpendicular to. */
export function turn(v: Vec3, axis: Vec3, by: number): Vec3 {
  return add(scale(v, Math.cos(by)), scale(cross(axis, v), Math.sin(by)));
}

/** The point that lies `share` of the way from `a` to `b` along their great circle. */
export function along(a: Vec3, b: Vec3, share: number): Vec3 {
  return turn(a, poleOf(a, b), angle(a, b) * share);
}
