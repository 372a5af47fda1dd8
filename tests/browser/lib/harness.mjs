// What every suite of the browser stands on: Chromium, a signed-in page, a target to lead to, the API.
//
// Invariant: each page is watched from its first request on: no error on the console, no request to
// another host, the key in no address and in no lasting store (`Watch.verdict`). Every browser has a
// fresh profile. Refuses to download a browser: the distribution's is used.
//
// Environment: EDGE_URL, SERVICE_KEY (scripts/dev writes both), CHROMIUM.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { chromium } from "playwright-core";

export const EDGE_URL = process.env.EDGE_URL ?? "http://127.0.0.1:8787";
export const SERVICE_KEY = process.env.SERVICE_KEY ?? "";
const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const CONSOLE_URL = `${EDGE_URL}/console`;

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// Headless Chromium names itself a bot, and would be counted as one.
const USER_AGENT =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36";

assert.ok(SERVICE_KEY, "SERVICE_KEY is not in the environment: start scripts/dev, source its env");

export const launch = () =>
  chromium.launch({ executablePath: EXECUTABLE, headless: true, args: FLAGS });

/** One call of the API with the service key. */
export async function api(method, path, body, headers = {}) {
  const response = await fetch(`${EDGE_URL}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${SERVICE_KEY}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
}

export async function shorten(long_url, more = {}) {
  const made = await api("POST", "/api/v1/shorten", { long_url, ...more });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body;
}

let drawn = 0;
/** A word that no other run and no other test uses. */
export const unique = (start) => `${start}-${Date.now().toString(36)}${(drawn += 1)}`;

/** A server to lead to; `seen` are the paths that were asked for. */
export async function target() {
  const seen = [];
  const server = createServer((request, response) => {
    seen.push(request.url);
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end("<!doctype html><title>Arrived</title><h1>Arrived</h1>");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${server.address().port}`;
  return { url, seen, close: () => new Promise((done) => server.close(done)) };
}

/** Watches one page. */
class Watch {
  errors = [];
  foreign = [];
  addresses = [];

  constructor(page, allowed) {
    page.on("console", (message) => {
      if (message.type() === "error") this.errors.push(message.text());
    });
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("request", (request) => {
      this.addresses.push(request.url());
      if (/^(data|blob):/.test(request.url())) return;
      if (!allowed.includes(new URL(request.url()).origin)) this.foreign.push(request.url());
    });
    page.on("framenavigated", (frame) => this.addresses.push(frame.url()));
    this.page = page;
  }

  /** `expected`: console errors that the test provokes (the browser logs every failed request). */
  async verdict({ expected = [] } = {}) {
    const errors = this.errors.filter((text) => !expected.some((part) => text.includes(part)));
    assert.deepEqual(errors, [], "errors on the console");
    assert.deepEqual(this.foreign, [], "requests to another host");
    const secret = SERVICE_KEY.split("_")[2];
    const leaked = this.addresses.filter((address) => address.includes(secret));
    assert.deepEqual(leaked, [], "the key in an address");
    const lasting = await this.page.evaluate(() => JSON.stringify({ ...localStorage }));
    assert.ok(!lasting.includes(secret), "the key in localStorage");
    assert.equal(await this.page.evaluate(() => document.cookie), "");
  }
}

/** A page in a profile of its own; `before` sees it empty, the other options are the context's. */
export async function open(browser, { before, ...options } = {}, at = CONSOLE_URL) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: "reduce",
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    userAgent: USER_AGENT,
    ...options,
  });
  context.setDefaultTimeout(10_000);
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: EDGE_URL });
  const page = await context.newPage();
  const watch = new Watch(page, [new URL(EDGE_URL).origin]);
  await before?.(page);
  await page.goto(at);
  return { context, page, watch };
}

export async function signIn(page, key = SERVICE_KEY) {
  await page.getByLabel("Service key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** A page that is signed in, on the list of links. */
export async function signedIn(browser, options) {
  const opened = await open(browser, options);
  await signIn(opened.page);
  await opened.page.getByRole("heading", { name: "Links", level: 1 }).waitFor();
  await opened.page.locator(".list[aria-busy=false]").waitFor();
  return opened;
}

/** Lets `change` alter the OpenAPI document before the page reads it. */
export const documented = (change) => (page) =>
  page.route("**/api/openapi.json", async (route) => {
    const response = await route.fetch();
    const document = await response.json();
    change(document);
    await route.fulfill({ response, json: document });
  });

/** The row of a link in the list. */
export const row = (page, code) => page.locator(`.item[data-code="${code}"]`);
