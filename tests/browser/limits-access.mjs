// The page of limits for everyone: axe's rules, keys alone, both colour schemes, narrow and wide.
//
// Invariant: every view is checked in light and dark, at 390 and 1280 px, with the longest names.
// Refuses a mouse.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { everywhere, tabTo, WINDOWS } from "./lib/access.mjs";
import * as h from "./lib/harness.mjs";

const long = (start) => `${h.unique(start)}-${"w".repeat(64)}`.slice(0, 64);
const KEY = "k".repeat(200);

let browser;
let name;
before(async () => {
  browser = await h.launch();
  name = long("wide");
  const tiers = { [long("tier")]: { limit: 100_000_000 } };
  const policy = { limit: 90_000_000, window_ms: 31_622_400_000, tiers, shadow: true };
  const made = await h.api("PUT", `/api/v1/limits/policies/${name}`, policy);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  await h.api("POST", "/api/v1/limits/check", { policy: name, key: KEY });
});
after(() => browser.close());

const button = (within, label) => within.getByRole("button", { name: label, exact: true });

/** Every view, by what leads to it from the one before. */
const VIEWS = {
  list: async (page) => {
    await h.signIn(page);
    await page.getByRole("link", { name: "Limits" }).click();
    await page.locator(`.item[data-policy="${name}"]`).waitFor();
  },
  "new, refused": async (page) => {
    await button(page, "New policy").click();
    await button(page, "Add a tier").click();
    await button(page, "Create policy").click();
    await page.getByText("Name is missing").waitFor();
  },
  "several rules": async (page) => {
    await page.getByLabel("Decided by").selectOption("several");
    await button(page, "Add a rule").click();
    await page.getByLabel("Name", { exact: true }).fill(h.unique("none"));
    await button(page, "Create policy").click();
    await page.locator(".rule .error").first().waitFor();
  },
  delete: async (page) => {
    await page.keyboard.press("Escape");
    await button(page, `Delete ${name}`).click();
    await page.getByRole("alertdialog").waitFor();
  },
  policy: async (page) => {
    await page.keyboard.press("Escape");
    await page.locator(`.item[data-policy="${name}"] h3 a`).click();
    await page.locator(".uplot").waitFor();
    await page.getByText("The same as a table").click();
  },
  "tried and looked up": async (page) => {
    for (const [region, label] of [["Try it", "Check"], ["Look a key up", "Look up"]]) {
      const form = page.getByRole("region", { name: region });
      await form.getByLabel("Key", { exact: true }).fill(KEY);
      await button(form, label).click();
      await form.getByRole("img", { name: /^Bucket/ }).waitFor();
    }
    await page.locator(".hottest strong").waitFor({ timeout: 20_000 });
  },
};

for (const [colorScheme, width] of WINDOWS) {
  test(`limits: no violation and no overflow: ${colorScheme}, ${width} px`, () =>
    everywhere(browser, colorScheme, width, VIEWS, ["404", "422"]));
}

test("limits with the keyboard alone", async () => {
  const word = h.unique("keys");
  const { context, page, watch } = await h.signedIn(browser);
  const focus = () => page.evaluate(() => document.activeElement.outerHTML.slice(0, 200));
  await tabTo(page, "Limits");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Limits", level: 1 }).waitFor();
  await page.waitForFunction(() => document.activeElement.tagName === "H1");

  await tabTo(page, "New policy");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  assert.match(await focus(), /data-pointer="\/name"/, "the first field");
  await page.keyboard.type(word);
  await tabTo(page, "Limit");
  await page.keyboard.type("2");
  await tabTo(page, "Window");
  await page.keyboard.type("60");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: word, level: 1 }).waitFor();
  await page.waitForFunction(() => document.activeElement.tagName === "H1");

  await page.locator(".uplot").waitFor();
  await tabTo(page, "Pause");
  await page.keyboard.press("Space");
  await page.getByText("paused", { exact: true }).waitFor();
  await tabTo(page, "Key");
  await page.keyboard.type("me");
  for (const left of [1, 0]) {
    await page.keyboard.press("Enter");
    await page.getByText(`Allowed. ${left} left.`).waitFor();
  }
  await page.keyboard.press("Enter");
  await page.getByText(/^Refused\. It fits again/).waitFor();
  await tabTo(page, "Key");
  await page.keyboard.type("me");
  await page.keyboard.press("Enter");
  await page.getByRole("form", { name: "Override for me" }).waitFor();
  await tabTo(page, "Override");
  await page.keyboard.press("b");
  await tabTo(page, "Set override");
  await page.keyboard.press("Enter");
  await page.getByText("Refused: the key is banned").waitFor();
  assert.match(await focus(), /Set override/, "the focus stays");

  await tabTo(page, "Delete");
  await page.keyboard.press("Enter");
  await page.getByRole("alertdialog").waitFor();
  assert.match(await focus(), /Cancel/, "the harmless answer first");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Limits", level: 1 }).waitFor();
  assert.equal(await page.locator(`.item[data-policy="${word}"]`).count(), 0);
  await watch.verdict({ expected: ["404"] });
  await context.close();
});
