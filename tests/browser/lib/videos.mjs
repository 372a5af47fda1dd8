// What the suites of videos need: files to upload, a video that is ready, and a player that is watched.
//
// Invariant: the film is made by ffmpeg of a pattern and a tone, so that nothing is fetched. Refuses
// to read the page's variables: a player is asked through its `<video>`.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as h from "./harness.mjs";

const READY_MS_MAX = 90_000;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** A directory with files to upload; `close` takes it away. */
export function files() {
  const dir = mkdtempSync(path.join(os.tmpdir(), "videos-"));
  const at = (name) => path.join(dir, name);
  return {
    /** A film of so many seconds: a pattern that moves, and a tone. */
    film(name, seconds, size = "640x360") {
      const picture = `testsrc2=size=${size}:rate=25:duration=${seconds}`;
      const args = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", `sine=duration=${seconds}`];
      const codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-c:a", "aac"];
      execFileSync("ffmpeg", ["-v", "error", ...args, ...codecs, at(name)]);
      return at(name);
    },
    /** So many bytes that are no video. */
    noise(name, bytes) {
      writeFileSync(at(name), randomBytes(bytes));
      return at(name);
    },
    text(name, text) {
      writeFileSync(at(name), text);
      return at(name);
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}

export const get = async (id) => (await h.api("GET", `/api/v1/videos/${id}`)).body;

/** Waits until the video is in the state. */
export async function until(id, wanted) {
  const end = Date.now() + READY_MS_MAX;
  for (;;) {
    const video = await get(id);
    if (video.status === wanted) return video;
    assert.notEqual(video.status, "failed", JSON.stringify(video.reason));
    assert.ok(Date.now() < end, `it is ${video.status} after ${READY_MS_MAX} ms`);
    await sleep(250);
  }
}

/** A video made by the API from a file; its id. */
export async function made(file, more = {}) {
  const { status, body } = await h.api("POST", "/api/v1/videos", more);
  assert.equal(status, 201, JSON.stringify(body));
  if (file) {
    const put = await fetch(`${h.EDGE_URL}/api/v1/videos/${body.id}/upload`, {
      method: "PUT",
      headers: { authorization: `Bearer ${h.SERVICE_KEY}`, "content-type": "video/mp4" },
      body: readFileSync(file),
    });
    assert.equal(put.status, 204, await put.text());
  }
  return body.id;
}

/** A signed-in page at a place of videos. */
export async function at(browser, ...place) {
  const opened = await h.signedIn(browser);
  await opened.page.goto(`${h.CONSOLE_URL}#/${["video", ...place].join("/")}`);
  await opened.page.getByRole("heading", { level: 1 }).waitFor();
  return opened;
}

/** The player in a page or a frame: started without sound, its stalls counted. */
export async function player(page) {
  await page.locator("video").waitFor();
  const ask = (what, value) =>
    page.locator("video").evaluate((video, [name, given]) => {
      if (name === "start") {
        globalThis.stalls = 0;
        video.addEventListener("waiting", () => {
          if (video.played.length > 0 && !video.seeking) globalThis.stalls += 1;
        });
        video.muted = true;
        return video.play();
      }
      if (name === "seek") return void (video.currentTime = given);
      return { at: video.currentTime, stalls: globalThis.stalls, height: video.videoHeight };
    }, [what, value]);
  await ask("start");
  return {
    seek: (seconds) => ask("seek", seconds),
    now: () => ask("now"),
    async past(seconds, ms = 30_000) {
      const end = Date.now() + ms;
      for (;;) {
        const now = await ask("now");
        if (now.at >= seconds) return now;
        assert.ok(Date.now() < end, `it stands at ${now.at} s, ${seconds} s were wanted`);
        await sleep(100);
      }
    },
  };
}
