// Playback at the edge: manifests, objects, tokens, and the page with a player in Chromium.
//
// Invariant: the Worker is the built one; what leaves the origin is counted there (lib/film.mjs).

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { film } from "./lib/film.mjs";
import { launch } from "./lib/harness.mjs";

const VIDEO = "vid_00000000001";
let made;
let browser;
before(async () => {
  made = await film();
  browser = await launch();
  assert.equal((await made.put(VIDEO, made.presentation(VIDEO))).status, 200);
});
after(async () => {
  await browser?.close();
  await made?.stop();
});

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
async function get(path, headers = {}, method = "GET") {
  const answer = await fetch(made.edge + path, { method, headers });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, headers: answer.headers, bytes, text: bytes.toString() };
}

test("V7 a manifest is chosen for its request and says why", async () => {
  const explained = JSON.parse((await get(`/v/${VIDEO}/master.m3u8?explain=1&max_height=500`, { downlink: "1.7" })).text);
  assert.deepEqual([explained.max_height, explained.max_height_by], [480, "max_height"]);
  assert.deepEqual([explained.kbps, explained.kbps_by], [1500, "downlink"]);
  assert.deepEqual(explained.renditions.map(({ name, reason }) => `${name} ${reason}`),
    ["v480-avc start", "v240-avc alternative", "a0-aac sound", "v720-avc above_cap"]);
  const { headers, text } = await get(`/v/${VIDEO}/master.m3u8?max_height=500`, { downlink: "1.7" });
  assert.deepEqual(text.match(/^v.*$/gm), ["v480-avc/media.m3u8", "v240-avc/media.m3u8"]);
  assert.equal(headers.get("vary"), null);
  assert.equal(headers.get("access-control-allow-origin"), "*");
  const again = await get(`/v/${VIDEO}/master.m3u8?max_height=500`, { downlink: "1.7", "if-none-match": headers.get("etag") });
  assert.equal(again.status, 304);
  assert.match((await get(`/v/${VIDEO}/manifest.mpd`)).text, /<MPD .*type="static"/);
});

test("V9 an object leaves the origin once, whoever asks, and is served in parts", async () => {
  const path = `/v/${VIDEO}/v480-avc/1-3.m4s`;
  const all = await Promise.all(Array.from({ length: 50 }, () => get(path)));
  const file = made.file("v480-avc/3.m4s");
  assert.ok(all.every(({ status, bytes }) => status === 200 && bytes.equals(file)));
  assert.equal(made.count(VIDEO, "v480-avc/3.m4s"), 1);
  const { headers } = all[0];
  assert.equal(headers.get("cache-control"), "public, max-age=31536000, immutable");
  const part = await get(path, { range: "bytes=10-19" });
  assert.deepEqual([part.status, part.headers.get("content-range")], [206, `bytes 10-19/${file.length}`]);
  assert.ok(part.bytes.equals(file.subarray(10, 20)));
  assert.ok((await get(path, { range: "bytes=-7" })).bytes.equals(file.subarray(-7)));
  assert.equal((await get(path, { range: `bytes=${file.length}-` })).status, 416);
  assert.equal((await get(path, { range: "bytes=0-9", "if-range": '"other"' })).status, 200);
  assert.equal((await get(path, { "if-none-match": headers.get("etag") })).status, 304);
  assert.equal((await get(path, {}, "HEAD")).headers.get("content-length"), String(file.length));
  const cold = await get(`/v/${VIDEO}/v480-avc/1-4.m4s`, { range: "bytes=0-0" });
  assert.deepEqual([cold.status, cold.bytes.length], [206, 1]);
  assert.equal(made.count(VIDEO, "v480-avc/3.m4s"), 1);
});

test("V9 what the register does not name is asked of nobody", async () => {
  const before = [...made.counts.values()].reduce((sum, n) => sum + n, 0);
  for (const path of ["v480-avc/1-99.m4s", "v480-avc/2-0.m4s", "v999-avc/1-0.m4s", "v480-avc/1-00.m4s", "captions/en.vtt"]) {
    assert.equal((await get(`/v/${VIDEO}/${path}`)).status, 404, path);
  }
  assert.equal((await get("/v/vid_00000000009/master.m3u8")).status, 404);
  assert.equal([...made.counts.values()].reduce((sum, n) => sum + n, 0), before);
});

