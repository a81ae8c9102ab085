// Writes generated/land.json: the land of Natural Earth as a small TopoJSON, from the npm package world-atlas.
//
// Coasts are thinned by the area of the triangle that a point makes with its neighbours (Visvalingam), islands that
// would be a speck are left out, and coordinates are rounded to a grid. What is left is what a globe of a few hundred
// pixels can show.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { quantize } from "topojson-client";
import {
  filter,
  filterWeight,
  presimplify,
  simplify,
  sphericalRingArea,
  sphericalTriangleArea,
} from "topojson-simplify";

/** Steradians: what a point must at least add to the coast, and an island to the sea. */
const POINT = 5e-6;
const ISLAND = 1.5e-5;
/** Steps of the grid over 360°: two kilometres. */
const GRID = 2e4;
/** What the site may spend on land, compressed. */
const MOST_BYTES = 60 * 1024;

const source = createRequire(import.meta.url).resolve("world-atlas/land-50m.json");
const detailed = presimplify(JSON.parse(readFileSync(source, "utf8")), sphericalTriangleArea);
const large = filter(detailed, filterWeight(detailed, ISLAND, sphericalRingArea));
const land = quantize(simplify(large, POINT), GRID);

const text = JSON.stringify(land);
const bytes = gzipSync(text, { level: 9 }).length;
if (bytes > MOST_BYTES) throw new Error(`land takes ${bytes} bytes compressed, more than ${MOST_BYTES}`);
const folder = fileURLToPath(new URL("../generated/", import.meta.url));
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}land.json`, text);
console.log(`generated/land.json: ${text.length} bytes, ${bytes} compressed`);
