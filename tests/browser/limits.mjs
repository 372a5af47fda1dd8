// The page of limits with a real edge behind it: policies, checks, refunds, live numbers, overrides.
//
// Invariant: every test makes policies of its own, so that the state of the database does not matter.
// Refuses to look into the page's own variables, and a key in an address beside an override's.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as h from "./lib/harness.mjs";

const COUNTED_MS_MAX = 20_000; // the isolate's tally, the recorder, the origin's fold, two seconds

let browser;
before(async () => (browser = await h.launch()));
after(() => browser.close());

const PATH = "/api/v1/limits/policies";
const put = async (policy) => {
  const name = h.unique("policy");
  const made = await h.api("PUT", `${PATH}/${name}`, policy);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return name;
};
const check = (policy, key) => h.api("POST", "/api/v1/limits/check", { policy, key });

const region = (page, name) => page.getByRole("region", { name });
const item = (page, name) => page.locator(`.item[data-policy="${name}"]`);
const button = (within, name) => within.getByRole("button", { name, exact: true });
const field = (within, name) => within.getByLabel(name, { exact: true });

/** A page that is signed in, at the list of policies or at one of them. */
async function at(name, options) {
  const opened = await h.signedIn(browser, options);
  await opened.page.getByRole("link", { name: "Limits" }).click();
  await opened.page.getByRole("heading", { name: "Limits", level: 1 }).waitFor();
  if (name) {
    await opened.page.goto(`${h.CONSOLE_URL}#/limits/${name}`);
    await opened.page.getByRole("heading", { name, level: 1 }).waitFor();
    await region(opened.page, "Try it").waitFor();
  }
  return opened;
}

async function ask(page, key, cost = "1") {
  const form = region(page, "Try it");
  await field(form, "Key").fill(key);
  await field(form, "Cost").fill(cost);
  await button(form, "Check").click();
  return form;
}

test("create a policy: what is wrong stands at its field, then it is there", async () => {
  const { context, page, watch } = await at();
  const name = h.unique("made");
  const taken = await put({ limit: 1, window_ms: 1000 });
  await button(page, "New policy").click();
  const dialog = page.getByRole("dialog");
  const create = button(dialog, "Create policy");
  await create.click();
  await dialog.getByText("Name is missing").waitFor();
  await field(dialog, "Name").fill(taken);
  await create.click();
  await dialog.getByText("Name is taken").waitFor();
  assert.ok(await field(dialog, "Name").evaluate((each) => each === document.activeElement));
  await field(dialog, "Name").fill("Not A Name");
  await create.click();
  await dialog.getByText("Name is no name").waitFor();

  await field(dialog, "Name").fill(name);
  await field(dialog, "Window").fill("2");
  await dialog.getByLabel("Unit of the window").selectOption("min");
  await create.click();
  await dialog.getByText("Limit is missing").waitFor();
  await field(dialog, "Limit").fill("nonsense");
  await create.click();
  await dialog.locator(".error", { hasText: /^Limit / }).waitFor();
  await field(dialog, "Limit").fill("10");
  await field(dialog, "Burst").fill("20");
  await button(dialog, "Add a tier").click();
  const tier = dialog.getByRole("group", { name: "Tier 1" });
  await field(tier, "Tier").fill("pro");
  await field(tier, "Limit").fill("0");
  await create.click();
  await tier.getByText("Limit must be 1 to").waitFor();
  assert.ok(await field(tier, "Limit").evaluate((each) => each === document.activeElement));
  await field(tier, "Limit").fill("1000");
  await dialog.getByLabel("When the key's object").selectOption("Refuse with 503");
  await dialog.getByLabel("Wait for it").fill("250");
  await dialog.getByLabel(/^Shadow/).check();
  await create.click();
  await page.getByRole("heading", { name, level: 1 }).waitFor();
  await page.getByText("10 in 2 min, 20 at once").waitFor();

  const { body } = await h.api("GET", `${PATH}/${name}`);
  const { limit, window_ms, burst, tiers, on_failure, timeout_ms, shadow } = body;
  assert.deepEqual([limit, window_ms, burst, on_failure, timeout_ms, shadow], [
    ...[10, 120_000, 20, "closed", 250, true],
  ]);
  assert.deepEqual(tiers, { pro: { limit: 1000 } });
  await page.goBack();
  await item(page, name).getByText("10 in 2 min, 20 at once · Token bucket").waitFor();
  await watch.verdict({ expected: ["404", "422"] });
  await context.close();
});

