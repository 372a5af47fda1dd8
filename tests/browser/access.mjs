// The console for everyone: axe's rules, keys alone, both colour schemes, narrow and wide windows.
//
// Invariant: every view is checked in light and dark, at 390 and 1280 px. Refuses to count a violation
// as small: every one that axe finds fails, whatever its impact.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { everywhere, tabTo, WINDOWS } from "./lib/access.mjs";
import * as h from "./lib/harness.mjs";

const LONG = "w".repeat(300);

let browser;
let link;
before(async () => {
  browser = await h.launch();
  const rules = [{ country: ["JP", "DE"], weight: 50, to: `https://example.com/${LONG}` }];
  const more = { title: `Wide ${LONG.slice(0, 150)}`, tags: ["red", LONG.slice(0, 50)], rules };
  link = await h.shorten(`https://example.com/${LONG}?${LONG}`, more);
});
after(() => browser.close());

/** Every view, by what leads to it from the one before. */
const VIEWS = {
  "sign-in": async () => undefined,
  "sign-in refused": async (page) => {
    await h.signIn(page, "sk_nobody");
    await page.locator(".field .error").waitFor();
  },
  list: async (page) => {
    await h.signIn(page);
    await h.row(page, link.short_code).waitFor();
  },
  "create refused": async (page) => {
    await page.getByRole("button", { name: "More options" }).click();
    await page.getByRole("textbox", { name: "Destination" }).fill("nonsense");
    await page.getByLabel("Expiry").selectOption("At a moment");
    await page.getByRole("button", { name: "Create link" }).click();
    await page.getByText("Destination must be").waitFor();
  },
  edit: async (page) => {
    await h.row(page, link.short_code).getByRole("button", { name: "Edit" }).click();
    await page.getByRole("dialog").getByLabel("Title").waitFor();
  },
  "link and numbers": async (page) => {
    await page.keyboard.press("Escape");
    await h.row(page, link.short_code).getByRole("link", { name: "Details" }).click();
    await page.locator(".uplot").waitFor();
    await page.getByText("The same as a table").click();
  },
  delete: async (page) => {
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByRole("alertdialog").waitFor();
  },
};

for (const [colorScheme, width] of WINDOWS) {
  test(`no violation and no overflow: ${colorScheme}, ${width} px`, () =>
    everywhere(browser, colorScheme, width, VIEWS, ["401", "422"]));
}

test("colours: the system's until one is chosen, and the choice lasts", async () => {
  const { context, page, watch } = await h.signedIn(browser, { colorScheme: "dark" });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.emulateMedia({ colorScheme: "light" });
  const light = await ground();
  assert.notEqual(dark, light);
  const button = page.getByRole("button", { name: /^Colours/ });
  await button.click(); // light
  await page.emulateMedia({ colorScheme: "dark" });
  assert.equal(await ground(), light);
  await button.click(); // dark
  await page.emulateMedia({ colorScheme: "light" });
  assert.equal(await ground(), dark);
  await page.reload();
  assert.equal(await ground(), dark);
  assert.deepEqual(await page.evaluate(() => ({ ...localStorage })), { "selvedge.theme": "dark" });
  await watch.verdict();
  await context.close();
});

test("nothing moves for those who asked for that", async () => {
  const moving = async (reducedMotion) => {
    const { context, page } = await h.open(browser, { reducedMotion });
    const button = page.getByRole("button", { name: "Sign in" });
    const seconds = await button.evaluate((each) => getComputedStyle(each).transitionDuration);
    await context.close();
    return parseFloat(seconds) > 0;
  };
  assert.equal(await moving("no-preference"), true);
  assert.equal(await moving("reduce"), false);
});

test("everything with the keyboard alone", async () => {
  const word = h.unique("keys");
  const { context, page, watch } = await h.open(browser);
  const focus = () => page.evaluate(() => document.activeElement.outerHTML.slice(0, 200));

  await page.waitForFunction(() => document.activeElement.type === "password");
  await page.keyboard.type(h.SERVICE_KEY);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Links", level: 1 }).waitFor();
  await page.waitForFunction(() => document.activeElement.tagName === "H1");

  await tabTo(page, "Destination");
  await page.keyboard.type(`https://example.com/${word}`);
  await tabTo(page, "More options");
  await page.keyboard.press("Enter");
  await tabTo(page, "Alias");
  await page.keyboard.type(word);
  await page.keyboard.press("Enter");
  await h.row(page, word).waitFor();
  assert.match(await focus(), /data-pointer="\/long_url"/, "ready for the next one");

  await tabTo(page, `Edit ${word}`);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByLabel("Title").waitFor();
  await tabTo(page, "Title");
  await page.keyboard.type("By hand");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement.ariaLabel === "Edit By hand");

  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "By hand", level: 1 }).waitFor();
  await tabTo(page, "The same as a table");
  await page.keyboard.press("Enter");
  await page.getByText("No clicks in this time.").first().waitFor();
  await page.goBack();
  await h.row(page, word).waitFor();

  await page.reload();
  await h.row(page, word).waitFor();
  await page.keyboard.press("Tab");
  assert.match(await focus(), /class="skip"/, "the first stop");
  await page.keyboard.press("Enter");
  assert.match(await focus(), /^<main/);

  await tabTo(page, "Delete By hand");
  await page.keyboard.press("Enter");
  await page.getByRole("alertdialog").waitFor();
  assert.match(await focus(), /Cancel/, "the harmless answer first");
  await page.keyboard.press("Tab");
  assert.match(await focus(), /Delete/);
  await page.keyboard.press("Enter");
  await h.row(page, word).waitFor({ state: "detached" });
  assert.equal(await page.locator(".made").count(), 0, "what is gone is not offered");
  await page.waitForFunction(() => document.activeElement.id === "list-title");

  // A dialog holds the focus.
  await tabTo(page, /^Delete /);
  await page.keyboard.press("Enter");
  await page.getByRole("alertdialog").waitFor();
  for (let presses = 0; presses < 6; presses += 1) {
    await page.keyboard.press("Tab");
    const inside = await page.evaluate(
      () => document.activeElement === document.body || !!document.activeElement.closest("dialog"),
    );
    assert.ok(inside, await focus());
  }
  await page.keyboard.press("Escape");
  await page.getByRole("alertdialog").waitFor({ state: "detached" });
  await watch.verdict();
  await context.close();
});
