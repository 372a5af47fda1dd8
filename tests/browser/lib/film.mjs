// An edge of its own with a film: segments that ffmpeg made, and in the origin's place a server that
// hands them out and counts how often each was asked for.
//
// Invariant: the Worker is the one that scripts/build made, in workerd, with a bucket of its own; its
// register is written as the origin writes it, signed. Everything ends with `stop`.

import { execFileSync, spawn } from "node:child_process";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import os from "node:os";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../../..");
const RUNGS = [[240, 426, "400k"], [480, 854, "1200k"], [720, 1280, "2500k"]];
const APP = "app_1";

/** What is encoded; a longer film is this again and again: three segments to the frame. */
const LOOP_S = 12;

function make(dir, seconds) {
  const ffmpeg = (...args) => execFileSync("ffmpeg", ["-v", "error", ...args], { cwd: dir });
  const cut = (name, args) => {
    mkdirSync(path.join(dir, name));
    ffmpeg(...args, "-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4",
      "-hls_fmp4_init_filename", "init.mp4", "-hls_segment_filename", `${name}/%d.m4s`, `${name}/list`);
  };
  for (const [height, width, rate] of RUNGS) {
    ffmpeg("-f", "lavfi", "-i", `testsrc2=s=${width}x${height}:r=30:d=${LOOP_S}`, "-c:v", "libx264",
      "-preset", "ultrafast", "-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-g", "120", "-keyint_min", "120",
      "-sc_threshold", "0", "-pix_fmt", "yuv420p", `${height}.mp4`);
    cut(`v${height}-avc`, ["-stream_loop", String(seconds / LOOP_S - 1), "-i", `${height}.mp4`, "-c", "copy"]);
  }
  cut("a0-aac", ["-f", "lavfi", "-i", `sine=440:r=48000:d=${seconds}`, "-c:a", "aac", "-b:a", "96k"]);
}

class Film {
  counts = new Map();
  events = [];
  version = 0;
  registers = new Map();

  constructor(dir, seconds) {
    this.dir = dir;
    this.seconds = seconds;
  }

  durations(name, timescale) {
    const lines = readFileSync(path.join(this.dir, name, "list"), "utf8").split("\n");
    return lines.filter((line) => line.startsWith("#EXTINF:")).map((line) => Math.round(parseFloat(line.slice(8)) * timescale));
  }

  presentation(id, { segments = Infinity, status = "ready", visibility = "public" } = {}) {
    const runs = (name, timescale) => {
      const out = [];
      for (const one of this.durations(name, timescale)) {
        if (out.at(-1)?.[0] === one) out.at(-1)[1] += 1;
        else out.push([one, 1]);
      }
      return { timescale, runs: out };
    };
    const rendition = (name, media, codec, timeline) => {
      const dir = path.join(this.dir, name);
      const sizes = readdirSync(dir).filter((file) => file.endsWith(".m4s")).map((file) => statSync(path.join(dir, file)).size);
      return {
        name, media, codec, timeline, segments: Math.min(segments, sizes.length), bandwidth: Math.max(...sizes) * 2,
        average_bandwidth: Math.round((sizes.reduce((sum, size) => sum + size) * 8) / this.seconds), complete: status === "ready",
      };
    };
    const pictures = RUNGS.map(([height, width]) =>
      rendition(`v${height}-avc`, { video: { width, height, frame_rate: [30, 1] } }, "avc1.42c01f", 0));
    const sound = { audio: { track: 0, channels: 1, sample_rate: 48000, language: "en" } };
    return {
      id, app: APP, visibility, status, generation: 1, started_at: Date.now(), segment_ms: 4000, duration_ms: this.seconds * 1000,
      timelines: [runs("v240-avc", 15360), runs("a0-aac", 48000)], renditions: [...pictures, rendition("a0-aac", sound, "mp4a.40.2", 1)],
    };
  }

  // Signed as shared/src/sign.rs has it.
  async signed(target, value) {
    const body = JSON.stringify(value);
    const [ms, nonce] = [Date.now(), randomBytes(16).toString("hex")];
    const content = createHash("sha256").update(body).digest("hex");
    const text = `v1\nPOST\n${target}\n${content}\n${ms}\n${nonce}\nk1\n`;
    const mac = createHmac("sha256", Buffer.from(this.secret, "hex")).update(text).digest("hex");
    const headers = { "content-type": "application/json", "x-selvedge-signature": `v1 k1 ${ms} ${nonce} ${mac}` };
    const answer = await fetch(this.edge + target, { method: "POST", headers, body });
    return { status: answer.status, body: await answer.json() };
  }

