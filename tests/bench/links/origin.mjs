// The origin: a stand-in that takes events while redirects are measured, and the real one for creations.

import { spawn, execFileSync } from "node:child_process";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { closeSync, fdatasyncSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { freePort, sleep } from "./workerd.mjs";

const hex64 = () => randomBytes(32).toString("hex");

// Secrets of one run.
export function secrets() {
  return {
    SIGNING_KEYS: `k1:${hex64()}`, KEY_MAC_SECRET: hex64(), CODE_KEY: hex64(),
    ADMIN_KEY: `adm_${hex64()}`, TOKEN_KEY: hex64(), DATA_KEY: hex64(), VISITOR_SECRET: hex64(),
  };
}

function occurrences(buffer, text) {
  let count = 0;
  for (let at = buffer.indexOf(text); at >= 0; at = buffer.indexOf(text, at + text.length)) count += 1;
  return count;
}

// Acknowledges events and projections without looking into them; counts the events.
export async function standIn() {
  const taken = { events: 0 };
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    let answer = { known: "absent" };
    if (request.url === "/internal/events") {
      // The click's own text is escaped, so the bare word stands once per event.
      const count = occurrences(body, '"product":');
      const first = Number(/"first_seq":(\d+)/.exec(body.toString("latin1", 0, 400))[1]);
      taken.events += count;
      answer = { applied_seq: first + count - 1 };
    } else if (request.url === "/_edge/projections") {
      answer = JSON.parse(body.toString()).map(() => ({ outcome: "applied" }));
    }
    response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
  }).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  return { url: `http://127.0.0.1:${server.address().port}`, taken, stop: () => server.close() };
}

// Starts the origin that was built, on a database of its own. `tiers`: of more applications by their names.
export async function origin(run, name, { databaseUrl, edgeUrl, publicUrl = edgeUrl, tiers = {} }) {
  const dir = path.join(run.dir, name);
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const env = {
    ...process.env, ...run.secrets, DATA_DIR: dir, ORIGIN_PORT: String(port), EDGE_URL: edgeUrl,
    PUBLIC_URL: publicUrl, RUST_LOG: process.env.RUST_LOG ?? "warn",
    DATABASE_URL: databaseUrl ?? `sqlite://${dir}/origin.sqlite?mode=rwc`,
  };
  const keyFile = path.join(dir, "service_key");
  const once = (...args) => execFileSync(run.origin, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  once("migrate");
  once("token", "--app", "bench", "--tier", "unlimited", "--scopes", "all", "--key-file", keyFile);
  const keys = {};
  for (const [app, tier] of Object.entries(tiers)) {
    once("token", "--app", app, "--tier", tier, "--scopes", "all", "--key-file", `${keyFile}-${app}`);
    keys[app] = readFileSync(`${keyFile}-${app}`, "utf8").trim();
  }
  const log = openSync(path.join(dir, "log"), "a");
  const child = spawn(run.origin, ["serve"], { env, stdio: ["ignore", log, log] });
  run.children.add(child);
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries += 1) {
    const ready = await fetch(`${url}/readyz`).then((answer) => answer.ok, () => false);
    if (ready) break;
    if (child.exitCode !== null || tries > 400) throw new Error(`the origin does not start: ${dir}/log`);
    await sleep(50);
  }
  const apps = await fetch(`${url}/admin/applications`, { headers: { authorization: `Bearer ${run.secrets.ADMIN_KEY}` } });
  const { items } = await apps.json();
  const app = items.find((one) => one.name === "bench").id;
  return { url, port, child, dir, app, key: readFileSync(keyFile, "utf8").trim(), keys, database: `${dir}/origin.sqlite` };
}

// The headers of a call as the edge signs it.
export function signed(run, app, method, target, body) {
  const fields = { principal: "service:bench", app, tier: "unlimited", request_id: "req_bench", ip: "", country: "", colo: "" };
  const context = Buffer.from(JSON.stringify(fields)).toString("base64url");
  const [id, key] = run.secrets.SIGNING_KEYS.split(":");
  const nonce = randomBytes(16).toString("hex");
  const now = Date.now();
  const hash = createHash("sha256").update(body).digest("hex");
  const text = ["v1", method, target, hash, now, nonce, id, context].join("\n");
  const mac = createHmac("sha256", Buffer.from(key, "hex")).update(text).digest("hex");
  return {
    "content-type": "application/json",
    "x-selvedge-context": context,
    "x-selvedge-signature": `v1 ${id} ${now} ${nonce} ${mac}`,
  };
}

// How often a second this disk keeps its promise: 4 KiB appended and synced.
export function fsyncsPerSecond(dir, ms = 1_000) {
  const file = path.join(dir, "fsync");
  const handle = openSync(file, "w");
  const block = Buffer.alloc(4096, 1);
  const began = performance.now();
  let count = 0;
  for (; performance.now() - began < ms; count += 1) {
    writeSync(handle, block);
    fdatasyncSync(handle);
  }
  closeSync(handle);
  rmSync(file);
  return count / ((performance.now() - began) / 1000);
}

// A Lua table of signed creations for wrk, each with another destination.
export function creations(run, { app }, file, count = 2_000) {
  const target = "/internal/api/v1/shorten";
  const requests = Array.from({ length: count }, (_, n) => {
    const long_url = `https://www.example.com/articles/2026/11/${n}/what-a-selvedge-is?utm_source=bench`;
    const body = JSON.stringify({ long_url });
    const headers = { host: "127.0.0.1", ...signed(run, app, "POST", target, body), "content-length": body.length };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    return [`POST ${target} HTTP/1.1`, ...lines, "", body].join("\r\n");
  });
  writeFileSync(file, `return {\n${requests.map((text) => JSON.stringify(text)).join(",\n")}\n}\n`);
}
