// Both sides as they are built, policies, and a redis-server with the script.

import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { origin } from "../links/origin.mjs";
import { ours } from "../links/redirects.mjs";
import { cpuMs, freePort, idle, serve, sleep } from "../links/workerd.mjs";
import { load } from "./crate.mjs";

const LINKS = 100;
const NOBODY = "0:0:0:0:0:0:0:1";
const SOMEBODY = "2001:db8:0:####::1";

export const POLICIES = {
  wide: { limit: 100_000_000, window_ms: 60_000, lease: true },
  thin: { limit: 1_000, window_ms: 10_000, lease: true },
  many: { limit: 1_000, window_ms: 60_000, lease: true },
  single: { limit: 100_000_000, window_ms: 60_000, lease: false },
  exact: { limit: 1_000, window_ms: 60_000, lease: false },
};

// One request's bytes; `address`: one that is limited instead of this machine's own.
export function http({ method = "GET", target, key, body, address = false }) {
  const text = body && JSON.stringify(body);
  const lines = [
    `${method} ${target} HTTP/1.1`, "host: 127.0.0.1", `cf-connecting-ip: ${address ? SOMEBODY : NOBODY}`,
    ...(key ? [`authorization: Bearer ${key}`] : []),
    ...(text ? ["content-type: application/json", `content-length: ${Buffer.byteLength(text)}`] : []),
  ];
  return `${lines.join("\r\n")}\r\n\r\n${text ?? ""}`;
}

export const check = (key, policy, name = "key", more = {}) => http({
  method: "POST", target: "/api/v1/limits/check", key, body: { policy, key: `${name}-@@@@@@@@`, ...more },
});

// `keys.unlimited` asks without a limit of its own, `keys.wide` by one that it never reaches.
export async function stack(run) {
  const port = await freePort();
  const edgeUrl = `http://127.0.0.1:${port}`;
  const one = await origin(run, "origin-limits", { edgeUrl, tiers: { wide: "wide" } });
  const worker = ours({ ...run, publicUrl: edgeUrl }, one.url);
  worker.texts.LIMITS_TIERS = "free=100,pro=10000,wide=100000000";
  worker.objects.push("Limiter");
  const edge = await serve(run, "limits", { ...worker, links: LINKS, port });
  const keys = { unlimited: one.key, wide: one.keys.wide };
  for (const key of Object.values(keys)) {
    for (const [name, policy] of Object.entries(POLICIES)) await publish(edgeUrl, key, name, policy);
  }
  run.say("both sides are up");
  return { port, child: edge.child, keys, log: edge.log };
}

async function publish(edgeUrl, key, name, policy) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const put = await fetch(`${edgeUrl}/api/v1/limits/policies/${name}`, { method: "PUT", headers, body: JSON.stringify(policy) });
  if (!put.ok) throw new Error(`the policy ${name}: ${put.status} ${await put.text()}`);
  const body = JSON.stringify({ policy: name, key: "first" });
  for (let tries = 0; ; tries += 1) {
    const said = await fetch(`${edgeUrl}/api/v1/limits/check`, { method: "POST", headers, body });
    if (said.ok) return;
    if (tries > 100) throw new Error(`the policy ${name} does not arrive: ${said.status} ${await said.text()}`);
    await sleep(50);
  }
}

// One slot: load, then the time until nothing is left to do; all of its CPU belongs to its requests.
export async function slot(run, server, options) {
  const before = cpuMs(server.child);
  const said = await load(run, { port: server.port, ...options });
  await idle(server.child);
  return { ...said, cpuUs: ((cpuMs(server.child) - before) * 1000) / said.requests };
}

function answers(port) {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => done(true)).on("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
}

const resp = (...words) => `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;

// Without persistence: the least that Redis can do. What ours decides is on the disk.
export async function redis(run) {
  const port = await freePort();
  const args = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", run.dir, "--daemonize", "no"];
  const child = spawn("redis-server", args.map(String), { stdio: "ignore" });
  run.children.add(child);
  const failed = new Promise((_, refuse) => child.once("error", refuse));
  for (let tries = 0; !(await Promise.race([answers(port), failed])); tries += 1) {
    if (tries > 100) throw new Error("redis-server does not start");
    await sleep(50);
  }
  const script = readFileSync(path.join(import.meta.dirname, "bucket.lua"), "utf8");
  const sha = await new Promise((done, refuse) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(resp("SCRIPT", "LOAD", script)));
    socket.once("data", (said) => (socket.destroy(), done(said.toString().split("\r\n")[1]))).once("error", refuse);
  });
  if (!/^[0-9a-f]{40}$/.test(sha)) throw new Error(`Redis does not take the script: ${sha}`);
  const ask = (policy, name = "key") => {
    const { limit, window_ms } = POLICIES[policy];
    return resp("EVALSHA", sha, "1", `${policy}/${name}-@@@@@@@@`, `${limit}`, `${window_ms}`, `${limit}`, "1");
  };
  const version = execFileSync("redis-server", ["--version"], { encoding: "utf8" }).match(/v=(\S+)/)?.[1];
  return { port, child, ask, version };
}
