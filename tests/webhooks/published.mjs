// Webhooks in and out against the libraries that others verify and sign with: Stripe's own, and the
// reference library of Standard Webhooks.
//
// Invariant: what signs or verifies here is none of ours. Needs a stack whose origin was started with
// WEBHOOKS_ALLOW_PRIVATE=1, since the receiver is on this machine. Refuses to know a secret that it
// was not shown, but for the gateways', which scripts/dev made.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";

const { EDGE_URL, SERVICE_KEY, DATA_DIR } = process.env;
const TAKEN_MS_MAX = 15_000;
const secrets = Object.fromEntries(
  readFileSync(path.join(DATA_DIR, "secrets"), "utf8")
    .split("\n")
    .map((line) => line.split(/=(.*)/s).slice(0, 2)),
);

const got = [];
let answers = [];
const receiver = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    got.push({ headers: request.headers, body });
    response.statusCode = answers.shift() ?? 204;
    response.end();
  });
});
let url;
before(() => {
  return new Promise((done) => {
    receiver.listen(0, "127.0.0.1", () => {
      url = `http://127.0.0.1:${receiver.address().port}/hooks`;
      done();
    });
  });
});
after(() => receiver.close());

async function api(method, place, body) {
  const response = await fetch(`${EDGE_URL}${place}`, {
    method,
    headers: {
      authorization: `Bearer ${SERVICE_KEY}`,
      "content-type": "application/json",
      "idempotency-key": randomUUID(),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${place}: ${response.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

async function until(what, done) {
  const end = Date.now() + TAKEN_MS_MAX;
  for (;;) {
    const found = await done();
    if (found) return found;
    assert.ok(Date.now() < end, what);
    await new Promise((next) => setTimeout(next, 50));
  }
}

const taken = (place) => async () => {
  const { items } = await api("GET", `${place}/deliveries?status=delivered`);
  return items.length > 0 && items;
};

test("p11 the reference library of Standard Webhooks verifies what is sent", async () => {
  const endpoint = await api("POST", "/api/v1/webhook_endpoints", { url, events: ["payment.*"] });
  const place = `/api/v1/webhook_endpoints/${endpoint.id}`;
  got.length = 0;
  answers = [500];
  await api("POST", `${place}/test`);
  const [delivery] = await until("no attempt was taken", taken(place));
  assert.equal(got.length, 2, "once in vain");
  assert.equal(delivery.attempts, 2);
  for (const { headers, body } of got) {
    const told = new Webhook(endpoint.secret).verify(body, headers);
    assert.equal(told.type, "endpoint.test");
    assert.equal(told.id, headers["webhook-id"]);
    assert.equal(told.data.endpoint, endpoint.id);
    assert.throws(() => new Webhook(endpoint.secret).verify(`${body} `, headers));
    const other = Buffer.from("another secret of thirty-two bytes").toString("base64");
    assert.throws(() => new Webhook(other).verify(body, headers));
  }
  assert.equal(got[0].headers["webhook-id"], got[1].headers["webhook-id"]);
  await api("DELETE", place);
});

test("p11 both secrets verify while one is exchanged", async () => {
  const endpoint = await api("POST", "/api/v1/webhook_endpoints", { url, events: ["*"] });
  const place = `/api/v1/webhook_endpoints/${endpoint.id}`;
  const { secret } = await api("POST", `${place}/secret`);
  assert.notEqual(secret, endpoint.secret);
  got.length = 0;
  await api("POST", `${place}/test`);
  await until("no attempt was taken", taken(place));
  for (const one of [secret, endpoint.secret]) new Webhook(one).verify(got[0].body, got[0].headers);
  await api("DELETE", place);
});

const hook = (gateway, headers, body) =>
  fetch(`${EDGE_URL}/hooks/gateway/${gateway}`, { method: "POST", headers, body });

test("p10 what Stripe's library signs is taken, and what it would refuse is refused", async () => {
  const secret = secrets.GATEWAY_STRIPE_WEBHOOK_SECRET;
  const { webhooks } = new Stripe("sk_test_none");
  const payload = JSON.stringify({
    id: `evt_${randomUUID()}`,
    object: "event",
    type: "payment_intent.succeeded",
    data: { object: { id: "pi_1", object: "payment_intent", amount: 1250, currency: "eur" } },
  }, null, 2);
  const seconds = Math.floor(Date.now() / 1000);
  const sign = (more) => webhooks.generateTestHeaderString({ payload, secret, ...more });
  const cases = [
    ["as it is", payload, sign({})],
    ["again", payload, sign({})],
    ["290 s ago", payload, sign({ timestamp: seconds - 290 })],
    ["310 s ago", payload, sign({ timestamp: seconds - 310 })],
    ["another secret", payload, sign({ secret: "whsec_other" })],
    ["another scheme", payload, sign({ scheme: "v0" })],
    ["changed", payload.replace("1250", "1251"), sign({})],
    ["two signatures", payload, `${sign({ secret: "whsec_other" })},${sign({}).split(",")[1]}`],
    ["no header", payload, ""],
  ];
  for (const [what, body, header] of cases) {
    let reference = true;
    try {
      webhooks.constructEvent(body, header, secret);
    } catch {
      reference = false;
    }
    const answer = await hook("stripe", header === "" ? {} : { "stripe-signature": header }, body);
    assert.equal(answer.status, reference ? 200 : 403, `${what}: ${await answer.text()}`);
  }
});

test("p10 what the reference library of Standard Webhooks signs is taken", async () => {
  const webhook = new Webhook(secrets.GATEWAY_SIMULATOR_WEBHOOK_SECRET);
  const body = JSON.stringify({ type: "captured", data: { amount: 1250 } });
  const id = `evt_${randomUUID()}`;
  const at = new Date();
  const headers = (signature, moment = at) => ({
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(moment.getTime() / 1000)),
    "webhook-signature": signature,
  });
  const good = webhook.sign(id, at, body);
  assert.equal((await hook("simulator", headers(good), body)).status, 200);
  assert.equal((await hook("simulator", headers(`v1,AAAA ${good}`), body)).status, 200);
  assert.equal((await hook("simulator", headers(good), `${body}\n`)).status, 403);
  const late = new Date(at.getTime() - 301_000);
  const stale = await hook("simulator", headers(webhook.sign(id, late, body), late), body);
  assert.equal(stale.status, 403);
  assert.match((await stale.json()).type, /\/problems\/payments\/stale-signature$/);
  assert.equal((await hook("nobody", headers(good), body)).status, 404);
});
