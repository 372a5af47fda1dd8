// The first frame in headless Chromium, from an edge that has nothing yet: page, manifest, segments.
//
// Invariant: every round plays a video that this edge, its cache and its bucket have never seen, in
// a browser profile that has never seen the page; the clock starts with the navigation. The second
// view of a round, in another profile, finds a warm edge.

import { chromium } from "playwright-core";
import { film } from "../../browser/lib/film.mjs";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const SECONDS = 12; // three segments

/** Plays as soon as there is a player, and says when the first frame was shown. */
function watch() {
  globalThis.frame = new Promise((done) => {
    document.addEventListener("DOMContentLoaded", () => {
      const video = document.querySelector("video");
      video.muted = true;
      video.autoplay = true;
      video.requestVideoFrameCallback((now) => done(now));
    });
  });
}

async function view(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  await context.addInitScript(watch);
  const page = await context.newPage();
  await page.goto(url, { waitUntil: "commit" });
  const ms = await page.evaluate(() => globalThis.frame);
  await context.close();
  return ms;
}

const middle = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];

export async function startup(run) {
  const made = await film({ seconds: SECONDS });
  const browser = await chromium.launch({ executablePath: EXECUTABLE, headless: true, args: FLAGS });
  try {
    const [cold, warm] = [[], []];
    // The browser's own first page is not the edge's.
    for (let n = 0; n <= run.views; n += 1) {
      const id = `vid_${String(n + 1).padStart(11, "0")}`;
      await made.put(id, made.presentation(id));
      const url = `${made.edge}/embed/${id}`;
      const pair = [await view(browser, url), await view(browser, url)];
      if (n > 0) [cold, warm].forEach((all, at) => all.push(pair[at]));
    }
    run.say(`first frames of ${run.views} videos`);
    return { views: run.views, cold: middle(cold), cold_max: Math.max(...cold), warm: middle(warm) };
  } finally {
    await browser.close();
    await made.stop();
  }
}
