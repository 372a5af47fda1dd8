// The console's files as the edge serves them: headers, addresses, methods.
//
// Invariant: what the browser may do stands in a header of every file. Refuses a browser: plain
// requests show more.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CONSOLE_URL, EDGE_URL } from "./lib/harness.mjs";

const get = (path, init) => fetch(`${EDGE_URL}${path}`, { redirect: "manual", ...init });

async function files() {
  const page = await (await get("/console")).text();
  return [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path);
}

test("the page is served with and without a slash", async () => {
  const page = await get("/console");
  assert.equal(page.status, 200);
  assert.match(page.headers.get("content-type"), /^text\/html/);
  assert.equal(page.headers.get("cache-control"), "no-cache");
  assert.match(page.headers.get("x-request-id"), /^req_/);
  const slashed = await fetch(`${EDGE_URL}/console/`);
  assert.equal(slashed.status, 200);
  assert.equal(slashed.url, CONSOLE_URL);
});

test("a strict policy of content stands on every file", async () => {
  for (const path of ["/console", ...(await files())]) {
    const response = await get(path);
    assert.equal(response.status, 200, path);
    const policy = response.headers.get("content-security-policy");
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'"]) {
      assert.ok(policy.includes(part), `${path}: ${part}`);
    }
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    assert.equal(response.headers.get("referrer-policy"), "no-referrer");
  }
});

test("named files are kept for ever, and the page holds no script or style of its own", async () => {
  const page = await (await get("/console")).text();
  assert.doesNotMatch(page, /<style|style="|<script(?![^>]*src=)|\son\w+="/);
  const named = await files();
  assert.ok(named.length >= 4);
  for (const path of named) {
    assert.match(path, /^\/console\/files\/\w+-[A-Za-z0-9]{8}\.(js|css|svg)$/);
    const kept = (await get(path)).headers.get("cache-control");
    assert.equal(kept, "public, max-age=31536000, immutable");
  }
});

test("a known version is not sent again, and HEAD has no body", async () => {
  const etag = (await get("/console")).headers.get("etag");
  const again = await get("/console", { headers: { "if-none-match": etag } });
  assert.equal(again.status, 304);
  const head = await get("/console", { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), "");
});

test("what is not there is a problem, and files are only read", async () => {
  for (const path of ["/console/nothing", "/console/files/", "/console/_headers", "/_headers"]) {
    const response = await get(path);
    assert.equal(response.status, 404, path);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
  }
  const posted = await get("/console", { method: "POST" });
  assert.equal(posted.status, 405);
  assert.equal(posted.headers.get("allow"), "GET, HEAD");
});

test("an address that begins alike is a code", async () => {
  const problem = await (await get("/consoles")).json();
  assert.match(problem.type, /\/problems\/links\/not-found$/);
});
