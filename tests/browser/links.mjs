// The page of links with a real edge behind it: create, follow, numbers, edit, delete, search, pages.
//
// Invariant: every test makes links of its own and finds them by a word of its own, so that the state
// of the database does not matter. Refuses to look into the page's own variables.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as h from "./lib/harness.mjs";

const CLICK_MS_MAX = 20_000; // the recorder's alarm, the origin's fold, and a slow machine

let browser;
let target;
before(async () => ([browser, target] = await Promise.all([h.launch(), h.target()])));
after(async () => {
  await browser.close();
  await target.close();
});

const destination = (page) => page.getByRole("textbox", { name: "Destination" });
const create = (page) => page.getByRole("button", { name: "Create link" });
const search = (page) => page.getByRole("searchbox", { name: "Search in" });
const settled = (page) => page.locator(".list[aria-busy=false]").waitFor();

async function refreshUntil(page, shown) {
  const until = Date.now() + CLICK_MS_MAX;
  while (!(await shown())) {
    assert.ok(Date.now() < until, "the click does not appear");
    await page.getByRole("button", { name: "Refresh" }).click();
    await page.waitForTimeout(300);
  }
}

test("create, follow in the browser, and the click is in the numbers", async () => {
  const { context, page, watch } = await h.signedIn(browser);
  const word = h.unique("arrive");
  await destination(page).fill(`${target.url}/${word}?a=1#part`);
  await create(page).click();
  const made = page.locator(".made a.short");
  await made.waitFor();
  const code = (await made.textContent()).split("/").pop();
  await h.row(page, code).waitFor();
  assert.equal(await destination(page).inputValue(), "");

  const arrival = context.waitForEvent("page");
  await made.click();
  const arrived = await arrival;
  await arrived.getByRole("heading", { name: "Arrived" }).waitFor();
  assert.equal(arrived.url(), `${target.url}/${word}?a=1#part`);
  assert.ok(target.seen.includes(`/${word}?a=1`));
  await arrived.close();

  await page.locator(".made").getByRole("link", { name: "Details" }).click();
  await page.getByRole("heading", { name: code, level: 1 }).waitFor();
  const clicks = page.locator(".sums > div", { hasText: "Clicks" }).locator("dd").first();
  await clicks.waitFor();
  await refreshUntil(page, async () => (await clicks.textContent()) === "1");

  const chart = page.getByRole("img", { name: /^Chart of clicks per hour: 1 in all/ });
  await chart.waitFor();
  // The last slot's bar is drawn, inside the picture.
  const coloured = await chart.locator("canvas").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let bars = 0;
    for (let at = 0; at < data.length; at += 4) {
      const [red, green, , opaque] = data.slice(at, at + 4);
      if (opaque > 200 && green > red + 30) bars += 1;
    }
    return bars;
  });
  assert.ok(coloured > 100, `${coloured} pixels of bars`);

  await page.getByText("The same as a table").click();
  const slot = page.locator(".slots tbody tr");
  assert.equal(await slot.count(), 1);
  assert.equal(await slot.locator("td").textContent(), "1");
  for (const [by, name] of [["referrer", "Direct"], ["device", "Desktop"], ["browser", "Chrome"]]) {
    const table = page.getByRole("table", { name: `Clicks by ${by}` });
    assert.match(await table.textContent(), new RegExp(`${name}1100%`), by);
  }
  await page.getByLabel("Time").selectOption("12 months");
  await page.getByRole("img", { name: /^Chart of clicks per day: 1 in all/ }).waitFor();
  await watch.verdict();
  await context.close();
});

