// The quality follows the line: down when it is throttled, up when it is not, without a stall.
//
// Invariant: the line is Chromium's own (its devtools throttle it); the film's rates are ffmpeg's.
// Refuses to look into hls.js: what is shown says how tall it is.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { film } from "./lib/film.mjs";
import { launch } from "./lib/harness.mjs";
import { player, sleep } from "./lib/videos.mjs";

const VIDEO = "vid_00000000001";
const SEGMENT_S = 4;
/** More than the lowest rung and its sound (496 kbit/s), less than the next (1,296). */
const SLOW_BYTES_S = 640_000 / 8;
const PATIENCE_MS = 40_000;

let made;
let browser;
before(async () => {
  made = await film({ seconds: 144 });
  browser = await launch();
  assert.equal((await made.put(VIDEO, made.presentation(VIDEO))).status, 200);
});
after(async () => {
  await browser?.close();
  await made?.stop();
});

test("V15 the quality switches down on a throttled line and up again", async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  const line = (downloadThroughput) =>
    devtools.send("Network.emulateNetworkConditions", {
      offline: false, latency: 20, downloadThroughput, uploadThroughput: -1,
    });
  // What has come, as (lines, number), in order.
  const segments = [];
  page.on("requestfinished", (request) => {
    const found = /\/v(\d+)-avc\/1-(\d+)\.m4s/.exec(request.url());
    if (found) segments.push(found.slice(1).map(Number));
  });
  /** Waits for a segment of such a height, goes there, and sees it. */
  const shown = async (playing, wanted) => {
    const from = segments.length;
    const found = () => segments.slice(from).find(([height]) => wanted(height));
    for (const end = Date.now() + PATIENCE_MS; !found(); await sleep(20)) {
      assert.ok(Date.now() < end, `no such segment came: ${JSON.stringify(segments)}`);
    }
    const start = found()[1] * SEGMENT_S;
    if ((await playing.now()).at < start) await playing.seek(start + 0.5);
    for (const end = Date.now() + PATIENCE_MS; ; await sleep(20)) {
      const { at, height } = await playing.now();
      if (at > start && wanted(height)) return;
      assert.ok(Date.now() < end, `at ${at} s it shows ${height} lines`);
    }
  };
  await page.goto(`${made.edge}/embed/${VIDEO}`, { waitUntil: "commit" });
  const playing = await player(page);
  await shown(playing, (height) => height > 240);
  await line(SLOW_BYTES_S);
  await shown(playing, (height) => height === 240);
  await line(-1);
  await shown(playing, (height) => height > 240);
  await page.close();
});
