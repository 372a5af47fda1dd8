// scripts/bench links: what products/links promises in numbers, measured.
//
// Invariant: workerd is asked directly, never through a development proxy; every process is on
// 127.0.0.1 and ends with this one. Environment: WORKERD, ORIGIN, OUT; DATABASE_URL for PostgreSQL too.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { bytes } from "./links/bytes.mjs";
import { creation } from "./links/creation.mjs";
import { mixed } from "./links/mixed.mjs";
import { secrets, standIn } from "./links/origin.mjs";
import { redirects } from "./links/redirects.mjs";
import { table } from "./links/table.mjs";

const root = path.resolve(import.meta.dirname, "../..");
const quick = process.argv.includes("--quick");
const only = process.argv.find((arg) => arg.startsWith("--only="))?.slice(7).split(",");
const build = path.join(root, "edge/build");
const toml = readFileSync(path.join(root, "wrangler.toml"), "utf8");
const began = performance.now();
mkdirSync(path.join(root, "target/bench"), { recursive: true });

const run = {
  quick,
  rounds: quick ? 2 : 5,
  seconds: quick ? 1 : 3,
  warmSeconds: quick ? 2 : 5,
  creationSeconds: quick ? 2 : 8,
  dir: mkdtempSync(path.join(root, "target/bench/run-")),
  workerd: path.join(root, "node_modules/@cloudflare/workerd-linux-64/bin/workerd"),
  origin: path.join(root, "target/release/origin"),
  publicUrl: "http://127.0.0.1:8787",
  secrets: secrets(),
  compatibility: {
    date: /^compatibility_date = "(.*)"/m.exec(toml)[1],
    flags: JSON.parse(/^compatibility_flags = (\[.*\])/m.exec(toml)[1]),
  },
  modules: [
    ["door.js", "door.js", path.join(root, "edge/door.js")],
    ...readdirSync(build).filter((file) => /\.(js|wasm)$/.test(file)).map((file) => [`build/${file}`, file, path.join(build, file)]),
  ],
  children: new Set(),
  say: (text) => process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}\n`),
};

function end() {
  for (const child of run.children) child.kill("SIGKILL");
  rmSync(run.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
process.on("exit", end);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));

const load = () => os.loadavg().map((n) => Number(n.toFixed(2)));
const version = (file, ...args) => execFileSync(file, args, { encoding: "utf8" }).trim().split("\n")[0];
const wanted = (part) => !only || only.includes(part);

const report = {
  date: new Date().toISOString(),
  machine: { cpu: os.cpus()[0]?.model, cores: os.cpus().length, memoryMiB: Math.round(os.totalmem() / 2 ** 20), kernel: os.release() },
  versions: {
    commit: version("git", "-C", root, "rev-parse", "--short", "HEAD"),
    workerd: version(run.workerd, "--version"), node: process.version,
  },
  load: { before: load() },
  quick,
};

try {
  const origin = await standIn();
  if (wanted("redirects")) report.redirects = await redirects(run, origin);
  if (wanted("creation") || wanted("bytes")) {
    report.creation = [];
    const engines = [["sqlite", undefined]];
    if (process.env.DATABASE_URL?.startsWith("postgres")) engines.push(["postgres", process.env.DATABASE_URL]);
    for (const [engine, url] of engines) {
      const { origin: one, result } = await creation(run, origin, engine, url);
      report.creation.push(result);
      run.say(`creation on ${engine}`);
      if (engine === "sqlite" && wanted("bytes")) report.bytes = await bytes(run, one);
      one.child.kill("SIGTERM");
    }
  }
  if (wanted("mixed")) report.mixed = await mixed(run);
  origin.stop();
  report.load.after = load();
  report.seconds = Math.round((performance.now() - began) / 1000);
  const out = path.join(root, `target/bench/links${quick || only ? "-quick" : ""}.json`);
  writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(table(report));
  process.stdout.write(`\n${path.relative(process.cwd(), out)}\n`);
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
