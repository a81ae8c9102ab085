// Writes NAME.br, NAME.gz and, where this Node can, NAME.zst beside every text file of a folder: session-api serves the
// one that a client likes best.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as zlib from "node:zlib";

const TEXT = /\.(html|js|css|json|svg|txt|webmanifest)$/;

const brotli = (bytes) =>
  zlib.brotliCompressSync(bytes, {
    params: {
      [zlib.constants.BROTLI_PARAM_QUALITY]: 11,
      [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
const gzip = (bytes) => zlib.gzipSync(bytes, { level: 9 });
const zstd = (bytes) =>
  zlib.zstdCompressSync(bytes, { params: { [zlib.constants.ZSTD_c_compressionLevel]: 19 } });

const codings = [[".br", brotli], [".gz", gzip], ...("zstdCompressSync" in zlib ? [[".zst", zstd]] : [])];

const folder = process.argv[2] ?? "dist";
const names = readdirSync(folder, { recursive: true }).filter((name) => TEXT.test(name));
for (const name of names) {
  const path = join(folder, name);
  const bytes = readFileSync(path);
  for (const [suffix, compress] of codings) {
    const compressed = compress(bytes);
    // A coding that saves nothing only costs the client time.
    if (compressed.length < bytes.length) writeFileSync(path + suffix, compressed);
  }
}
console.log(
  `${names.length} files of ${folder} compressed as ${codings.map(([suffix]) => suffix).join(", ")}`,
);
