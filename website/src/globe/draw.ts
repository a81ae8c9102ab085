/** One frame of the globe on a canvas. */
import { arcOf } from "./arc";
import { graticuleLines, traceLines } from "./graticule";
import type { Frame, Scene } from "./journey";
import { coarser, type Ring, traceLand } from "./land";
import { type Matrix, toMatrix } from "./orientation";
import { drawArc, drawDot, drawFaintArc, drawPin, drawRipple, unitOf } from "./pins";
import type { Disc } from "./projection";
import { Shading } from "./shading";
import type { Vec3 } from "./sphere";
import { rgba, type Theme } from "./theme";

type Context = CanvasRenderingContext2D;

/**
 * Arcs of other sessions lie close to the ground, below the featured one, and are cut at the edge of the globe: beyond it
 * they would be loose ends in the sky.
 */
const OTHERS_STEEPNESS = 0.12;
/** How far the halo reaches, in radii of the globe. */
const HALO = 1.32;

/** A scene with what is computed once for it. */
export interface Prepared {
  readonly scene: Scene;
  readonly arc: readonly Vec3[];
  readonly others: readonly (readonly Vec3[])[];
}

export function prepare(scene: Scene): Prepared {
  return {
    scene,
    arc: arcOf(scene.first, scene.second),
    others: scene.others.map(([one, other]) => arcOf(one, other, 41, OTHERS_STEEPNESS)),
  };
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly disc: Disc;
  readonly theme: Theme;
  readonly sun: Vec3;
  /** How much of what is fine is there: lines, and coasts in all their detail. */
  readonly detail: number;
  readonly frame: Frame;
  readonly now: Prepared | undefined;
  /** What was shown before, and fades. */
  readonly before: Prepared | undefined;
}

export class Painter {
  #land: readonly Ring[] = [];
  #coarseLand: readonly Ring[] = [];
  readonly #graticule = graticuleLines();
  readonly #shading = new Shading();
  #halo: { key: string; canvas: HTMLCanvasElement } | undefined;

  setLand(rings: readonly Ring[]): void {
    this.#land = rings;
    this.#coarseLand = coarser(rings);
  }

  paint(context: Context, picture: Picture): void {
    const { width, height, disc, theme, frame } = picture;
    const matrix = toMatrix(frame.shot.orientation);
    context.fillStyle = theme.page;
    context.fillRect(0, 0, width, height);
    this.#drawHalo(context, disc, theme);
    this.#drawBall(context, matrix, picture);
    if (picture.before && frame.before > 0) drawFading(context, matrix, picture, picture.before);
    if (picture.now) drawScene(context, matrix, picture, picture.now);
  }

  #drawHalo(context: Context, disc: Disc, theme: Theme): void {
    const canvas = this.#haloFor(theme);
    const size = 2 * HALO * disc.radius;
    context.drawImage(canvas, Math.round(disc.x - size / 2), Math.round(disc.y - size / 2), size, size);
  }

  /** Made once for a theme, and enlarged: it has no detail. */
  #haloFor(theme: Theme): HTMLCanvasElement {
    const key = `${theme.halo} ${theme.haloAlpha}`;
    if (this.#halo?.key === key) return this.#halo.canvas;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 256;
    const context = canvas.getContext("2d");
    if (context) {
      const gradient = context.createRadialGradient(128, 128, 128 / HALO - 2, 128, 128, 128);
      for (const share of [0, 0.1, 0.2, 0.35, 0.5, 0.7, 1]) {
        gradient.addColorStop(share, rgba(theme.halo, theme.haloAlpha * (1 - share) ** 2.6));
      }
      context.fillStyle = gradient;
      context.fillRect(0, 0, 256, 256);
    }
    this.#halo = { key, canvas };
    return canvas;
  }

  #drawBall(context: Context, matrix: Matrix, { disc, theme, sun, detail }: Picture): void {
    context.save();
    context.beginPath();
    context.arc(disc.x, disc.y, disc.radius, 0, 2 * Math.PI);
    context.fillStyle = theme.ocean;
    context.fill();
    context.clip();
    context.fillStyle = theme.land;
    if (detail > 0) {
      context.globalAlpha = detail;
      context.beginPath();
      traceLines(context, this.#graticule, matrix, disc);
      context.strokeStyle = theme.graticule;
      context.lineWidth = 1;
      context.stroke();
    }
    if (detail < 1) {
      context.globalAlpha = 1;
      context.beginPath();
      traceLand(context, this.#coarseLand, matrix, disc);
      context.fill("evenodd");
    }
    if (detail > 0) {
      context.globalAlpha = detail;
      context.beginPath();
      traceLand(context, this.#land, matrix, disc);
      context.fill("evenodd");
      context.strokeStyle = theme.coast;
      context.lineWidth = 0.8;
      context.lineJoin = "round";
      context.stroke();
    }
    context.globalAlpha = 1;
    this.#shading.draw(context, matrix, sun, theme, disc);
    context.restore();
  }
}

function drawScene(context: Context, matrix: Matrix, picture: Picture, prepared: Prepared): void {
  const { disc, theme, frame } = picture;
  const { scene, arc } = prepared;
  drawOthers(context, matrix, picture, prepared, frame.othersAlpha);
  const ends = [
    [scene.first, frame.pins[0], frame.ripples[0], rgba(theme.first, 1)],
    [scene.second, frame.pins[1], frame.ripples[1], rgba(theme.second, 1)],
  ] as const;
  for (const [place, , ripple, colour] of ends) {
    if (ripple !== undefined) drawRipple(context, matrix, disc, place, ripple, colour);
  }
  drawArc(context, matrix, disc, arc, frame.arc, [theme.first, theme.second], theme.pinEdge);
  for (const [place, height, , colour] of ends) {
    if (height !== undefined) drawPin(context, matrix, disc, place, height, colour, theme.pinEdge);
  }
}

/** The scene before, on its way out. */
function drawFading(context: Context, matrix: Matrix, picture: Picture, prepared: Prepared): void {
  const { disc, theme, frame } = picture;
  drawOthers(context, matrix, picture, prepared, frame.before);
  drawArc(context, matrix, disc, prepared.arc, 1, [theme.first, theme.second], theme.pinEdge, frame.before);
  for (const [place, colour] of [
    [prepared.scene.first, theme.first],
    [prepared.scene.second, theme.second],
  ] as const) {
    context.globalAlpha = frame.before;
    context.fillStyle = rgba(colour, 1);
    drawDot(context, matrix, disc, place, 5 * unitOf(disc));
  }
  context.globalAlpha = 1;
}

function drawOthers(
  context: Context,
  matrix: Matrix,
  { disc, theme }: Picture,
  { scene, others }: Prepared,
  alpha: number,
): void {
  if (alpha <= 0) return;
  const unit = unitOf(disc);
  context.globalAlpha = 0.4 * alpha;
  context.strokeStyle = theme.other;
  context.lineWidth = 1.2 * unit;
  context.save();
  clipToBall(context, disc);
  for (const arc of others) drawFaintArc(context, matrix, disc, arc);
  context.restore();
  context.globalAlpha = 0.75 * alpha;
  context.fillStyle = theme.other;
  const feet = [...scene.others.flat(), ...scene.places];
  for (const foot of feet) drawDot(context, matrix, disc, foot, 2.2 * unit);
  context.globalAlpha = 1;
}

function clipToBall(context: Context, { x, y, radius }: Disc): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.clip();
}
