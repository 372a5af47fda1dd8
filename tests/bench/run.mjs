// What every bench stands on: its scratch directory, the report's head, and the end of all children.
//
// Invariant: every process of a run is in `run.children` and ends with it, also on an error.
// Environment: STATE_DIR, where the state lies (a directory in memory tells what the disk costs).

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { secrets } from "./links/origin.mjs";

const root = path.resolve(import.meta.dirname, "../..");
const load = () => os.loadavg().map((n) => Number(n.toFixed(2)));
const version = (file, ...args) => execFileSync(file, args, { encoding: "utf8" }).trim().split("\n")[0];

function head(run) {
  return {
    date: new Date().toISOString(),
    machine: { cpu: os.cpus()[0]?.model, cores: os.cpus().length, memoryMiB: Math.round(os.totalmem() / 2 ** 20), kernel: os.release() },
    versions: {
      commit: version("git", "-C", root, "rev-parse", "--short", "HEAD"),
      workerd: version(run.workerd, "--version"), node: process.version,
    },
    load: { before: load() },
    quick: run.quick,
  };
}

function prepare() {
  const began = performance.now();
  const quick = process.argv.includes("--quick");
  const build = path.join(root, "edge/build");
  const toml = readFileSync(path.join(root, "wrangler.toml"), "utf8");
  mkdirSync(path.join(root, "target/bench"), { recursive: true });
  return {
    root,
    quick,
    began,
    dir: mkdtempSync(path.join(process.env.STATE_DIR ?? path.join(root, "target/bench"), "run-")),
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
}

// Runs `measure(run, report, wanted)`, then prints `table(report)` and writes target/bench/PRODUCT.json.
export async function bench(product, { numbers, measure, table }) {
  const only = process.argv.find((arg) => arg.startsWith("--only="))?.slice(7).split(",");
  const run = prepare();
  Object.assign(run, numbers(run.quick));
  const end = () => {
    for (const child of run.children) child.kill("SIGKILL");
    rmSync(run.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  };
  process.on("exit", end);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));
  try {
    const report = head(run);
    await measure(run, report, (part) => !only || only.includes(part));
    report.load.after = load();
    report.seconds = Math.round((performance.now() - run.began) / 1000);
    const out = path.join(root, `target/bench/${product}${run.quick || only ? "-quick" : ""}.json`);
    writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`);
    process.stdout.write(table(report));
    process.stdout.write(`\n${path.relative(process.cwd(), out)}\n`);
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
