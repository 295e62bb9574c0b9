// Puts a .gz and a .br beside each text file of dist/, so that no server has to compress; says what a first visit weighs.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const dist = process.env.SLUICE_DIST ?? "dist";
const names = await readdir(dist, { recursive: true });
const sizes = {};
for (const name of names.filter((name) => /\.(js|css|html|svg|json)$/.test(name))) {
  const text = await readFile(join(dist, name));
  const packed = gzipSync(text, { level: 9 });
  sizes[name] = packed.length;
  await writeFile(join(dist, `${name}.gz`), packed);
  await writeFile(join(dist, `${name}.br`), brotliCompressSync(text));
}
const index = await readFile(join(dist, "index.html"), "utf8");
const first = [...index.matchAll(/(?:src|href)="\/app\/([^"]+)"/g)].map(([, name]) => name);
const weight = first.reduce((sum, name) => sum + (sizes[name] ?? 0), 0);
console.log(
  `first load: ${(weight / 1024).toFixed(1)} kB gzip; sluice.js: ${(sizes["sluice.js"] / 1024).toFixed(1)} kB gzip`,
);
if (weight > 250 * 1024 || sizes["sluice.js"] > 5 * 1024) {
  console.error("over the budget of 250 kB for the first load or 5 kB for sluice.js");
  process.exit(1);
}
