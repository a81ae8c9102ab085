/** From vectors to pixels: the globe seen from afar (orthographic). */
import type { Matrix } from "./orientation";
import type { Vec3 } from "./sphere";

/** Where the globe is drawn. Lengths are in CSS pixels. */
export interface Disc {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

export interface Projected {
  readonly x: number;
  readonly y: number;
  /** Towards the visitor, in radii of the globe. */
  readonly depth: number;
  /** Whether the globe does not stand before it. */
  readonly visible: boolean;
}

/** A point on the ground or above it, in radii from the centre of the globe. */
export function project([right, up, toward]: Matrix, disc: Disc, v: Vec3): Projected {
  const x = right[0] * v[0] + right[1] * v[1] + right[2] * v[2];
  const y = up[0] * v[0] + up[1] * v[1] + up[2] * v[2];
  const depth = toward[0] * v[0] + toward[1] * v[1] + toward[2] * v[2];
  return {
    x: disc.x + disc.radius * x,
    y: disc.y - disc.radius * y,
    depth,
    visible: depth >= 0 || x * x + y * y > 1,
  };
}
