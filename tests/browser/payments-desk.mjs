// Fraud reviews, payouts and webhook endpoints in the page of payments, with a real edge and ledger behind
// it, and an endpoint on this machine that messages are sent to.
//
// Invariant: every test makes accounts of its own, and the fraud rule is about a currency that no other
// suite pays in; what the page says is held against the API. Refuses to look into the page's own variables.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { everywhere, tabTo, WINDOWS } from "./lib/access.mjs";
import * as h from "./lib/harness.mjs";
import * as p from "./lib/payments.mjs";

const { button, fact, field, item } = p;
/** Ariary: the rule holds payments in it from 1.00 on. */
const HELD = "MGA";
const LONG = "d".repeat(150);

let browser;
let receiver;
let got;
let url;
before(async () => {
  browser = await h.launch();
  got = [];
  receiver = createServer((request, response) => {
    let text = "";
    request.on("data", (part) => (text += part));
    request.on("end", () => {
      got.push({ headers: request.headers, body: JSON.parse(text) });
      response.end("thanks");
    });
  });
  await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${receiver.address().port}/hooks`;
  const rule = { when: { amount: { at_least: 100, currency: HELD } }, then: "review" };
  const put = await h.api("PUT", "/api/v1/fraud/rules/browser-desk", rule);
  assert.ok([200, 201].includes(put.status), JSON.stringify(put.body));
});
after(async () => {
  await h.api("DELETE", "/api/v1/fraud/rules/browser-desk");
  await browser.close();
  receiver.closeAllConnections();
  receiver.close();
});

const PATIENCE_MS = 15_000;

/** Waits until something is so. */
async function until(is) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await is())) {
    assert.ok(Date.now() < end, `never so: ${is}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A payment that waits for a review, of a wallet with 100.00. */
async function held(description) {
  const bank = await p.account("bank", { currency: HELD });
  const wallet = await p.account("wallet", { currency: HELD, kind: "liability" });
  await p.move(bank, wallet, 10_000, { currency: HELD });
  const body = {
    source: wallet.id,
    destination: bank.id,
    amount: 2_500,
    currency: HELD,
    capture_method: "automatic",
    description,
  };
  const payment = await p.send("/api/v1/payments", body);
  assert.equal(payment.review.status, "pending");
  return { wallet, payment };
}

const paymentOf = async ({ id }) => (await h.api("GET", `/api/v1/payments/${id}`)).body;

const details = async ({ id }) =>
  (await h.api("GET", `/api/v1/payments/${id}/events`)).body.items.map(({ type, detail }) => [
    type,
    detail,
  ]);

test("what a fraud rule holds is listed, approved or declined with a reason, and leaves the list", async () => {
  const [one, two] = [await held(h.unique("one")), await held(h.unique("two"))];
  const { context, page, watch } = await p.at(browser, "Reviews", "reviews");
  await item(page, one.payment.id).getByText("browser-desk:").waitFor();
  await button(page, `Approve ${one.payment.description}`).click();
  let dialog = page.getByRole("dialog", { name: "Approve this payment" });
  await p.focused(field(dialog, "Reason"));
  await field(dialog, "Reason").fill("w".repeat(201));
  await button(dialog, "Approve").click();
  await dialog.getByText("Reason must be at most 200 characters").waitFor();
  await field(dialog, "Reason").fill("a known face");
  await button(dialog, "Approve").click();
  await item(page, one.payment.id).waitFor({ state: "detached" });
  assert.equal((await paymentOf(one.payment)).status, "captured");
  assert.deepEqual((await p.balance(one.wallet)).posted, 7_500);
  const approved = (await details(one.payment)).find(([type]) => type === "payment.review_approved");
  assert.equal(approved[1], "browser-desk: a known face");

  await button(page, `Decline ${two.payment.description}`).click();
  dialog = page.getByRole("dialog", { name: "Decline this payment" });
  await dialog.getByText("is released, and the payment is canceled").waitFor();
  await field(dialog, "Reason").fill("nobody knows it");
  await button(dialog, "Decline").click();
  await item(page, two.payment.id).waitFor({ state: "detached" });
  assert.equal((await paymentOf(two.payment)).status, "canceled");
  assert.deepEqual(await p.balance(two.wallet), { posted: 10_000, pending: 0, available: 10_000 });
  await watch.verdict({ expected: ["422"] });
  await context.close();
});

test("a decision that somebody else was faster with is refused in words", async () => {
  const { payment } = await held(h.unique("late"));
  const { context, page, watch } = await p.at(browser, "Reviews", "reviews");
  await button(page, `Approve ${payment.description}`).click();
  await p.send(`/api/v1/payments/${payment.id}/review`, { decision: "reject" }, 200);
  const dialog = page.getByRole("dialog");
  await button(dialog, "Approve").click();
  await dialog.getByText("the review is rejected").waitFor();
  assert.equal((await paymentOf(payment)).status, "canceled");
  await watch.verdict({ expected: ["409"] });
  await context.close();
});

test("a payout is made, wrong fields are named, and its state follows to the end", async () => {
  const { wallet } = await p.pair();
  const { context, page, watch } = await p.at(browser, "Payouts", "payouts");
  await button(page, "New payout").click();
  const dialog = page.getByRole("dialog", { name: "New payout" });
  const go = button(dialog, "Pay out");
  await p.focused(field(dialog, "From"));
  await field(dialog, "From").fill(wallet.id);
  await go.click();
  await dialog.getByText("Amount is missing").waitFor();
  await field(dialog, "Amount").fill("12.5");
  await field(dialog, "IBAN").fill("NL91ABNA0417164301");
  await field(dialog, "Its owner").fill("Ann Onym");
  await go.click();
  await dialog.getByText("IBAN is no IBAN").waitFor();
  await p.focused(field(dialog, "IBAN"));
  await field(dialog, "To").selectOption("A gateway's own account");
  await field(dialog, "Gateway").fill("nobody");
  await field(dialog, "Token").fill("tok_comes_back");
  await go.click();
  await dialog.getByText('Gateway no gateway "nobody" pays out here').waitFor();
  await field(dialog, "Gateway").fill("simulator");
  await go.click();
  await p.heading(page, /^Payout pot_/).waitFor();
  const about = p.region(page, "The payout");
  const id = await fact(about, "Id").textContent();
  // It is paid, and then the bank returns it.
  await until(async () => {
    const { body } = await h.api("GET", `/api/v1/payouts/${id}`);
    return body.status === "returned";
  });
  await button(page, "Refresh").click();
  await about.getByText("returned", { exact: true }).waitFor();
  assert.equal(await fact(about, "Came back").textContent(), "EUR\u00a012.50");
  assert.equal(await fact(about, "The bank's reason").textContent(), "AC04");
  assert.deepEqual(await p.balance(wallet), { posted: 10_000, pending: 0, available: 10_000 });
  await page.getByRole("link", { name: "Payouts", exact: true }).click();
  await item(page, id).getByText("returned").waitFor();
  await watch.verdict({ expected: ["422"] });
  await context.close();
});

test("an endpoint is made with a secret that is shown once, tried, sent to again, and deleted", async () => {
  const { context, page, watch } = await p.at(browser, "Webhooks", "webhooks");
  await button(page, "New endpoint").click();
  const dialog = page.getByRole("dialog", { name: "New webhook endpoint" });
  await field(dialog, "URL").fill("ftp://shop.example/");
  await button(dialog, "Make endpoint").click();
  await dialog.getByText("URL must begin with https://").waitFor();
  await field(dialog, "URL").fill(url);
  await field(dialog, "Events").fill("payment.captured, nothing!");
  await button(dialog, "Make endpoint").click();
  await dialog.getByText("Events no. 2 must be a kind as payment.captured").waitFor();
  await field(dialog, "Events").fill("payout.*");
  await button(dialog, "Make endpoint").click();
  const shown = page.getByRole("alertdialog", { name: "The endpoint's secret" });
  assert.match(await shown.locator("code").textContent(), /^whsec_/);
  await button(shown, "I have it").click();
  await p.heading(page, new URL(url).host).waitFor();
  assert.equal(await page.getByText("whsec_").count(), 0);
  const about = p.region(page, "The endpoint");
  assert.equal(await fact(about, "URL").textContent(), url);
  const id = await fact(about, "Id").textContent();
  await page.getByText("Nothing was sent yet.").waitFor();

  got.length = 0;
  await button(page, "Send a test").click();
  await page.getByText("endpoint.test").waitFor();
  await until(() => got.length === 1);
  assert.equal(got[0].body.type, "endpoint.test");
  const delivered = async (count) => {
    const { body } = await h.api("GET", `/api/v1/webhook_endpoints/${id}/deliveries`);
    return body.items.filter(({ status }) => status === "delivered").length === count;
  };
  await until(() => delivered(1));
  await button(page, "Refresh").click();
  await page.getByText("delivered", { exact: true }).waitFor();
  await page.getByText("tried once: answered 200").waitFor();
  await page.getByRole("button", { name: /^Send again: endpoint\.test, msg_/ }).click();
  await until(() => got.length === 2);
  assert.equal(got[1].headers["webhook-id"], got[0].headers["webhook-id"]);

  await button(page, "Disable").click();
  await about.getByText("disabled", { exact: true }).waitFor();
  assert.equal((await h.api("GET", `/api/v1/webhook_endpoints/${id}`)).body.enabled, false);
  await button(page, "Enable").click();
  await about.getByText("enabled", { exact: true }).waitFor();
  await button(page, "Delete").click();
  const asked = page.getByRole("alertdialog", { name: "Delete this endpoint?" });
  await p.focused(button(asked, "Back"));
  await button(asked, "Delete endpoint").click();
  await p.heading(page, "Webhooks").waitFor();
  assert.equal((await h.api("GET", `/api/v1/webhook_endpoints/${id}`)).status, 404);
  assert.equal(await item(page, id).count(), 0);
  await watch.verdict({ expected: ["422"] });
  await context.close();
});

const place = (page, ...at) => page.goto(`${h.CONSOLE_URL}#/${["payments", ...at].join("/")}`);

/** Every view, by what leads to it from the one before. */
function views({ payment, payout, endpoint }) {
  return {
    reviews: async (page) => {
      await h.signIn(page);
      await place(page, "reviews");
      await item(page, payment.id).waitFor();
    },
    "decline, asked": async (page) => {
      await button(page, `Decline ${payment.description}`).click();
      await page.getByRole("dialog").waitFor();
    },
    payouts: async (page) => {
      await page.keyboard.press("Escape");
      await place(page, "payouts");
      await item(page, payout.id).waitFor();
    },
    "new payout, refused": async (page) => {
      await button(page, "New payout").click();
      await button(page, "Pay out").click();
      await page.getByText("Amount is missing").waitFor();
    },
    payout: async (page) => {
      await page.keyboard.press("Escape");
      await place(page, "payouts", payout.id);
      await p.region(page, "The payout").waitFor();
    },
    webhooks: async (page) => {
      await place(page, "webhooks");
      await item(page, endpoint.id).waitFor();
    },
    "new endpoint, refused": async (page) => {
      await button(page, "New endpoint").click();
      await button(page, "Make endpoint").click();
      await page.locator("dialog .error").first().waitFor();
    },
    endpoint: async (page) => {
      await page.keyboard.press("Escape");
      await place(page, "webhooks", endpoint.id);
      await page.getByText("endpoint.test").first().waitFor();
    },
    "delete endpoint": async (page) => {
      await button(page, "Delete").click();
      await page.getByRole("alertdialog").waitFor();
    },
  };
}

for (const [colorScheme, width] of WINDOWS) {
  test(`reviews, payouts, webhooks: no violation and no overflow: ${colorScheme}, ${width} px`, async () => {
    const { payment } = await held(`${h.unique("long")}${LONG}`);
    const { wallet } = await p.pair();
    const bank = { gateway: "simulator", token: "tok_comes_back" };
    const payout = await p.send("/api/v1/payouts", { account: wallet.id, amount: 5, currency: "EUR", bank });
    const long = `${url}/${"x".repeat(300)}`;
    const asked = { url: long, events: ["payment.*", "payout.*"] };
    const endpoint = await p.send("/api/v1/webhook_endpoints", asked);
    await p.send(`/api/v1/webhook_endpoints/${endpoint.id}/test`, undefined, 202);
    await everywhere(browser, colorScheme, width, views({ payment, payout, endpoint }), ["422"]);
    await p.send(`/api/v1/payments/${payment.id}/review`, { decision: "reject" }, 200);
    await h.api("DELETE", `/api/v1/webhook_endpoints/${endpoint.id}`);
  });
}

test("a review is decided with the keyboard alone", async () => {
  const { payment } = await held(h.unique("keys"));
  const { context, page, watch } = await p.at(browser, "Reviews", "reviews");
  await item(page, payment.id).waitFor();
  await tabTo(page, `Approve ${payment.description}`);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.type("by hand");
  await page.keyboard.press("Enter");
  await item(page, payment.id).waitFor({ state: "detached" });
  assert.equal((await paymentOf(payment)).status, "captured");
  await watch.verdict();
  await context.close();
});
