/**
 * Light on the globe: the night side with a soft edge, and a rim that shines.
 *
 * It is computed for few points and drawn enlarged, which makes it as soft as a gradient and costs a fraction of one.
 */
import { easeInOut } from "./easing";
import { apply, type Matrix } from "./orientation";
import type { Disc } from "./projection";
import type { Vec3 } from "./sphere";
import type { Rgb } from "./theme";

/** Points along each side. */
export const SIDE = 112;
/** How far beyond the disc the points reach, so that enlarging has something to mix the edge with. */
export const REACH = 1.03;

/** Height of the sun, as a sine, at which day ends and night has come: a wide dusk looks soft. */
const DUSK = 0.16;
const NIGHT = -0.3;

export interface Light {
  readonly night: Rgb;
  readonly nightAlpha: number;
  readonly rim: Rgb;
  readonly rimAlpha: number;
}

/** Fills `pixels` (RGBA, SIDE × SIDE) for a globe that the sun shines on from `sun`, a vector of the view. */
export function shade(pixels: Uint8ClampedArray, [sunX, sunY, sunZ]: Vec3, light: Light): void {
  const { night, nightAlpha, rim, rimAlpha } = light;
  let at = 0;
  for (let row = 0; row < SIDE; row++) {
    const y = -REACH + (2 * REACH * (row + 0.5)) / SIDE;
    for (let column = 0; column < SIDE; column++, at += 4) {
      const x = -REACH + (2 * REACH * (column + 0.5)) / SIDE;
      const square = x * x + y * y;
      if (square > REACH * REACH * 1.1) continue;
      const z = square < 1 ? Math.sqrt(1 - square) : 0;
      const height = sunX * x - sunY * y + sunZ * z;
      const dark = easeInOut((DUSK - height) / (DUSK - NIGHT)) * nightAlpha;
      const edge = (1 - z) * (1 - z);
      const shine = edge * edge * rimAlpha * (0.35 + 0.65 * easeInOut((height + 0.35) / 0.9));
      // The rim lies over the night.
      const alpha = shine + dark * (1 - shine);
      const share = alpha > 0 ? shine / alpha : 0;
      pixels[at] = night[0] + (rim[0] - night[0]) * share;
      pixels[at + 1] = night[1] + (rim[1] - night[1]) * share;
      pixels[at + 2] = night[2] + (rim[2] - night[2]) * share;
      pixels[at + 3] = alpha * 255;
    }
  }
}

/** Keeps the points of the last light, which stay the same while the globe stands still. */
export class Shading {
  readonly #canvas = document.createElement("canvas");
  readonly #context: CanvasRenderingContext2D;
  readonly #image: ImageData;

  constructor() {
    this.#canvas.width = SIDE;
    this.#canvas.height = SIDE;
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("this browser draws no canvas");
    this.#context = context;
    this.#image = context.createImageData(SIDE, SIDE);
  }

  /** Draws the light onto what lies below, within the clip of `context`. */
  draw(context: CanvasRenderingContext2D, matrix: Matrix, sun: Vec3, light: Light, disc: Disc): void {
    shade(this.#image.data, apply(matrix, sun), light);
    this.#context.putImageData(this.#image, 0, 0);
    const size = 2 * REACH * disc.radius;
    context.drawImage(this.#canvas, disc.x - size / 2, disc.y - size / 2, size, size);
  }
}
