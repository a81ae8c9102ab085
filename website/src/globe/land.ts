/**
 * The outlines of land, ready to be drawn many times a second.
 *
 * They are kept as unit vectors, so that turning the globe costs nine multiplications a point, and each with the cap that
 * it lies in, so that what is on the far side costs nothing. Every ring goes counter-clockwise around its smaller side,
 * which is its inside; a lake is a ring in a ring.
 */
import { geoArea } from "d3-geo";
import { feature } from "topojson-client";
import type { GeometryCollection, MultiPolygon, Topology } from "topojson-specification";
import type { Matrix } from "./orientation";
import type { Disc } from "./projection";
import { angle, dot, type LonLat, normalise, toVector, type Vec3 } from "./sphere";

export type LandTopology = Topology<{ land: GeometryCollection | MultiPolygon }>;

export interface Ring {
  /** x, y, z of each point in turn; the first is not repeated at the end. */
  readonly points: Float32Array;
  /** The cap that the ring lies in. */
  readonly middle: Vec3;
  readonly reach: number;
}

/** What of a canvas's path is needed here. */
export interface PathSink {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  arc(x: number, y: number, radius: number, from: number, to: number, counterclockwise?: boolean): void;
  closePath(): void;
}

/** Rings from the file that the build makes. */
export function landRings(topology: LandTopology): readonly Ring[] {
  const shape = feature(topology, topology.objects.land);
  const shapes = shape.type === "FeatureCollection" ? shape.features : [shape];
  return shapes
    .map(({ geometry }) => geometry)
    .flatMap((geometry) => {
      if (geometry.type === "Polygon") return geometry.coordinates;
      return geometry.type === "MultiPolygon" ? geometry.coordinates.flat() : [];
    })
    .filter((ring) => ring.length >= 4)
    .map((ring) => makeRing(ring as unknown as LonLat[]));
}

/** Of a closed ring of coordinates: the last point is the first. */
export function makeRing(closed: readonly LonLat[]): Ring {
  // d3 takes the side to the right of a ring for its inside.
  const area = geoArea({ type: "Polygon", coordinates: [closed as unknown as number[][]] });
  const open = closed.slice(0, -1);
  const vectors = (area > 2 * Math.PI ? open : open.reverse()).map(toVector);
  const sum = vectors.reduce<Vec3>((a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]], [0, 0, 0]);
  const middle = Math.hypot(...sum) > 1e-9 ? normalise(sum) : (vectors[0] ?? [1, 0, 0]);
  const reach = Math.max(...vectors.map((vector) => angle(middle, vector)));
  return { points: Float32Array.from(vectors.flat()), middle, reach };
}

/** Fewer rings with fewer points, for machines that are slow. */
export function coarser(rings: readonly Ring[]): readonly Ring[] {
  return rings.filter(({ reach, points }) => reach > 0.012 && points.length >= 24).map(everyOther);
}

function everyOther(ring: Ring): Ring {
  const kept: number[] = [];
  for (let i = 0; i < ring.points.length; i += 6) kept.push(...ring.points.subarray(i, i + 3));
  return { ...ring, points: Float32Array.from(kept) };
}

/**
 * Adds to a path (to be filled by the even-odd rule) what of the rings is on the near side.
 *
 * A point on the far side is moved to the edge of the disc, straight outwards. That leaves every ring closed and its
 * inside where it was, unless the point of the far side that is farthest away is inside the ring: all around is then
 * inside, and the whole disc is added once more.
 */
export function traceLand(path: PathSink, rings: readonly Ring[], matrix: Matrix, disc: Disc): void {
  let farthestIsLand = false;
  for (const ring of rings) {
    const aboveHorizon = Math.asin(Math.max(-1, Math.min(1, dot(matrix[2], ring.middle)))) + ring.reach;
    if (aboveHorizon <= 0) continue;
    if (traceRing(path, ring.points, matrix, disc)) farthestIsLand = !farthestIsLand;
  }
  if (!farthestIsLand) return;
  path.moveTo(disc.x + disc.radius, disc.y);
  path.arc(disc.x, disc.y, disc.radius, 0, 2 * Math.PI);
  path.closePath();
}

/** Cosine of how far the path may go straight on along the edge of the disc. */
const STRAIGHT = Math.cos(0.12);

/** Returns whether the farthest point of the far side is inside. */
function traceRing(path: PathSink, points: Float32Array, matrix: Matrix, disc: Disc): boolean {
  const [[a, b, c], [d, e, f], [g, h, i]] = matrix;
  const { x: left, y: top, radius } = disc;
  const count = points.length;
  // The last point, from where the first one is reached.
  let [lastX, lastY, lastZ] = rotate(matrix, points, count - 3);
  // The unit vector at which the path last touched the edge, while it is on the far side.
  let edgeX = 0;
  let edgeY = 0;
  let onEdge = false;
  let begun = false;
  let first: { x: number; y: number } | undefined;
  let lowestCrossing = 2;
  let insideBelow = false;
  for (let at = 0; at < count; at += 3) {
    const px = points[at] as number;
    const py = points[at + 1] as number;
    const pz = points[at + 2] as number;
    const x = a * px + b * py + c * pz;
    const y = d * px + e * py + f * pz;
    const z = g * px + h * py + i * pz;
    // Where the ring crosses the half circle from the nearest point over the right edge to the farthest one.
    if (lastY < 0 !== y < 0) {
      const share = lastY / (lastY - y);
      const crossingX = lastX + (x - lastX) * share;
      const crossingZ = lastZ + (z - lastZ) * share;
      const height = crossingZ / Math.hypot(crossingX, crossingZ);
      if (crossingX > 0 && height < lowestCrossing) {
        lowestCrossing = height;
        insideBelow = y < 0;
      }
    }
    if (z >= 0) {
      if (begun) path.lineTo(left + radius * x, top - radius * y);
      else path.moveTo(left + radius * x, top - radius * y);
      begun = true;
      onEdge = false;
    } else {
      const length = Math.sqrt(x * x + y * y) || 1;
      const [ux, uy] = [x / length, y / length];
      if (!begun) {
        path.moveTo(left + radius * ux, top - radius * uy);
        first = { x: ux, y: uy };
      } else if (onEdge) {
        alongEdge(path, disc, edgeX, edgeY, ux, uy);
      } else {
        path.lineTo(left + radius * ux, top - radius * uy);
      }
      [edgeX, edgeY, onEdge, begun] = [ux, uy, true, true];
    }
    lastX = x;
    lastY = y;
    lastZ = z;
  }
  if (onEdge && first) alongEdge(path, disc, edgeX, edgeY, first.x, first.y);
  path.closePath();
  return insideBelow;
}

/** Goes on along the edge of the disc from one unit vector to another, the shorter way. */
function alongEdge(path: PathSink, disc: Disc, fromX: number, fromY: number, toX: number, toY: number): void {
  if (fromX * toX + fromY * toY > STRAIGHT) {
    path.lineTo(disc.x + disc.radius * toX, disc.y - disc.radius * toY);
    return;
  }
  // The canvas measures angles clockwise, since its y points down.
  const counterclockwise = fromX * toY - fromY * toX > 0;
  path.arc(disc.x, disc.y, disc.radius, Math.atan2(-fromY, fromX), Math.atan2(-toY, toX), counterclockwise);
}

function rotate([right, up, toward]: Matrix, points: Float32Array, at: number): [number, number, number] {
  const v: Vec3 = [points[at] ?? 0, points[at + 1] ?? 0, points[at + 2] ?? 0];
  return [dot(right, v), dot(up, v), dot(toward, v)];
}