  // Projects a video; `null` is its tombstone.
  async put(id, video) {
    const value = video && JSON.stringify(video);
    const register = { product: "video", key: id, epoch: 0, version: (this.version += 1), value };
    this.registers.set(id, register);
    return this.signed("/_edge/projections", [register]);
  }

  forget(id) {
    return this.signed("/_edge/video/forget", { app: APP, video: id });
  }

  // As shared/src/video/playback.rs has it.
  token(id, more = {}) {
    const claims = Buffer.from(JSON.stringify({ v: id, e: Math.floor(Date.now() / 1000) + 60, ...more })).toString("base64url");
    const mac = createHmac("sha256", Buffer.from(this.secret, "hex")).update(`video playback\n${claims}`).digest("hex");
    return `${claims}.${mac.slice(0, 32)}`;
  }

  answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, "http://origin");
    const json = (value) => response.end(JSON.stringify(value));
    if (pathname === "/internal/events") {
      let text = "";
      request.on("data", (part) => (text += part)).on("end", () => {
        const { events, first_seq } = JSON.parse(text);
        this.events.push(...events);
        json({ applied_seq: first_seq + events.length - 1 });
      });
    } else if (pathname.startsWith("/internal/registers/")) {
      const register = this.registers.get(searchParams.get("key"));
      json(register ? { known: "register", ...register } : { known: "absent" });
    } else {
      const [, , , key = ""] = pathname.split("/");
      const [, , ...rest] = decodeURIComponent(key).split("/");
      const file = path.join(this.dir, ...rest);
      const name = decodeURIComponent(key);
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
      const body = rest.length > 0 && existsSync(file) ? readFileSync(file) : null;
      response.writeHead(body ? 200 : 404, { "content-length": body?.length ?? 0, "content-type": "video/mp4" });
      response.end(body);
    }
  }

  count(id, file) {
    return this.counts.get(`${APP}/${id}/${file}`) ?? 0;
  }

  file(name) {
    return readFileSync(path.join(this.dir, name));
  }
}

const listening = async (server) => {
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return server.address().port;
};

async function freePort() {
  const server = createServer();
  const port = await listening(server);
  await new Promise((done) => server.close(done));
  return port;
}

/** Makes the film and starts its edge. */
export async function film({ seconds = 24 } = {}) {
  const dir = mkdtempSync(path.join(os.tmpdir(), "film-"));
  make(dir, seconds);
  const all = new Film(dir, seconds);
  const server = createServer((request, response) => all.answer(request, response));
  const [origin, port] = [await listening(server), await freePort()];
  all.edge = `http://127.0.0.1:${port}`;
  all.secret = randomBytes(32).toString("hex");
  const env = {
    ...process.env, DATA_DIR: path.join(dir, "state"), EDGE_PORT: String(port), ORIGIN_URL: `http://127.0.0.1:${origin}`,
    PUBLIC_URL: all.edge, SIGNING_KEYS: `k1:${all.secret}`, KEY_MAC_SECRET: all.secret, VISITOR_SECRET: all.secret,
    CORS_ORIGINS: "", SHORT_DOMAINS: "", LIMITS_TIERS: "", LIMITS_LOOPBACK: "", SELVEDGE_VIDEO_LIVE_MS: "200",
    SELVEDGE_VIDEO_FRESH_MS: "200",
  };
  const child = spawn(process.execPath, [path.join(root, "scripts/edge")], { env, stdio: "ignore", cwd: root });
  const gone = new Promise((done) => child.once("exit", done));
  all.stop = async () => {
    child.kill("SIGTERM");
    await gone;
    server.closeAllConnections();
    server.close();
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  for (let tries = 0; tries < 300 && child.exitCode === null; tries += 1) {
    const answer = await fetch(`${all.edge}/healthz`).catch(() => null);
    if (answer?.ok) return all;
    await new Promise((done) => setTimeout(done, 100));
  }
  await all.stop();
  throw new Error("the edge does not start");
}
