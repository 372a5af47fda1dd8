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
/** More than the lowest rung and its sound (496 kbit/s), less than the next (1,296). */
const SLOW_BYTES_S = 900_000 / 8;

let made;
let browser;
before(async () => {
  made = await film({ seconds: 48 });
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
  await page.goto(`${made.edge}/embed/${VIDEO}`);
  // The page itself came at full speed; what is played does not.
  await line(SLOW_BYTES_S);
  await page.reload();
  const playing = await player(page);
  const seen = [];
  const until = async (wanted, ms) => {
    for (const end = Date.now() + ms; ; ) {
      const { at, height } = await playing.now();
      if (height > 0 && seen.at(-1) !== height) seen.push(height);
      if (wanted(height, at)) return at;
      assert.ok(Date.now() < end, `at ${at} s, after pictures of ${seen.join(", ")} lines`);
      await sleep(50);
    }
  };
  await until((height, at) => height === 240 && at > 4, 40_000);
  const slow = await playing.now();
  await line(-1);
  await until((height) => height > 240, 40_000);
  const { at, stalls } = await playing.now();
  assert.ok(at > slow.at, "it went on");
  assert.equal(stalls, slow.stalls, "no stall once the line is fast");
  await page.close();
});
