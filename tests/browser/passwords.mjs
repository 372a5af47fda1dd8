// Links with a password: made and changed in the console, followed by a visitor.
//
// Invariant: the visitor's browser holds the page's policy against everything on its way, the form's
// redirects too; the password stands in no address. Refuses to test the limits on guessing.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as h from "./lib/harness.mjs";

let browser;
let target;
before(async () => ([browser, target] = await Promise.all([h.launch(), h.target()])));
after(() => Promise.all([browser.close(), target.close()]));

/** A visitor on a narrow screen; what its browser complains about stands in `said`. */
async function visit(url, colorScheme = "light") {
  const viewport = { width: 390, height: 700 };
  const context = await browser.newContext({ viewport, colorScheme });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const said = [];
  const addresses = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) said.push(message.text());
  });
  page.on("request", (request) => addresses.push(request.url()));
  const answer = await page.goto(url);
  return { context, page, said, addresses, answer };
}

const field = (page) => page.getByLabel("Password");
const follow = (page) => page.getByRole("button", { name: "Follow the link" });

for (const scheme of ["light", "dark"]) {
  test(`a visitor gives the password and arrives, in ${scheme}`, async () => {
    const url = `${target.url}/${h.unique("arrived")}`;
    const password = h.unique("sesame é");
    const link = await h.shorten(url, { password });
    const { context, page, said, addresses, answer } = await visit(link.short_url, scheme);
    assert.equal(answer.status(), 401);
    await page.getByRole("heading", { name: "A password is asked for", level: 1 }).waitFor();
    assert.equal(await field(page).evaluate((each) => document.activeElement === each), true);
    const seen = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      const { backgroundColor } = getComputedStyle(document.body);
      const height = document.querySelector("button").getBoundingClientRect().height;
      return { fits: scrollWidth <= clientWidth, backgroundColor, height };
    });
    const ground = { light: "rgb(246, 245, 242)", dark: "rgb(20, 23, 26)" }[scheme];
    assert.deepEqual(seen, { fits: true, backgroundColor: ground, height: 44 });

    await field(page).fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("That is not the password").waitFor();
    assert.equal(await field(page).getAttribute("aria-invalid"), "true");
    assert.match(await page.title(), /^Error: /);

    await field(page).fill(password);
    await follow(page).click();
    await page.getByRole("heading", { name: "Arrived" }).waitFor();
    assert.equal(page.url(), url);
    await page.goto(link.short_url);
    assert.equal(page.url(), url, "it is not asked for again");
    assert.deepEqual(said.filter((text) => !text.includes("401")), []);
    const told = addresses.filter((each) => decodeURIComponent(each).includes("sesame"));
    assert.deepEqual(told, []);
    const [cookie] = await context.cookies(h.EDGE_URL);
    assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, "Lax", "/"]);
    await context.close();
  });
}

test("a password is set, shown as set, changed and taken away in the console", async () => {
  const { context, page, watch } = await h.signedIn(browser);
  const word = h.unique("locked");
  const answer = async () =>
    (await fetch(`${h.EDGE_URL}/${word}`, { redirect: "manual" })).status;
  await page.getByRole("textbox", { name: "Destination" }).fill(`https://example.com/${word}`);
  await page.getByRole("button", { name: "More options" }).click();
  const form = page.locator("#create-options");
  await form.getByLabel("Alias").fill(word);
  await form.getByLabel("Password").fill("open sesame");
  await page.getByRole("button", { name: "Create link" }).click();
  await h.row(page, word).waitFor();
  assert.equal(await answer(), 401);

  await page.locator(".made").getByRole("link", { name: "Details" }).click();
  await page.getByText("asked for").waitFor();
  const edit = async (change) => {
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await change(dialog);
    const sent = page.waitForRequest((request) => request.method() === "PATCH");
    await dialog.getByRole("button", { name: "Save" }).click();
    const body = (await sent).postDataJSON();
    await dialog.waitFor({ state: "hidden" });
    return body;
  };
  const changed = await edit((dialog) => dialog.getByLabel("New password").fill("another"));
  assert.deepEqual(changed, { password: "another" });
  assert.equal(await answer(), 401);
  const removed = await edit((dialog) => dialog.getByLabel("Remove the password").check());
  assert.deepEqual(removed, { password: null });
  await page.getByText("asked for").waitFor({ state: "detached" });
  assert.equal(await answer(), 302);
  await watch.verdict();
  await context.close();
});
