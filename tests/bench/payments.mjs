// scripts/bench payments: what products/payments promises in numbers of the ledger, measured.
//
// Invariant: the origin is asked as the edge asks it (signed, over HTTP), on 127.0.0.1, and every
// answer follows its commit; pgbench runs on the same server in the same run. Ratios are of one run.
// Environment: DATABASE_URL for PostgreSQL too; ACCOUNTS, ENTRIES (how many stand before balances are read).

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fsyncsPerSecond, origin, secrets } from "./links/origin.mjs";
import { cpuMs } from "./links/workerd.mjs";
import { table } from "./payments/table.mjs";

const root = path.resolve(import.meta.dirname, "../..");
const quick = process.argv.includes("--quick");
const only = process.argv.find((arg) => arg.startsWith("--engine="))?.slice(9);
// Only a statement of a million lines, which needs no server.
const alone = process.argv.includes("--only=reconcile");
const began = performance.now();
mkdirSync(path.join(root, "target/bench"), { recursive: true });

const run = {
  quick,
  seconds: quick ? 3 : 8,
  accounts: Number(process.env.ACCOUNTS ?? 10_000),
  entries: Number(process.env.ENTRIES ?? (quick ? 100_000 : 1_000_000)),
  connections: 512,
  dir: mkdtempSync(path.join(root, "target/bench/run-")),
  origin: path.join(root, "target/release/origin"),
  load: path.join(root, "target/release/examples/load-payments"),
  reconcile: path.join(root, "target/release/examples/reconcile-payments"),
  secrets: secrets(),
  children: new Set(),
  say: (text) => process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}\n`),
};

function end() {
  for (const child of run.children) child.kill("SIGKILL");
  rmSync(run.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
process.on("exit", end);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));

async function output(program, args, env = {}) {
  const child = spawn(program, args.map(String), { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  run.children.add(child);
  let out = "", err = "";
  child.stdout.on("data", (part) => (out += part));
  child.stderr.on("data", (part) => (err += part));
  const code = await new Promise((done) => child.once("close", done));
  run.children.delete(child);
  if (code !== 0) throw new Error(`${path.basename(program)} failed (${code}):\n${err}`);
  return out;
}

// TPC-B-like, one transaction each, statements prepared, as many clients as do best on two cores.
async function pgbench(url) {
  await output("pgbench", ["-q", "-i", "-s", 10, url]);
  const results = [];
  for (const clients of [8, 32]) {
    const said = await output("pgbench", ["-M", "prepared", "-c", clients, "-j", 2, "-T", run.seconds, url]);
    results.push({ clients, perSecond: Number(/tps = ([\d.]+)/.exec(said)[1]) });
  }
  return results;
}

async function engine(name, databaseUrl) {
  const one = await origin(run, name, { databaseUrl, edgeUrl: "http://127.0.0.1:9" });
  const env = { ORIGIN_URL: one.url, APP: one.app, SIGNING_KEYS: run.secrets.SIGNING_KEYS };
  const file = path.join(one.dir, "accounts");
  const load = async (...args) => {
    const before = cpuMs(one.child);
    const said = JSON.parse(await output(run.load, args, env));
    const cpuUs = ((cpuMs(one.child) - before) * 1000) / Math.max(said.requests, 1);
    if (said.errors) run.say(`${name}: ${said.errors} errors: ${said.firstError}`);
    return { ...said, cpuUs };
  };
  const result = { engine: name, fsyncsPerSecond: fsyncsPerSecond(one.dir) };
  if (name === "postgres") result.pgbench = await pgbench(databaseUrl);
  run.say(`${name}: opening ${run.accounts} accounts`);
  writeFileSync(file, await output(run.load, ["accounts", run.accounts], env));
  const { connections, seconds } = run;
  await load("singles", file, connections, 2, 0);
  result.rounds = [];
  for (let n = 0; n < (quick ? 1 : 2); n += 1) {
    const uniform = await load("singles", file, connections, seconds, 0);
    const hot = await load("hot", file, connections, seconds, 0);
    run.say(`${name}: uniform ${Math.round(uniform.perSecond)}, hot ${Math.round(hot.perSecond)}`);
    result.rounds.push({ uniform, hot });
  }
  const best = Math.max(...result.rounds.map(({ uniform }) => uniform.perSecond));
  const goal = Math.min(best, 10_000);
  result.half = { rate: Math.round(goal / 2), ...(await load("singles", file, 128, seconds, Math.round(goal / 2))) };
  run.say(`${name}: p99 at half ${result.half.p99Us} us`);
  result.batches = await load("batches", file, 2, quick ? 10 : Math.ceil(run.entries / 16_000), 8_000);
  run.say(`${name}: batches ${Math.round(result.batches.perSecond)} transfers/s`);
  result.balances = await load("balances", file, 8, seconds, 500);
  const check = performance.now();
  const answer = await fetch(`${one.url}/admin/ledger/check`, { headers: { authorization: `Bearer ${run.secrets.ADMIN_KEY}` } });
  result.check = { ...(await answer.json()), seconds: (performance.now() - check) / 1000 };
  run.say(`${name}: check ${result.check.ok}, ${result.check.entries} entries, ${result.check.seconds.toFixed(1)} s`);
  one.child.kill("SIGTERM");
  return result;
}

const report = {
  date: new Date().toISOString(),
  machine: { cpu: os.cpus()[0]?.model, cores: os.cpus().length, memoryMiB: Math.round(os.totalmem() / 2 ** 20), kernel: os.release() },
  commit: execFileSync("git", ["-C", root, "rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
  load: { before: os.loadavg() },
  quick,
  accounts: run.accounts,
  engines: [],
};

try {
  const engines = [["sqlite", undefined]];
  if (process.env.DATABASE_URL?.startsWith("postgres")) engines.push(["postgres", process.env.DATABASE_URL]);
  report.reconcile = JSON.parse(await output(run.reconcile, [quick ? 100_000 : 1_000_000]));
  run.say(`reconcile: ${report.reconcile.lines} lines in ${report.reconcile.matchMs} ms`);
  for (const [name, url] of engines.filter(([name]) => !alone && (!only || only === name))) {
    report.engines.push(await engine(name, url));
  }
  report.load.after = os.loadavg();
  report.seconds = Math.round((performance.now() - began) / 1000);
  const out = path.join(root, `target/bench/payments${quick || only || alone ? "-quick" : ""}.json`);
  writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(table(report));
  process.stdout.write(`\n${path.relative(process.cwd(), out)}\n`);
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
