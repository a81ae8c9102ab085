/**
 * How the globe is turned: a unit quaternion that takes vectors of the sphere to vectors of the view, in which x points
 * right, y up and z at the visitor.
 */
import { cross, dot, type LonLat, normalise, toLonLat, toVector, type Vec3 } from "./sphere";

export type Quaternion = readonly [w: number, x: number, y: number, z: number];

/** The rows are where the view's right, up and towards the visitor lie on the sphere. */
export type Matrix = readonly [Vec3, Vec3, Vec3];

/** Looks at a place with north up, or turned by `roll` radians counter-clockwise. */
export function lookAt(centre: LonLat, roll = 0): Quaternion {
  const toward = toVector(centre);
  const lambda = (centre[0] * Math.PI) / 180;
  const east: Vec3 = [-Math.sin(lambda), Math.cos(lambda), 0];
  const north = cross(toward, east);
  const upright = fromMatrix([east, north, toward]);
  return roll === 0 ? upright : multiply([Math.cos(roll / 2), 0, 0, Math.sin(roll / 2)], upright);
}

export function centreOf(orientation: Quaternion): LonLat {
  return toLonLat(toMatrix(orientation)[2]);
}

/** By how much north is turned away from up, counter-clockwise. */
export function rollOf(orientation: Quaternion): number {
  const [right, up] = toMatrix(orientation);
  return Math.atan2(-right[2], up[2]);
}

export function toMatrix([w, x, y, z]: Quaternion): Matrix {
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ];
}

export function apply([right, up, toward]: Matrix, v: Vec3): Vec3 {
  return [dot(right, v), dot(up, v), dot(toward, v)];
}

/** Radians of the turn that leads from one to the other. */
export function turnBetween(a: Quaternion, b: Quaternion): number {
  return 2 * Math.acos(Math.min(1, Math.abs(inner(a, b))));
}

/** The orientation that lies `share` of the way along the shortest turn from `a` to `b`. */
export function slerp(a: Quaternion, b: Quaternion, share: number): Quaternion {
  const cosine = inner(a, b);
  const sign = cosine < 0 ? -1 : 1;
  const half = Math.acos(Math.min(1, Math.abs(cosine)));
  const [from, to] =
    half < 1e-6
      ? [1 - share, share * sign]
      : [Math.sin((1 - share) * half) / Math.sin(half), (Math.sin(share * half) / Math.sin(half)) * sign];
  return unit([
    a[0] * from + b[0] * to,
    a[1] * from + b[1] * to,
    a[2] * from + b[2] * to,
    a[3] * from + b[3] * to,
  ]);
}

export function multiply(a: Quaternion, b: Quaternion): Quaternion {
  return [
    a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
    a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
    a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
    a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
  ];
}

function inner(a: Quaternion, b: Quaternion): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
}

function unit(q: Quaternion): Quaternion {
  const length = Math.hypot(...q);
  return [q[0] / length, q[1] / length, q[2] / length, q[3] / length];
}

/** Of a rotation; the largest of the four is found first, so that nothing is divided by nearly zero. */
function fromMatrix(matrix: Matrix): Quaternion {
  const [[a, b, c], [d, e, f], [g, h, i]] = matrix.map(normalise) as unknown as Matrix;
  const squares = [a + e + i, a - e - i, e - a - i, i - a - e];
  const largest = squares.indexOf(Math.max(...squares));
  switch (largest) {
    case 0:
      return unit([1 + a + e + i, h - f, c - g, d - b]);
    case 1:
      return unit([h - f, 1 + a - e - i, b + d, c + g]);
    case 2:
      return unit([c - g, b + d, 1 - a + e - i, f + h]);
    default:
      return unit([d - b, c + g, f + h, 1 - a - e + i]);
  }
}