test("what is wrong stands at its field, and nothing that was typed is lost", async () => {
  const { context, page, watch } = await h.signedIn(browser);
  const taken = h.unique("taken");
  await h.shorten(`${target.url}/x`, { custom_alias: taken });

  await destination(page).fill("javascript:alert(1)");
  await page.getByRole("button", { name: "More options" }).click();
  await page.getByLabel("Alias").fill("api");
  await page.getByRole("textbox", { name: "Tags" }).fill(`fine, ${"x".repeat(51)}`);
  await create(page).click();
  await page.getByText("Destination must begin with http").waitFor();
  await page.getByText("Alias is reserved").waitFor();
  await page.getByText("Tags no. 2 must have").waitFor();
  assert.ok(await destination(page).evaluate((input) => input === document.activeElement));

  await destination(page).fill(`${target.url}/y`);
  await page.getByRole("textbox", { name: "Tags" }).fill("fine");
  await page.getByLabel("Alias").fill(taken);
  await create(page).click();
  await page.getByText("Alias is taken").waitFor();
  assert.ok(await page.getByLabel("Alias").evaluate((input) => input === document.activeElement));
  assert.equal(await page.getByLabel("Alias").getAttribute("aria-invalid"), "true");

  const free = h.unique("free");
  await page.getByLabel("Alias").fill(free);
  await page.getByLabel("Expiry").selectOption("Never");
  await page.getByLabel("Redirect", { exact: true }).selectOption("308");
  await create(page).click();
  await h.row(page, free).waitFor();
  const { body } = await h.api("GET", `/api/v1/links/${free}`);
  assert.deepEqual([body.tags, body.expires_at, body.redirect], [["fine"], null, 308]);
  await watch.verdict({ expected: ["422", "409"] });
  await context.close();
});

test("an answer that got lost is asked for again under the same key: one link", async () => {
  const { context, page, watch } = await h.signedIn(browser);
  const word = h.unique("once");
  await page.route("**/api/v1/shorten", async (route) => {
    await route.fetch();
    await route.abort();
  });
  await destination(page).fill(`${target.url}/${word}`);
  await create(page).click();
  await page.getByText("The edge did not answer").waitFor();
  await page.unroute("**/api/v1/shorten");
  await create(page).click();
  await page.locator(".made").waitFor();
  const { body } = await h.api("GET", `/api/v1/links?q=${word}`);
  assert.equal(body.items.length, 1);
  await watch.verdict({ expected: ["ERR_FAILED"] });
  await context.close();
});

