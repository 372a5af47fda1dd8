// The page of videos for everyone: axe's rules, keys alone, both colour schemes, narrow and wide.
//
// Invariant: every view is checked in light and dark, at 390 and 1280 px, with the longest names.
// Refuses a mouse.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { everywhere, tabTo, WINDOWS } from "./lib/access.mjs";
import * as h from "./lib/harness.mjs";
import * as v from "./lib/videos.mjs";

const LONG = "w".repeat(200);

let browser;
let files;
let ready;
let failed;
let waiting;
before(async () => {
  files = v.files();
  browser = await h.launch();
  ready = await v.made(files.film("film.mp4", 5, "320x240"), { title: LONG, visibility: "signed" });
  failed = await v.made(files.noise("noise.mp4", 4_096), { title: "Noise" });
  waiting = await v.made(null, { title: "Half", size: 9_000_000 });
  const captions = await fetch(`${h.EDGE_URL}/api/v1/videos/${ready}/captions/en?label=${"l".repeat(100)}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${h.SERVICE_KEY}`, "content-type": "text/vtt" },
    body: "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n",
  });
  assert.equal(captions.status, 204, await captions.text());
  await v.until(ready, "ready");
});
after(async () => {
  await browser?.close();
  files?.close();
});

const button = (within, name) => within.getByRole("button", { name, exact: true });
const go = (page, ...place) => page.goto(`${h.CONSOLE_URL}#/${["video", ...place].join("/")}`);

/** Every view, by what leads to it from the one before. */
const VIEWS = {
  list: async (page) => {
    await h.signIn(page);
    await page.getByRole("link", { name: "Video", exact: true }).click();
    await page.locator(`.item[data-id="${ready}"]`).waitFor();
  },
  "new video, refused": async (page) => {
    await button(page, "Upload").click();
    await page.getByText("File is missing").waitFor();
  },
  "a video": async (page) => {
    await go(page, ready);
    await page.locator(".variants li").first().waitFor();
    await page.locator(".sums").waitFor();
    await page.locator(".timeline li").first().waitFor();
    await page.getByText("The same as a table").click();
  },
  "captions, refused": async (page) => {
    await button(page, "Add captions").click();
    await page.getByText("Language must be like en or pt-br").waitFor();
  },
  "a token": async (page) => {
    await button(page, "Make a token").click();
    await page.getByText(/It cannot be taken back/).waitFor();
  },
  edit: async (page) => {
    await button(page, "Edit").click();
    await page.getByRole("dialog").waitFor();
  },
  remove: async (page) => {
    await page.keyboard.press("Escape");
    await button(page.getByRole("region", { name: "The video" }), "Delete").click();
    await page.getByRole("alertdialog").waitFor();
  },
  failed: async (page) => {
    await page.keyboard.press("Escape");
    await go(page, failed);
    await page.getByText("The file is no video that can be read here.").waitFor();
  },
  "an upload to go on with": async (page) => {
    await go(page, waiting);
    await page.getByLabel("Choose the file", { exact: true }).waitFor();
  },
};

for (const [colorScheme, width] of WINDOWS) {
  test(`videos: no violation and no overflow: ${colorScheme}, ${width} px`, () =>
    everywhere(browser, colorScheme, width, VIEWS, ["409"])); // as in videos.mjs
}

test("videos with the keyboard alone", async () => {
  const { context, page, watch } = await h.signedIn(browser);
  await tabTo(page, "Video");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Video", level: 1 }).waitFor();
  await page.waitForFunction(() => document.activeElement.tagName === "H1");
  await tabTo(page, "Title");
  await page.keyboard.type("By hand");
  await page.keyboard.press("Enter");
  await page.getByText("File is missing").waitFor();
  assert.ok(await page.getByLabel("File", { exact: true }).evaluate((e) => e === document.activeElement));

  await go(page, failed);
  await page.getByRole("heading", { name: "Noise", level: 1 }).waitFor();
  await tabTo(page, "Edit");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("Noise, named by hand");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Noise, named by hand", level: 1 }).waitFor();
  assert.equal((await v.get(failed)).title, "Noise, named by hand");
  await tabTo(page, "Delete");
  await page.keyboard.press("Enter");
  await page.getByRole("alertdialog").waitFor();
  assert.match(await page.evaluate(() => document.activeElement.outerHTML), /Cancel/, "the harmless answer first");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Video", level: 1 }).waitFor();
  assert.equal((await h.api("GET", `/api/v1/videos/${failed}`)).status, 404);
  await watch.verdict();
  await context.close();
});
