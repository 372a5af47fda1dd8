// Signing in and out, and where the key is meanwhile.
//
// Invariant: see the harness; each test ends with its verdict. Refuses a key of another run.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as h from "./lib/harness.mjs";

let browser;
before(async () => (browser = await h.launch()));
after(() => browser.close());

test("a wrong key is refused at its field", async () => {
  const { context, page, watch } = await h.open(browser);
  const field = page.getByLabel("Service key");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Service key is missing").waitFor();

  const forged = h.SERVICE_KEY.slice(0, -4) + "0000";
  for (const wrong of ["sk_nobody", forged, "ключ"]) {
    await h.signIn(page, wrong);
    await page.locator(".field .error", { hasText: "Service key" }).waitFor();
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    assert.ok(await field.evaluate((input) => input === document.activeElement));
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  }
  assert.equal(await field.getAttribute("type"), "password");
  await watch.verdict({ expected: ["401"] });
  await context.close();
});

test("the key lasts as long as the tab, and leaves with it", async () => {
  const { context, page, watch } = await h.signedIn(browser);
  await page.reload();
  await page.getByRole("heading", { name: "Links", level: 1 }).waitFor();

  const other = await context.newPage();
  await other.goto(h.CONSOLE_URL);
  await other.getByRole("heading", { name: "Sign in" }).waitFor();

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await page.goBack().catch(() => undefined);
  await page.goto(h.CONSOLE_URL);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(await page.locator(".item").count(), 0);
  await watch.verdict();
  await context.close();
});

test("a key that is no longer accepted ends the session with a word", async () => {
  const { context, page, watch } = await h.signedIn(browser);
  await page.route("**/api/v1/links?*", (route) =>
    route.fulfill({ status: 401, contentType: "application/problem+json", body: "{}" }),
  );
  await page.getByRole("searchbox", { name: "Search" }).fill("x");
  await page.getByText("You were signed out: the key is no longer accepted.").waitFor();
  await watch.verdict({ expected: ["401"] });
  await context.close();
});

test("an edge that does not answer is said, and may be asked again", async () => {
  const { context, page, watch } = await h.signedIn(browser);
  await page.route("**/api/v1/links?*", (route) => route.abort());
  await page.getByRole("searchbox", { name: "Search" }).fill("x");
  await page.getByText("The edge did not answer").waitFor();
  await page.unroute("**/api/v1/links?*");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.locator(".list[aria-busy=false]").waitFor();
  assert.equal(await page.getByText("The edge did not answer").count(), 0);
  await watch.verdict({ expected: ["ERR_FAILED"] });
  await context.close();
});
