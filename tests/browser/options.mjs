// Fields and buttons that depend on what the edge can do, as its OpenAPI document says.
//
// Invariant: where the document is altered on its way to the page, both cases are shown whatever this
// edge can do; the last tests take the edge as it is. Refuses to test the API itself.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as h from "./lib/harness.mjs";

let browser;
before(async () => (browser = await h.launch()));
after(() => browser.close());

const OPTIONAL = ["password", "max_clicks", "fallback_url", "external_id", "reuse", "rules"];
const LABELS = ["Password", "Clicks at most", "Fallback", "External id"];
const QR = "/api/v1/links/{code}/qr";
const strings = { type: "array", items: { type: "string" } };

const without = h.documented(({ paths, components: { schemas } }) => {
  delete paths[QR];
  for (const name of ["ShortenRequest", "PatchRequest"]) {
    for (const field of OPTIONAL) delete schemas[name].properties[field];
  }
});

const withAll = h.documented(({ paths, components: { schemas } }) => {
  paths[QR] = { get: {} };
  schemas.Rule = {
    properties: { country: strings, device: strings, weight: { type: "integer" }, to: {} },
  };
  const rules = { type: ["array", "null"], items: { $ref: "#/components/schemas/Rule" } };
  const text = { type: ["string", "null"] };
  for (const name of ["ShortenRequest", "PatchRequest"]) {
    for (const field of OPTIONAL) schemas[name].properties[field] = text;
    schemas[name].properties.rules = rules;
  }
});

async function options(page) {
  await page.getByRole("button", { name: "More options" }).click();
  return page.locator("#create-options");
}

test("what the edge lacks is not shown", async () => {
  const { context, page, watch } = await h.signedIn(browser, { before: without });
  const form = await options(page);
  await form.getByLabel("Alias").waitFor();
  for (const label of [...LABELS, "Rules"]) assert.equal(await form.getByLabel(label).count(), 0);
  assert.equal(await form.getByRole("checkbox").count(), 0);

  const link = await h.shorten(`https://example.com/${h.unique("plain")}`);
  await page.goto(`${h.CONSOLE_URL}#/links/${link.short_code}`);
  await page.getByRole("button", { name: "Edit", exact: true }).waitFor();
  assert.equal(await page.getByRole("button", { name: "QR code" }).count(), 0);
  await watch.verdict();
  await context.close();
});

test("what the edge has is sent, and its errors stand at their fields", async () => {
  const { context, page, watch } = await h.signedIn(browser, { before: withAll });
  const errors = [
    { pointer: "/max_clicks", detail: "must be 1 or more" },
    { pointer: "/rules/0/country/1", detail: "is no country" },
    { pointer: "/elsewhere", detail: "is not shown" },
  ];
  const type = `${h.EDGE_URL}/problems/links/invalid`;
  await page.route("**/api/v1/shorten", (route) =>
    route.fulfill({
      status: 422,
      contentType: "application/problem+json",
      body: JSON.stringify({ type, title: "Not acceptable", status: 422, errors }),
    }),
  );
  await page.getByRole("textbox", { name: "Destination" }).fill("https://example.com/");
  const form = await options(page);
  await form.getByLabel("Password").fill("open sesame");
  await form.getByLabel("Clicks at most").fill("0");
  await form.getByLabel("Fallback").fill("https://example.com/over");
  await form.getByLabel("External id").fill("order-7");
  await form.getByLabel("Use a live link like this one").check();
  await form.getByRole("button", { name: "Add a rule" }).click();
  const rule = form.getByRole("group", { name: "Rule 1" });
  await rule.getByLabel("Leads to").fill("https://example.com/jp");
  const add = rule.getByLabel("Add a condition to rule 1");
  await add.selectOption("Country");
  await rule.getByLabel("Country", { exact: true }).fill("JP, XX");
  await add.selectOption("Share");
  await rule.getByLabel("Share", { exact: true }).fill("50");
  await add.selectOption("Device");
  await rule.getByRole("button", { name: "Remove the condition Device" }).click();

  const asked = page.waitForRequest("**/api/v1/shorten");
  await page.getByRole("button", { name: "Create link" }).click();
  assert.deepEqual((await asked).postDataJSON(), {
    long_url: "https://example.com/",
    password: "open sesame",
    max_clicks: 0,
    fallback_url: "https://example.com/over",
    external_id: "order-7",
    reuse: true,
    rules: [{ to: "https://example.com/jp", country: ["JP", "XX"], weight: 50 }],
  });
  await form.getByText("Clicks at most must be 1 or more").waitFor();
  await rule.getByText("Country no. 2 is no country").waitFor();
  await page.getByRole("alert").getByText("/elsewhere: is not shown").waitFor();
  const focused = await page.evaluate(() => document.activeElement.dataset.pointer);
  assert.equal(focused, "/max_clicks");
  await watch.verdict({ expected: ["422"] });
  await context.close();
});