test("edit sends what changed, and never over somebody else's change", async () => {
  const word = h.unique("edit");
  const link = await h.shorten(`${target.url}/${word}`, { title: word, tags: ["old"] });
  const at = `/api/v1/links/${link.short_code}`;
  const { context, page, watch } = await h.signedIn(browser);
  await search(page).fill(word);
  await page.getByRole("button", { name: `Edit ${word}` }).click();
  const dialog = page.getByRole("dialog", { name: `Edit ${link.short_code}` });
  await dialog.getByLabel("Title").fill(`${word} mine`);

  await h.api("PATCH", at, { title: `${word} theirs` });
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("This link was changed elsewhere").waitFor();
  assert.equal(await dialog.getByLabel("Title").inputValue(), `${word} theirs`);

  await dialog.getByLabel("Title").fill("");
  await dialog.getByRole("textbox", { name: "Tags" }).fill("new, more");
  await dialog.getByLabel("Destination").fill("nonsense");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("Destination must be").waitFor();
  await dialog.getByLabel("Destination").fill(`${target.url}/${word}/moved`);
  const sent = page.waitForRequest((request) => request.method() === "PATCH");
  await dialog.getByRole("button", { name: "Save" }).click();
  assert.deepEqual((await sent).postDataJSON(), {
    long_url: `${target.url}/${word}/moved`,
    title: null,
    tags: ["new", "more"],
  });
  assert.match((await sent).headers()["if-match"], /^"/);
  await dialog.waitFor({ state: "detached" });
  await h.row(page, link.short_code).getByText("/moved").waitFor();
  const { body } = await h.api("GET", at);
  assert.deepEqual([body.title, body.tags], [null, ["more", "new"]]);
  const followed = await fetch(link.short_url, { redirect: "manual" });
  assert.equal(followed.headers.get("location"), `${target.url}/${word}/moved`);
  await watch.verdict({ expected: ["412", "422"] });
  await context.close();
});

test("delete asks first, and the link is gone", async () => {
  const word = h.unique("doomed");
  const link = await h.shorten(`${target.url}/${word}`);
  const { context, page, watch } = await h.signedIn(browser);
  await search(page).fill(word);
  const remove = h.row(page, link.short_code).getByRole("button", { name: "Delete" });
  await remove.click();
  const question = page.getByRole("alertdialog", { name: "Delete this link?" });
  await question.getByText(link.short_url).waitFor();
  await page.keyboard.press("Escape");
  await question.waitFor({ state: "detached" });
  assert.ok(await remove.evaluate((button) => button === document.activeElement));
  assert.equal((await h.api("GET", `/api/v1/links/${link.short_code}`)).status, 200);

  await remove.click();
  await question.getByRole("button", { name: "Delete" }).click();
  await h.row(page, link.short_code).waitFor({ state: "detached" });
  assert.equal((await fetch(link.short_url, { redirect: "manual" })).status, 410);

  // From its own page the deletion leads back to the list.
  const second = await h.shorten(`${target.url}/${word}/2`);
  await page.goto(`${h.CONSOLE_URL}#/links/${second.short_code}`);
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await question.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("heading", { name: "Links", level: 1 }).waitFor();
  assert.match(page.url(), /#\/links$/);
  await page.goto(`${h.CONSOLE_URL}#/links/${second.short_code}`);
  await page.getByText("The link is gone").waitFor();
  await watch.verdict({ expected: ["410"] });
  await context.close();
});

test("search and tag narrow the list, and only the last question counts", async () => {
  const word = h.unique("find");
  const both = await h.shorten(`${target.url}/${word}/a`, { tags: [word, "red"] });
  const other = await h.shorten(`${target.url}/${word}/b`, { tags: [word] });
  const { context, page, watch } = await h.signedIn(browser);

  // The answer to the first letters comes late, after that to the whole word.
  await page.route("**/api/v1/links?*", async (route) => {
    const early = new URL(route.request().url()).searchParams.get("q") === word.slice(0, 4);
    if (early) await new Promise((done) => setTimeout(done, 1_500));
    await route.continue().catch(() => undefined);
  });
  await search(page).fill(word.slice(0, 4));
  await page.waitForTimeout(400);
  await search(page).fill(word);
  await settled(page);
  await page.waitForTimeout(1_500);
  assert.equal(await page.locator(".item").count(), 2);

  await search(page).fill(`${word}/b`);
  await h.row(page, both.short_code).waitFor({ state: "detached" });
  await h.row(page, other.short_code).waitFor();
  await search(page).fill("");
  await page.getByRole("searchbox", { name: "Only with the tag" }).fill(word);
  await h.row(page, both.short_code).waitFor();
  await h.row(page, both.short_code).getByRole("button", { name: "red" }).click();
  await h.row(page, both.short_code).waitFor();
  await search(page).fill(h.unique("nothing"));
  await page.getByText("No link matches this search.").waitFor();
  assert.doesNotMatch(page.url(), new RegExp(word), "a search in the address");
  await watch.verdict();
  await context.close();
});

test("pages follow each other without a gap or a link twice", async () => {
  const word = h.unique("page");
  const made = [];
  for (let n = 0; n < 28; n += 1) made.push((await h.shorten(`${target.url}/${word}/${n}`)).short_code);
  const { context, page, watch } = await h.signedIn(browser);
  // The whole list begins with the same items.
  const answered = page.waitForResponse((response) => response.url().includes(`q=${word}`));
  await search(page).fill(word);
  await answered;
  await h.row(page, made.at(-1)).waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".item").length === 25);
  await page.getByRole("button", { name: "Show more" }).click();
  await h.row(page, made[0]).waitFor();
  const shown = await page.locator(".item").evaluateAll((all) => all.map((each) => each.dataset.code));
  assert.deepEqual(shown, made.toReversed());
  assert.equal(await page.getByRole("button", { name: "Show more" }).count(), 0);
  const focused = await page.evaluate(() => document.activeElement.closest(".item")?.dataset.code);
  assert.equal(focused, shown[25], "the focus is on the first that came");
  await watch.verdict();
  await context.close();
});

test("copy puts the short link on the clipboard and says so", async () => {
  const word = h.unique("copy");
  const link = await h.shorten(`${target.url}/${word}`);
  const { context, page, watch } = await h.signedIn(browser);
  await search(page).fill(word);
  await page.getByRole("button", { name: `Copy ${link.short_url}` }).click();
  await page.getByRole("status").getByText(`Copied ${link.short_url}`).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link.short_url);
  await watch.verdict();
  await context.close();
});
