// Uploads by the library that others upload with: tus-js-client, the reference client of tus 1.0.
//
// Invariant: what speaks the protocol here is none of ours. Needs a running stack (EDGE_URL,
// SERVICE_KEY). Refuses to look at offsets by itself: the library finds them.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { Upload } from "tus-js-client";

const { EDGE_URL, SERVICE_KEY } = process.env;
const READY_MS_MAX = 60_000;
const CHUNK = 192 * 1024;
const headers = { authorization: `Bearer ${SERVICE_KEY}` };

const dir = mkdtempSync(path.join(os.tmpdir(), "uploads-"));
let film;
before(() => {
  const file = path.join(dir, "film.mp4");
  const source = "testsrc2=size=320x240:rate=25:duration=9";
  execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", file]);
  film = readFileSync(file);
});
after(() => rmSync(dir, { recursive: true, force: true }));

async function api(method, place, body) {
  const json = { ...headers, "content-type": "application/json" };
  const response = await fetch(`${EDGE_URL}${place}`, { method, headers: json, body: body && JSON.stringify(body) });
  return { status: response.status, body: response.status === 204 ? null : await response.json() };
}

async function create() {
  const { status, body } = await api("POST", "/api/v1/videos", { title: "By a library" });
  assert.equal(status, 201);
  return body;
}

// Until the library says that it is done, or `enough` bytes were acknowledged.
function upload(options, enough = Infinity) {
  return new Promise((done, failed) => {
    const one = new Upload(film, {
      chunkSize: CHUNK,
      headers,
      retryDelays: null,
      onError: failed,
      onSuccess: () => done(one),
      onChunkComplete: (_, sent) => {
        if (sent >= enough) one.abort().then(() => done(one), failed);
      },
      ...options,
    });
    one.start();
  });
}

async function ready(id) {
  for (const until = Date.now() + READY_MS_MAX; Date.now() < until; ) {
    const { body } = await api("GET", `/api/v1/videos/${id}`);
    if (body.status === "ready") return body;
    assert.notEqual(body.status, "failed", JSON.stringify(body.reason));
    await new Promise((later) => setTimeout(later, 200));
  }
  throw new Error("it is not ready within a minute");
}

test("v1 the library creates an upload, sends it in parts, and the video becomes ready", async () => {
  const video = await create();
  const answers = [];
  const onAfterResponse = (_, response) => answers.push([response.getStatus(), response.getHeader("tus-resumable")]);
  const done = await upload({ endpoint: video.upload_url, metadata: { filename: "film.mp4" }, onAfterResponse });
  assert.equal(done.url, video.upload_url);
  assert.equal(answers.length, 1 + Math.ceil(film.length / CHUNK));
  assert.ok(answers.every(([status, version]) => [201, 204].includes(status) && version === "1.0.0"), JSON.stringify(answers));
  assert.equal((await ready(video.id)).duration_ms, 9_000);
});

test("v1 the library goes on where an upload was left", async () => {
  const video = await create();
  const left = await upload({ endpoint: video.upload_url }, 2 * CHUNK);
  const { body } = await api("GET", `/api/v1/videos/${video.id}`);
  assert.ok(body.upload_offset >= 2 * CHUNK && body.upload_offset < film.length, String(body.upload_offset));
  const offsets = [];
  const onBeforeRequest = (request) => {
    if (request.getMethod() === "PATCH") offsets.push(Number(request.getHeader("Upload-Offset")));
  };
  await upload({ uploadUrl: left.url, onBeforeRequest });
  assert.equal(offsets[0], body.upload_offset);
  assert.equal((await ready(video.id)).size, film.length);
});

test("v1 the library gives an upload up, and its video is gone", async () => {
  const video = await create();
  const left = await upload({ endpoint: video.upload_url }, CHUNK);
  await left.abort(true);
  assert.equal((await api("GET", `/api/v1/videos/${video.id}`)).status, 404);
});
