/** Meridians and parallels, as unit vectors. */
import { geoGraticule } from "d3-geo";
import type { Matrix } from "./orientation";
import type { Disc } from "./projection";
import { type LonLat, toVector } from "./sphere";

/** Degrees between two lines. */
const STEP = 20;
/** Degrees between two points of a line. */
const PRECISION = 4;

export function graticuleLines(): readonly Float32Array[] {
  const lines = geoGraticule()
    .step([STEP, STEP])
    .extentMajor([
      [-180, -80.001],
      [180, 80.001],
    ])
    .precision(PRECISION)
    .lines();
  return lines.map(({ coordinates }) =>
    Float32Array.from((coordinates as unknown as LonLat[]).flatMap((point) => toVector(point))),
  );
}

/** Adds to a path, to be stroked, what of the lines is on the near side. */
export function traceLines(
  path: Pick<CanvasPath, "moveTo" | "lineTo">,
  lines: readonly Float32Array[],
  [[a, b, c], [d, e, f], [g, h, i]]: Matrix,
  { x: left, y: top, radius }: Disc,
): void {
  for (const line of lines) {
    let drawing = false;
    for (let at = 0; at < line.length; at += 3) {
      const px = line[at] as number;
      const py = line[at + 1] as number;
      const pz = line[at + 2] as number;
      if (g * px + h * py + i * pz < 0) {
        drawing = false;
        continue;
      }
      const x = left + radius * (a * px + b * py + c * pz);
      const y = top - radius * (d * px + e * py + f * pz);
      if (drawing) path.lineTo(x, y);
      else path.moveTo(x, y);
      drawing = true;
    }
  }
}