test("several rules: each has its own errors, and all are published", async () => {
  const name = await put({ limit: 5, window_ms: 1000 });
  const { context, page, watch } = await at(name);
  await button(page, "Edit").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Decided by").selectOption("several");
  await button(dialog, "Add a rule").click();
  const second = dialog.getByRole("group", { name: "Rule 2" });
  await field(second, "Algorithm").selectOption("Fixed window");
  assert.equal(await field(second, "Burst").count(), 0, "a window has no burst");
  await field(second, "Limit").fill("0");
  await field(second, "Window").fill("1");
  await dialog.getByLabel("Unit of the window").last().selectOption("h");
  await button(dialog, "Save").click();
  await second.getByText("Limit must be 1 to").waitFor();
  await field(second, "Limit").fill("100");
  await button(dialog, "Save").click();
  await page.getByText("100 in 1 h · Fixed window").waitFor();
  const { body } = await h.api("GET", `${PATH}/${name}`);
  assert.deepEqual(body.all.map(({ limit, window_ms }) => [limit, window_ms]), [
    [5, 1000],
    [100, 3_600_000],
  ]);
  await watch.verdict({ expected: ["422"] });
  await context.close();
});

test("a change is never made over somebody else's, and neither is a deletion", async () => {
  const name = await put({ limit: 5, window_ms: 1000, algorithm: "gcra" });
  const { context, page, watch } = await at();
  await item(page, name).getByRole("button", { name: `Edit ${name}` }).click();
  const dialog = page.getByRole("dialog");
  await field(dialog, "Limit").fill("6");
  await h.api("PUT", `${PATH}/${name}`, { limit: 50, window_ms: 1000 });
  await button(dialog, "Save").click();
  await dialog.getByText("was changed elsewhere").waitFor();
  assert.equal(await field(dialog, "Limit").inputValue(), "50", "as it is now");
  await field(dialog, "Limit").fill("7");
  await button(dialog, "Save").click();
  await dialog.waitFor({ state: "detached" });
  await item(page, name).getByText("7 in 1 s").waitFor();
  assert.equal((await h.api("GET", `${PATH}/${name}`)).body.limit, 7);

  await h.api("PUT", `${PATH}/${name}`, { limit: 8, window_ms: 1000 });
  const remove = item(page, name).getByRole("button", { name: `Delete ${name}` });
  await remove.click();
  await button(page.getByRole("alertdialog"), "Delete").click();
  await page.getByText("It was changed elsewhere").waitFor();
  await button(page.getByRole("alertdialog"), "Cancel").click();
  await item(page, name).getByText("8 in 1 s").waitFor();
  await remove.click();
  await button(page.getByRole("alertdialog"), "Delete").click();
  await item(page, name).waitFor({ state: "detached" });
  assert.equal((await h.api("GET", `${PATH}/${name}`)).status, 404);
  await watch.verdict({ expected: ["412"] });
  await context.close();
});