test("V9 the object that a player wants next is on its way before it asks", async () => {
  await get(`/v/${VIDEO}/v240-avc/1-1.m4s?CMCD=${encodeURIComponent('nor="1-2.m4s",ot=v')}`);
  for (let tries = 0; made.count(VIDEO, "v240-avc/2.m4s") === 0 && tries < 50; tries += 1) await sleep(50);
  assert.equal(made.count(VIDEO, "v240-avc/2.m4s"), 1);
});

test("V10 a signed video is played with its own token alone", async () => {
  const id = "vid_00000000002";
  await made.put(id, made.presentation(id, { visibility: "signed" }));
  const status = async (token, path = "master.m3u8") =>
    (await get(`/v/${id}/${path}${token === undefined ? "" : `?token=${token}`}`)).status;
  assert.equal(await status(), 403);
  assert.equal(await status(made.token(VIDEO)), 403);
  assert.equal(await status(made.token(id, { e: 1 })), 403);
  assert.equal(await status(made.token(id, { i: "203.0.113.0/24" })), 403);
  const token = made.token(id, { h: 480 });
  const { text } = await get(`/v/${id}/master.m3u8?token=${token}`);
  assert.deepEqual(text.match(/^v\S+/gm).map((line) => line.split("?")[1]), [`token=${token}`, `token=${token}`]);
  assert.equal(await status(token, "v240-avc/1-0.m4s"), 200);
  assert.equal(await status(undefined, "v240-avc/1-0.m4s"), 403);
});

test("V13 what was deleted is served to nobody and leaves the bucket", async () => {
  const id = "vid_00000000003";
  await made.put(id, made.presentation(id));
  assert.equal((await get(`/v/${id}/v240-avc/1-0.m4s`)).status, 200);
  assert.equal((await made.forget(id)).status, 409);
  await made.put(id, null);
  await sleep(300);
  assert.equal((await get(`/v/${id}/v240-avc/1-0.m4s`)).status, 404);
  const gone = await made.forget(id);
  assert.deepEqual([gone.status, gone.body.objects > 0, gone.body.more], [200, true, false]);
  assert.deepEqual((await made.forget(id)).body, { objects: 0, more: false });
});

async function embedded(id) {
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  await page.goto(`${made.edge}/embed/${id}`);
  await page.evaluate(() => {
    const video = document.querySelector("video");
    video.muted = true;
    return video.play();
  });
  const at = () => page.evaluate(() => document.querySelector("video").currentTime);
  const until = async (seconds) => {
    for (let tries = 0; (await at()) < seconds; tries += 1) {
      assert.ok(tries < 200, `it stands at ${await at()} s of ${seconds}`);
      await sleep(100);
    }
  };
  return { page, errors, at, until };
}

test("V15 the page plays, seeks, and tells how it went", async () => {
  const { page, errors, until } = await embedded(VIDEO);
  await until(2);
  await page.evaluate(() => (document.querySelector("video").currentTime = 18));
  await until(19);
  await page.evaluate(() => document.querySelector("video").play());
  await page.close({ runBeforeUnload: true });
  // Beside it the edge tells what it served.
  const view = () => made.events.map(({ body }) => JSON.parse(body)).find(({ sums }) => sums);
  for (let tries = 0; !view() && tries < 100; tries += 1) await sleep(100);
  const { video, app, sums } = view();
  assert.deepEqual([video, app, sums.plays], [VIDEO, "app_1", 1]);
  assert.ok(sums.startup_ms > 0 && sums.watched_ms > 2_000 && sums.kbits > 0, JSON.stringify(sums));
  assert.deepEqual(errors, []);
});

test("V5 a video plays while it grows, and to its end", async () => {
  const id = "vid_00000000004";
  await made.put(id, made.presentation(id, { segments: 0, status: "transcoding" }));
  assert.equal((await get(`/v/${id}/master.m3u8`)).status, 409);
  await made.put(id, made.presentation(id, { segments: 2, status: "transcoding" }));
  await sleep(300);
  const { page, until } = await embedded(id);
  await until(1);
  assert.ok(!(await get(`/v/${id}/v240-avc/media.m3u8`)).text.includes("ENDLIST"));
  await made.put(id, made.presentation(id));
  await until(9);
  assert.ok(Math.abs((await page.evaluate(() => document.querySelector("video").duration)) - 24) < 0.1);
  await page.close();
});
