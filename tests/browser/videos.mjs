// The page of videos with a real edge, origin and ffmpeg behind it: from a file to playback.
//
// Invariant: every test makes videos of its own; what the page says is held against the API. Refuses
// to read the page's own variables.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as h from "./lib/harness.mjs";
import * as v from "./lib/videos.mjs";

const MIB = 2 ** 20;
/** As edge/console/src/video/tus.ts has it, for files of this size. */
const PART_BYTES = 4 * MIB;

let browser;
let files;
before(async () => {
  files = v.files();
  browser = await h.launch();
});
after(async () => {
  await browser?.close();
  files?.close();
});

const button = (within, name) => within.getByRole("button", { name, exact: true });
const region = (page, name) => page.getByRole("region", { name, exact: true });
const idOf = (page) => page.url().split("/").pop();
const fact = (within, name) =>
  within.locator("dl > div", { has: within.page().getByText(name, { exact: true }) }).locator("dd").first();

async function send(page, file, title) {
  await page.getByLabel("File", { exact: true }).setInputFiles(file);
  if (title) await page.getByLabel("Title", { exact: true }).fill(title);
  await button(page, "Upload").click();
  await page.waitForURL(/#\/video\/vid_/);
  return idOf(page);
}

test("V14 V15 an upload through the page ends in playback, and the page says how it went", async () => {
  const film = files.film("weaving on a loom.mp4", 24);
  const { context, page, watch } = await v.at(browser);
  await page.getByLabel("File", { exact: true }).setInputFiles(film);
  assert.equal(await page.getByLabel("Title", { exact: true }).inputValue(), "weaving on a loom");
  const title = h.unique("Weaving");
  const id = await send(page, film, title);
  await page.getByRole("heading", { name: title, level: 1 }).waitFor();
  await region(page, "Renditions and what they cost").waitFor({ timeout: 60_000 });
  await region(page, "The video").getByText("ready", { exact: true }).waitFor({ timeout: 90_000 });
  const video = await v.get(id);
  const renditions = region(page, "Renditions and what they cost").locator("li[data-name]");
  assert.deepEqual(
    await renditions.evaluateAll((all) => all.map((each) => each.dataset.name)),
    video.renditions.map(({ name }) => name),
  );
  assert.equal(await page.getByRole("progressbar").count(), 0, "nothing is under way any more");
  assert.match(await fact(renditions.first(), "CPU").innerText(), /^\d+ s$/);

  const playing = await v.player(page.frameLocator("iframe.player"));
  const { stalls, height } = await playing.past(10);
  assert.equal(stalls, 0, "stalls at full speed");
  assert.ok(height >= 240, `a picture of ${height} lines`);
  await playing.seek(20);
  await playing.past(21);
  await playing.seek(3);
  const { at } = await playing.past(4);
  assert.ok(at < 20, "a seek backwards");

  // What the player told when it was left comes up the road.
  await page.getByRole("link", { name: "All videos" }).click();
  await page.locator(`.item[data-id="${id}"]`).getByText("ready", { exact: true }).waitFor();
  await page.locator(`.item[data-id="${id}"] h3 a`).click();
  const quality = region(page, "How it went for viewers");
  await quality.waitFor();
  for (let tries = 0; (await fact(quality, "Plays").innerText()) !== "1"; tries += 1) {
    assert.ok(tries < 50, "no play was counted");
    await v.sleep(300);
    await button(quality, "Refresh").click();
  }
  assert.match(await fact(quality, "Start-up").innerText(), /^[\d,]+ ms$/);
  assert.match(await fact(quality, "Bitrate").innerText(), /^[\d.,]+ [kM]bit\/s$/);
  assert.equal(await quality.getByRole("table", { name: "Quality by device" }).getByText("Desktop").count(), 1);
  assert.ok((await v.get(id)).cost.bytes_served > 100_000, "bytes served are counted");
  await quality.getByRole("combobox", { name: "Chart of" }).selectOption("Start-up");
  await quality.getByRole("img", { name: /^Chart of Start-up per hour/ }).waitFor();
  // The edge hears of the first segment a moment after the origin has it.
  await watch.verdict({ expected: ["409"] });
  await context.close();
});

test("V14 an upload that a reload broke off goes on where it stopped, with the same file alone", async () => {
  const noise = files.noise("film.mp4", 2 * PART_BYTES + MIB);
  const other = files.noise("other.mp4", 2 * PART_BYTES + MIB);
  const { context, page, watch } = await v.at(browser);
  const offsets = [];
  let isHeld = true;
  await page.route("**/upload", (route) => {
    const request = route.request();
    if (request.method() !== "PATCH") return route.continue();
    const offset = Number(request.headers()["upload-offset"]);
    offsets.push(offset);
    return isHeld && offset > 0 ? undefined : route.continue();
  });
  const id = await send(page, noise);
  const upload = region(page, "Upload");
  while (offsets.length < 2) await v.sleep(50);
  assert.deepEqual(offsets, [0, PART_BYTES]);
  await button(upload, "Pause").click();
  await upload.getByText(/, paused$/).waitFor();
  await button(upload, "Continue").click();
  while (offsets.length < 3) await v.sleep(50);
  assert.equal(offsets[2], PART_BYTES, "a pause loses nothing");

  await page.reload();
  await upload.getByText(/4.2 MB of 9.4 MB have arrived/).waitFor();
  await upload.getByText("It was film.mp4.").waitFor();
  const again = upload.getByLabel("Choose the file again", { exact: true });
  await again.setInputFiles(other);
  await upload.getByText(/is not the one that was begun with: that was film.mp4/).waitFor();
  assert.equal(offsets.length, 3, "nothing of it was sent");
  isHeld = false;
  await again.setInputFiles(noise);
  await page.getByText("The file is no video that can be read here.").waitFor({ timeout: 30_000 });
  assert.deepEqual(offsets.slice(3), [PART_BYTES, 2 * PART_BYTES]);
  const video = await v.get(id);
  assert.deepEqual([video.status, video.reason.code], ["failed", "not_a_video"]);
  assert.equal(await page.evaluate(() => localStorage.getItem("selvedge.uploads")), null);
  await watch.verdict();
  await context.close();
});

test("V14 V18 an edge that does not answer is waited for, and the upload goes on by itself", async () => {
  const noise = files.noise("line.mp4", PART_BYTES + 1);
  const { context, page, watch } = await v.at(browser);
  let failures = 2;
  await page.route("**/upload", (route) => {
    const isPart = route.request().method() === "PATCH";
    return isPart && (failures -= 1) >= 0 ? route.abort() : route.continue();
  });
  const id = await send(page, noise);
  await region(page, "Upload").getByText(/It is tried again by itself/).waitFor();
  await page.getByText("The file is no video that can be read here.").waitFor({ timeout: 30_000 });
  assert.equal((await v.get(id)).upload_offset, PART_BYTES + 1);
  await watch.verdict({ expected: ["ERR_FAILED"] });
  await context.close();
});

test("V14 what cannot be uploaded is said at the field", async () => {
  const { context, page, watch } = await v.at(browser);
  await button(page, "Upload").click();
  await page.getByText("File is missing").waitFor();
  await page.getByLabel("File", { exact: true }).setInputFiles(files.text("empty.mp4", ""));
  await button(page, "Upload").click();
  await page.getByText("File is empty").waitFor();
  await page.getByLabel("Title", { exact: true }).fill("t".repeat(201));
  await page.getByLabel("File", { exact: true }).setInputFiles(files.noise("long.mp4", 9));
  await button(page, "Upload").click();
  await page.getByText(/Title must be 1 to 200 characters/).waitFor();
  await watch.verdict({ expected: ["422"] });
  await context.close();
});

test("V7 V10 V11 V13 variants with reasons, tokens, captions, deletion", async () => {
  const id = await v.made(files.film("short.mp4", 5), { title: h.unique("Short") });
  await v.until(id, "ready");
  const { context, page, watch } = await v.at(browser, id);
  const variants = region(page, "What this browser is offered");
  await variants.locator("li[data-name='v360-avc']").getByText("offered", { exact: true }).waitFor();
  await variants.getByLabel("At most").selectOption("240p");
  await variants.locator("li[data-name='v360-avc'][data-reason='above_cap']").waitFor();
  await variants.getByText("larger than the cap").waitFor();
  assert.equal(await variants.locator("li[data-name='v240-avc']").getByText("offered").count(), 1);

  const captions = region(page, "Captions");
  const file = captions.getByLabel("Captions file", { exact: true });
  await captions.getByLabel("Language", { exact: true }).fill("pt-BR");
  await captions.getByLabel("Label", { exact: true }).fill("Português");
  await file.setInputFiles(files.text("subrip.vtt", "1\n00:00:01,000 --> 00:00:02,000\nOlá\n"));
  await button(captions, "Add captions").click();
  await captions.getByText(/Captions file is not accepted: line 1/).waitFor();
  await file.setInputFiles(files.text("pt.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nOlá\n"));
  await button(captions, "Add captions").click();
  await captions.locator(".tracks").getByText("Português").waitFor();
  assert.deepEqual((await v.get(id)).captions, [{ language: "pt-br", label: "Português" }]);
  await button(captions, "Delete the captions in pt-br").click();
  await button(page.getByRole("alertdialog"), "Delete").click();
  await captions.getByText("None yet.").waitFor();

  await button(page, "Edit").click();
  await page.getByRole("dialog").getByLabel("May be played by").selectOption("signed");
  await button(page.getByRole("dialog"), "Save").click();
  const tokens = region(page, "Let somebody play it");
  await button(tokens, "Make a token").click();
  const url = await fact(tokens, "HLS").locator(".short").innerText();
  assert.equal((await fetch(url)).status, 200);
  assert.equal((await fetch(url.replace(/\?.*/, ""))).status, 403);
  const playing = await v.player(page.frameLocator("iframe.player"));
  await playing.past(1);

  await button(region(page, "The video"), "Delete").click();
  await button(page.getByRole("alertdialog"), "Delete").click();
  await page.waitForURL(/#\/video$/);
  await page.locator(".list[aria-busy=false]").waitFor();
  assert.equal(await page.locator(`.item[data-id="${id}"]`).count(), 0);
  assert.equal((await h.api("GET", `/api/v1/videos/${id}`)).status, 404);
  await watch.verdict({ expected: ["422", "409"] });
  await context.close();
});