test("try it: until it is refused, and after the countdown it fits again", async () => {
  const name = await put({ limit: 2, window_ms: 6000 });
  const { context, page, watch } = await at(name);
  const key = h.unique("key");
  const form = await ask(page, key);
  await form.getByText("Allowed. 1 left.").waitFor();
  await form.getByRole("img", { name: "Bucket: 1 of 2 units left" }).waitFor();
  await button(form, "Check").click();
  await form.getByText("Allowed. 0 left.").waitFor();
  await button(form, "Check").click();
  await form.getByText(/^Refused\. It fits again in \d\.\d s\.$/).waitFor();
  const fits = form.getByText("It was refused, and fits again now.");
  assert.equal(await fits.count(), 0);
  const refused = Date.now();
  await fits.waitFor();
  assert.ok(Date.now() - refused > 1000, "a unit comes back every three seconds");
  await button(form, "Check").click();
  await form.getByText("Allowed. 0 left.").waitFor();
  await form.getByText("4 checks: 3 allowed, 1 refused").waitFor();

  await field(form, "Cost").fill("3");
  await button(form, "Check").click();
  await form.getByText("Cost is more than the 2").waitFor();
  const named = watch.addresses.filter((address) => address.includes(key));
  assert.deepEqual(named, [], "the key in an address");
  await watch.verdict({ expected: ["422"] });
  await context.close();
});

test("a refund gives the units back, once", async () => {
  const name = await put({ limit: 10, window_ms: 3_600_000 });
  const { context, page, watch } = await at(name);
  const form = await ask(page, h.unique("key"), "4");
  await form.getByText("Allowed. 6 left.").waitFor();
  await button(form, "Refund").click();
  await form.getByText("The units are back.").waitFor();
  await form.getByText("10 left.", { exact: true }).waitFor();
  assert.equal(await button(form, "Refund").count(), 0);

  await field(form, "Cost").fill("1");
  await button(form, "Check ×10").click();
  await form.getByText("11 checks: 11 allowed, 0 refused").waitFor();
  await button(form, "Check ×10").click();
  await form.getByText("21 checks: 11 allowed, 10 refused").waitFor();
  await form.getByText(/^Refused\. It fits again in/).waitFor();
  await watch.verdict();
  await context.close();
});

test("a refund is seen although the edge has just remembered a refusal", async () => {
  const name = await put({ limit: 5, window_ms: 3_600_000 });
  const { context, page, watch } = await at(name);
  const form = region(page, "Try it");
  await field(form, "Key").fill(h.unique("key"));
  await button(form, "Check ×10").click();
  await form.getByText("10 checks: 5 allowed, 5 refused").waitFor();
  await button(form, "Refund").click();
  await form.getByText("1 left.", { exact: true }).waitFor();
  await watch.verdict();
  await context.close();
});

/** Pixels of the chart whose red or whose green leads. */
const pixels = (page) =>
  page.locator(".uplot canvas").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const seen = { green: 0, red: 0 };
    for (let at = 0; at < data.length; at += 4) {
      const [red, green, , opaque] = data.slice(at, at + 4);
      if (opaque > 200 && green > red + 30) seen.green += 1;
      if (opaque > 200 && red > green + 80) seen.red += 1;
    }
    return seen;
  });

test("traffic is in the chart, in its table and among the hottest keys, by itself", async () => {
  const name = await put({ limit: 6, window_ms: 3_600_000 });
  const { context, page, watch } = await at(name);
  await page.getByText("No keys in this time.").waitFor();
  const idle = await pixels(page);
  const key = h.unique("hot");
  for (let times = 0; times < 10; times += 1) await check(name, key);
  await check(name, "other");
  await page
    .getByRole("img", { name: /^Chart of decisions per 10 seconds: allowed 7, refused 4/ })
    .waitFor({ timeout: COUNTED_MS_MAX });
  const busy = await pixels(page);
  assert.ok(busy.green > idle.green + 50, `${busy.green} green pixels`);
  assert.ok(busy.red > idle.red + 50, `${busy.red} red pixels`);

  await page.getByText("The same as a table").click();
  const rows = page.getByRole("table", { name: "Decisions per 10 seconds" }).locator("tbody tr");
  const cells = await rows.evaluateAll((all) =>
    all.map((row) => [...row.querySelectorAll("td")].map((cell) => Number(cell.textContent))),
  );
  const sum = (column) => cells.reduce((total, row) => total + row[column], 0);
  assert.deepEqual([0, 1, 2, 3].map(sum), [7, 4, 0, 0]);

  const hottest = page.getByRole("table", { name: "The busiest keys" }).locator("tbody tr");
  assert.equal(await hottest.count(), 2);
  assert.match(await hottest.first().textContent(), /^[0-9a-f]{32}64$/, "by its hash");
  const form = region(page, "Look a key up");
  await field(form, "Key").fill(key);
  await button(form, "Look up").click();
  await form.getByText("0 left.", { exact: true }).waitFor();
  await hottest.first().getByText(key).waitFor();
  await watch.verdict();
  await context.close();
});