test("a QR code is fetched with the key and shown from memory", async () => {
  const link = await h.shorten(`https://example.com/${h.unique("qr")}`);
  const { context, page, watch } = await h.signedIn(browser, { before: withAll });
  const asked = [];
  await page.route("**/qr?*", (route) => {
    asked.push(route.request());
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><path d="M0 0h2v2z"/></svg>`;
    return route.fulfill({ contentType: "image/svg+xml", body: svg });
  });
  await page.goto(`${h.CONSOLE_URL}#/links/${link.short_code}`);
  await page.getByRole("button", { name: "QR code" }).click();
  const image = page.getByRole("img", { name: `QR code of ${link.short_url}` });
  await image.waitFor();
  assert.ok(await image.evaluate((each) => each.decode().then(() => each.naturalWidth > 0)));
  assert.match(await image.getAttribute("src"), /^blob:/);
  assert.match(asked[0].url(), new RegExp(`/api/v1/links/${link.short_code}/qr\\?format=svg`));
  assert.equal(asked[0].headers().authorization, `Bearer ${h.SERVICE_KEY}`);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Save as SVG" }).click();
  assert.equal((await download).suggestedFilename(), `${link.short_code}.svg`);
  await watch.verdict();
  await context.close();
});

test("rules and bounds of this edge: made, followed, changed, taken away", async () => {
  const { context, page, watch } = await h.signedIn(browser);
  const word = h.unique("rules");
  await page.getByRole("textbox", { name: "Destination" }).fill(`https://example.com/${word}`);
  const form = await options(page);
  await form.getByLabel("Alias").fill(word);
  await form.getByLabel("Clicks at most").fill("1000");
  await form.getByLabel("Fallback").fill("https://example.com/over");
  await form.getByRole("button", { name: "Add a rule" }).click();
  const rule = form.getByRole("group", { name: "Rule 1" });
  await rule.getByLabel("Leads to").fill("not an address");
  await rule.getByLabel("Add a condition to rule 1").selectOption("Country");
  await rule.getByLabel("Country", { exact: true }).fill("JP");
  await page.getByRole("button", { name: "Create link" }).click();
  await rule.getByText("Leads to must be").waitFor();
  await rule.getByLabel("Leads to").fill("https://example.com/jp");
  await page.getByRole("button", { name: "Create link" }).click();
  await h.row(page, word).waitFor();

  const follow = async (country) => {
    const cf = JSON.stringify({ country, colo: "NRT" });
    const init = { redirect: "manual", headers: { "MF-CF-Blob": cf } };
    return (await fetch(`${h.EDGE_URL}/${word}`, init)).headers.get("location");
  };
  assert.equal(await follow("JP"), "https://example.com/jp");
  assert.equal(await follow("DE"), `https://example.com/${word}`);

  await page.locator(".made").getByRole("link", { name: "Details" }).click();
  await page.getByText("Country: JP").waitFor();
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Country", { exact: true }).fill("JP, DE");
  await dialog.getByLabel("Clicks at most").fill("");
  const sent = page.waitForRequest((request) => request.method() === "PATCH");
  await dialog.getByRole("button", { name: "Save" }).click();
  assert.deepEqual((await sent).postDataJSON(), {
    max_clicks: null,
    rules: [{ to: "https://example.com/jp", country: ["JP", "DE"] }],
  });
  await page.getByText("Country: JP, DE").or(page.getByText("Country: DE, JP")).waitFor();
  assert.equal(await follow("DE"), "https://example.com/jp");
  await watch.verdict({ expected: ["422"] });
  await context.close();
});

test("this edge's QR code is an image in both forms", async () => {
  const link = await h.shorten(`https://example.com/${h.unique("real-qr")}`);
  const { context, page, watch } = await h.signedIn(browser);
  await page.goto(`${h.CONSOLE_URL}#/links/${link.short_code}`);
  await page.getByRole("button", { name: "QR code" }).click();
  const image = page.getByRole("img", { name: `QR code of ${link.short_url}` });
  assert.ok(await image.evaluate((each) => each.decode().then(() => each.naturalWidth > 0)));
  const png = page.getByRole("link", { name: "Save as PNG" });
  const width = await png.evaluate(async (each) => {
    const picture = new Image();
    picture.src = each.href;
    await picture.decode();
    return picture.naturalWidth;
  });
  assert.ok(width >= 256, `${width} px`);
  await watch.verdict();
  await context.close();
});
