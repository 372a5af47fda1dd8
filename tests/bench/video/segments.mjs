// Segments from the bucket: the Worker that was built and a bare one on the same bucket, in one
// workerd, asked in turns by the same client.
//
// Invariant: the object lies in the bucket before the first request, so no origin is asked; every
// body is read to its end and counted. Every other round goes backwards.

import { createHash, createHmac, randomBytes } from "node:crypto";
import childProcess from "node:child_process";
import { readdirSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { cpuMs, freePort } from "../links/workerd.mjs";

const BYTES = 2_000_000; // four seconds of 1080p
const CLIENTS = 8;
const [APP, VIDEO, RENDITION] = ["app_1", "vid_00000000001", "v1080-avc"];

const presentation = {
  id: VIDEO, app: APP, visibility: "public", status: "ready", generation: 1, started_at: 0, segment_ms: 4000,
  duration_ms: 4000, timelines: [{ timescale: 1000, runs: [[4000, 1]] }],
  renditions: [{
    name: RENDITION, media: { video: { width: 1920, height: 1080, frame_rate: [30, 1] } }, codec: "avc1.640028",
    timeline: 0, segments: 1, bandwidth: 4_000_000, average_bandwidth: 4_000_000, complete: true,
  }],
};

// As shared/src/sign.rs has it.
function signature(keys, method, target, body) {
  const [id, hex] = keys.split(",")[0].split(":");
  const content = createHash("sha256").update(body).digest("hex");
  const [ms, nonce] = [Date.now(), randomBytes(16).toString("hex")];
  const text = `v1\n${method}\n${target}\n${content}\n${ms}\n${nonce}\n${id}\n`;
  const mac = createHmac("sha256", Buffer.from(hex, "hex")).update(text).digest("hex");
  return `v1 ${id} ${ms} ${nonce} ${mac}`;
}

async function project(run, port) {
  const target = "/_edge/projections";
  const register = { product: "video", key: VIDEO, epoch: 0, version: 1, value: JSON.stringify(presentation) };
  const body = JSON.stringify([register]);
  const headers = {
    "content-type": "application/json",
    "x-selvedge-signature": signature(run.secrets.SIGNING_KEYS, "POST", target, body),
  };
  const answer = await fetch(`http://127.0.0.1:${port}${target}`, { method: "POST", headers, body });
  if (answer.status !== 200) throw new Error(`the projection: ${answer.status} ${await answer.text()}`);
}

async function start(run) {
  let workerd;
  const { spawn } = childProcess;
  childProcess.spawn = (...args) => (workerd = spawn(...args));
  const { Miniflare, convertV4MiniflareOptions } = await import("miniflare");
  const ports = [await freePort(), await freePort()];
  const build = path.join(run.root, "edge/build");
  const { date, flags } = run.compatibility;
  const common = (name, port) => ({
    name, compatibilityDate: date, compatibilityFlags: flags, r2Buckets: { OBJECTS: "objects" },
    unsafeDirectSockets: [{ host: "127.0.0.1", port }],
  });
  const texts = { ORIGIN_URL: "http://127.0.0.1:9", PUBLIC_URL: run.publicUrl, ...run.secrets };
  const miniflare = new Miniflare(convertV4MiniflareOptions({
    host: "127.0.0.1", port: 0, cf: false, resourcePersistencePath: path.join(run.dir, "edge"),
    workers: [
      {
        ...common("edge", ports[0]),
        bindings: texts,
        kvNamespaces: { REGISTERS: "registers" },
        durableObjects: Object.fromEntries(["Home", "Recorder", "Limiter"].map((className) =>
          [className.toUpperCase(), { className, useSQLite: true }])),
        modulesRoot: path.join(run.root, "edge"),
        modules: [
          { type: "ESModule", path: path.join(run.root, "edge/door.js") },
          ...readdirSync(build).filter((file) => /\.(js|wasm)$/.test(file)).map((file) => ({
            type: file.endsWith(".wasm") ? "CompiledWasm" : "ESModule", path: path.join(build, file),
          })),
        ],
      },
      {
        ...common("bare", ports[1]),
        modulesRoot: import.meta.dirname,
        modules: [{ type: "ESModule", path: path.join(import.meta.dirname, "bare.js") }],
      },
    ],
  }));
  await miniflare.ready;
  run.children.add(workerd);
  const key = `${APP}/${VIDEO}/${RENDITION}/0.m4s/1`;
  const bucket = await miniflare.getR2Bucket("OBJECTS", "edge");
  await bucket.put(key, randomBytes(BYTES));
  await project(run, ports[0]);
  return { workerd, urls: { edge: `http://127.0.0.1:${ports[0]}/v/${VIDEO}/${RENDITION}/1-0.m4s`, bare: `http://127.0.0.1:${ports[1]}/${key}` } };
}

function get(agent, url) {
  return new Promise((done, fail) => {
    http.get(url, { agent }, (answer) => {
      let bytes = 0;
      answer.on("data", (part) => (bytes += part.length));
      answer.on("end", () =>
        answer.statusCode === 200 && bytes === BYTES ? done() : fail(new Error(`${answer.statusCode}, ${bytes} bytes`)));
    }).on("error", fail);
  });
}

async function round(ms, url) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
  const began = performance.now();
  let count = 0;
  await Promise.all(Array.from({ length: CLIENTS }, async () => {
    while (performance.now() - began < ms) {
      await get(agent, url);
      count += 1;
    }
  }));
  agent.destroy();
  return { bytes: count * BYTES, seconds: (performance.now() - began) / 1000 };
}

export async function segments(run) {
  const { workerd, urls } = await start(run);
  const sums = { edge: { bytes: 0, seconds: 0, cpu: 0 }, bare: { bytes: 0, seconds: 0, cpu: 0 } };
  for (const name of ["edge", "bare"]) await round(500, urls[name]);
  for (let n = 0; n < run.rounds; n++) {
    for (const name of n % 2 ? ["bare", "edge"] : ["edge", "bare"]) {
      const before = cpuMs(workerd);
      const { bytes, seconds } = await round(run.ms, urls[name]);
      sums[name].bytes += bytes;
      sums[name].seconds += seconds;
      sums[name].cpu += cpuMs(workerd) - before;
    }
    run.say(`segments, round ${n + 1}`);
  }
  const rate = ({ bytes, seconds }) => bytes / seconds / 1e6;
  const [edge, bare] = [rate(sums.edge), rate(sums.bare)];
  const cpu = [sums.edge, sums.bare].map((one) => one.cpu / (one.bytes / 1e9));
  return { bytes: BYTES, clients: CLIENTS, edge, bare, ratio: edge / bare, cpu };
}