test("it asks every two seconds, and not while it is paused or hidden", async () => {
  const name = await put({ limit: 1, window_ms: 1000, shadow: true });
  const { context, page, watch } = await at(name);
  const asked = () => watch.addresses.filter((address) => address.includes("/usage?")).length;
  await page.locator(".uplot").waitFor();
  const before = asked();
  await page.waitForTimeout(5000);
  assert.ok(asked() - before >= 2, `${asked() - before} questions in five seconds`);
  await button(page, "Pause").click();
  await page.getByText("paused", { exact: true }).waitFor();
  const paused = asked();
  await page.waitForTimeout(3000);
  assert.equal(asked(), paused);
  const hide = (hidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, "hidden", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await hide(true);
  await button(page, "Pause").click();
  await page.waitForTimeout(3000);
  assert.equal(asked(), paused);
  await hide(false);
  const form = await ask(page, h.unique("key"));
  await form.getByText(/^Allowed\./).waitFor();
  await button(form, "Check ×10").click();
  await form.getByText("11 checks: 11 allowed, 0 refused").waitFor();
  const shadowed = page.locator('.sums [data-kind="shadowed"] dd');
  await page.waitForFunction(
    (each) => Number(each.textContent) > 0,
    await shadowed.elementHandle(),
    { timeout: COUNTED_MS_MAX },
  );
  await watch.verdict();
  await context.close();
});

test("one key: banned and free again, its own limit, exempt", async () => {
  const name = await put({ limit: 5, window_ms: 3_600_000 });
  const { context, page, watch } = await at(name);
  const key = `${h.unique("who")}/ü?#`;
  const form = region(page, "Look a key up");
  await field(form, "Key").fill(key);
  await button(form, "Look up").click();
  await form.getByText("5 left.", { exact: true }).waitFor();

  const override = form.getByRole("form", { name: `Override for ${key}` });
  await override.getByLabel("Override").selectOption("ban");
  await button(override, "Set override").click();
  await form.getByText("Refused: the key is banned").waitFor();
  assert.equal((await check(name, key)).body.allowed, false);
  await button(override, "Remove override").click();
  await form.getByText("5 left.", { exact: true }).waitFor();

  await override.getByLabel("Override").selectOption("limit");
  await button(override, "Set override").click();
  await override.getByRole("alert").getByText("says nothing").waitFor();
  await field(override, "Own limit").fill("0");
  await button(override, "Set override").click();
  await override.getByText("Own limit must be 1 to").waitFor();
  await field(override, "Own limit").fill("2");
  await button(override, "Set override").click();
  await form.getByText(/2, limit 2$/).waitFor();
  await override.getByLabel("Override").selectOption("exempt");
  await button(override, "Set override").click();
  await form.getByText("Allowed: the key is exempt.").waitFor();
  await button(override, "Remove override").click();
  await form.getByText(/^\d left\.$/).waitFor();
  await watch.verdict({ expected: ["422"] });
  await context.close();
});

test("the bucket fills before the eyes, or by whole seconds for who wants it calm", async () => {
  const name = await put({ limit: 10, window_ms: 20_000 });
  const seen = async (reducedMotion) => {
    const { context, page } = await at(name, { reducedMotion });
    const form = await ask(page, h.unique("key"), "10");
    const level = form.locator(".liquid");
    await level.waitFor({ state: "attached" });
    const heights = new Set();
    for (let looks = 0; looks < 15; looks += 1) {
      heights.add(await level.getAttribute("height"));
      await page.waitForTimeout(100);
    }
    await context.close();
    return heights.size;
  };
  assert.ok((await seen("no-preference")) > 5);
  assert.ok((await seen("reduce")) <= 4);
});
