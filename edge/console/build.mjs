// Bundles the console into `dist/`, which the edge serves as static assets under /console, and the page
// with a player, under /embed.
//
// Invariant: everything but the page itself is named by its content, so it may be kept for ever; the
// page names nothing of another host and holds no script or style of its own. A bundle over its
// budget does not pass. Refuses to check types: `scripts/build console` does that first.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

// What a phone on a slow line (400 kbit/s) loads within two seconds.
const GZIP_BYTES_MAX = 102_400;
// hls.js whole (190 KB): its light build knows no audio of its own and no captions.
const PLAYER_GZIP_BYTES_MAX = 204_800;

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, "dist");
const pages = path.join(dist, "console");
const files = path.join(pages, "files");
const embed = path.join(dist, "embed");
const embedFiles = path.join(embed, "files");
const at = (name) => path.join(here, name);

await rm(dist, { recursive: true, force: true });
await mkdir(files, { recursive: true });
await mkdir(embedFiles, { recursive: true });

const bundled = (entryPoints, outdir) => build({
  entryPoints,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  entryNames: "[name]-[hash]",
  legalComments: "none", // the licences stand in a file of their own
  metafile: true,
  outdir,
  logLevel: "warning",
});
const { metafile } = await bundled({ app: at("src/main.tsx"), theme: at("src/theme-first.ts") }, files);
const player = await bundled({ player: at("src/embed/player.ts") }, embedFiles);

const made = Object.keys(metafile.outputs).map((file) => path.basename(file));
const named = (start, end) => made.find((name) => name.startsWith(start) && name.endsWith(end));
const icon = await readFile(at("static/icon.svg"));
const iconName = `icon-${createHash("sha256").update(icon).digest("hex").slice(0, 8)}.svg`;
await writeFile(path.join(files, iconName), icon);

// Their licences ask that the notice goes along.
const licensed = ["preact", "@preact/signals", "@preact/signals-core", "uplot", "hls.js"];
const modules = path.join(here, "../../node_modules");
const notices = licensed.map(async (name) => {
  const text = await readFile(path.join(modules, name, "LICENSE"), "utf8");
  return `${name}\n\n${text.trim()}\n`;
});
await writeFile(path.join(pages, "licences.txt"), (await Promise.all(notices)).join("\n\n"));

const embedMade = Object.keys(player.metafile.outputs).map((file) => path.basename(file));
let embedPage = await readFile(at("static/player.html"), "utf8");
for (const [key, end] of [["PLAYER", ".js"], ["STYLE", ".css"]]) {
  embedPage = embedPage.replaceAll(`{${key}}`, embedMade.find((name) => name.endsWith(end)));
}
await writeFile(path.join(embed, "player.html"), embedPage);

const names = {
  THEME: named("theme-", ".js"),
  APP: named("app-", ".js"),
  STYLE: named("app-", ".css"),
  ICON: iconName,
};
let page = await readFile(at("static/index.html"), "utf8");
for (const [key, name] of Object.entries(names)) page = page.replaceAll(`{${key}}`, name);
await writeFile(path.join(pages, "index.html"), page);
await writeFile(path.join(dist, "_headers"), await readFile(at("static/_headers")));

const gzipped = async (file) => gzipSync(await readFile(file), { level: 9 }).length;
let playerTotal = 0;
for (const name of ["../player.html", ...embedMade]) playerTotal += await gzipped(path.join(embedFiles, name));
console.log(`the player: ${playerTotal} bytes gzip of ${PLAYER_GZIP_BYTES_MAX}`);

let total = 0;
const sizes = [];
for (const name of ["../index.html", ...Object.values(names)]) {
  const gzip = await gzipped(path.join(files, name));
  total += gzip;
  sizes.push(`${path.basename(name).replace(/-[^.]*/, "")} ${gzip}`);
}
console.log(`the console: ${total} bytes gzip of ${GZIP_BYTES_MAX} (${sizes.join(", ")})`);
if (total > GZIP_BYTES_MAX || playerTotal > PLAYER_GZIP_BYTES_MAX) {
  console.error("stopped: the console or the player is over its budget");
  process.exit(1);
}
