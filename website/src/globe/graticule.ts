/** Meridians and parallels, as unit vectors. */
import type { Matrix } from "./orientation";
import type { Disc } from "./projection";
import { type LonLat, toVector } from "./sphere";

/** Degrees between two lines. */
const STEP = 20;
/** Degrees between two points of a line. */
const PRECISION = 4;

/** Latitude, in degrees, at which the meridians end. */
const TOP = 80;

/** Not d3's: its meridians have a point at every 90 degrees, whatever the precision. */
export function graticuleLines(): readonly Float32Array[] {
  const meridians = range(-180, 180 - STEP, STEP).map((lon) =>
    range(-TOP, TOP, PRECISION).map((lat): LonLat => [lon, lat]),
  );
  const parallels = range(-TOP, TOP, STEP).map((lat) =>
    range(-180, 180, PRECISION).map((lon): LonLat => [lon, lat]),
  );
  return [...meridians, ...parallels].map((line) =>
    Float32Array.from(line.flatMap((point) => toVector(point))),
  );
}

/** From `first` to `last`, both included. */
function range(first: number, last: number, step: number): number[] {
  return Array.from({ length: Math.round((last - first) / step) + 1 }, (_, index) => first + index * step);
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
