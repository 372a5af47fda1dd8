// The page of payments for everyone: axe's rules, keys alone, both colour schemes, narrow and wide.
//
// Invariant: every view is checked in light and dark, at 390 and 1280 px, with the longest names and the
// largest amounts. Refuses a mouse.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { everywhere, tabTo, WINDOWS } from "./lib/access.mjs";
import * as h from "./lib/harness.mjs";
import * as p from "./lib/payments.mjs";

const { button } = p;
const LONG = "w".repeat(150);
const MOST = 9_007_199_254_740_991;

let browser;
let account;
let hold;
let payment;
let report;
before(async () => {
  browser = await h.launch();
  const wide = await p.account(LONG, { currency: "KWD" });
  const other = await p.account("other", { currency: "KWD", kind: "equity" });
  await p.move(wide, other, MOST - 1_000, { currency: "KWD", reference: "r".repeat(200) });
  hold = await p.move(other, wide, 1, { currency: "KWD", pending: true, timeout_s: 3_600 });
  account = wide;
  const { bank, wallet } = await p.pair();
  payment = await p.send("/api/v1/payments", {
    source: wallet.id,
    destination: bank.id,
    amount: 500,
    currency: "EUR",
    capture_method: "manual",
    description: "d".repeat(300),
  });
  const text = `Date;Amount;Currency;Reference\n2026-11-20;90000000000,00;EUR;${"r".repeat(100)}\n`;
  const made = await fetch(`${h.EDGE_URL}/api/v1/reconciliations?account=${bank.id}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${h.SERVICE_KEY}`,
      "content-type": "text/csv",
      "idempotency-key": h.unique("key"),
    },
    body: text,
  });
  assert.equal(made.status, 201, await made.clone().text());
  report = await made.json();
});
after(() => browser.close());

const go = (page, ...place) => page.goto(`${h.CONSOLE_URL}#/${["payments", ...place].join("/")}`);

/** Every view, by what leads to it from the one before. */
const VIEWS = {
  accounts: async (page) => {
    await h.signIn(page);
    await page.getByRole("link", { name: "Payments" }).click();
    await page.getByRole("searchbox", { name: "Name begins with" }).fill(account.name);
    await p.item(page, account.id).waitFor();
    await button(page, "Check the ledger").click();
    await page.locator(".verdict").waitFor();
  },
  "new account, refused": async (page) => {
    await button(page, "New account").click();
    await button(page, "Open account").click();
    await page.locator("dialog .error").first().waitFor();
  },
  "new transfer, refused": async (page) => {
    await page.keyboard.press("Escape");
    await button(page, "New transfer").click();
    const dialog = page.getByRole("dialog");
    await p.field(dialog, "Debit").fill(account.id);
    await dialog.getByText(/ available\.$/).waitFor();
    await page.getByLabel(/^Only hold/).check();
    await button(page, "Transfer").click();
    await page.getByText("Amount is missing").waitFor();
  },
  account: async (page) => {
    await page.keyboard.press("Escape");
    await go(page, "accounts", account.id);
    await p.region(page, "Held").waitFor();
    await button(page, "Show").click();
    await page.getByText(/^As of/).waitFor();
  },
  "close account": async (page) => {
    await button(page, "Close account").click();
    await page.getByRole("alertdialog").waitFor();
  },
  hold: async (page) => {
    await page.keyboard.press("Escape");
    await go(page, "transfers", hold.id);
    await button(page, "Post").click();
    await page.getByRole("dialog", { name: "Post the hold" }).waitFor();
  },
  payments: async (page) => {
    await page.keyboard.press("Escape");
    await go(page, "payments");
    await p.item(page, payment.id).waitFor();
  },
  "new payment, refused": async (page) => {
    await button(page, "New payment").click();
    await button(page, "Pay").click();
    await page.getByText("Amount is missing").waitFor();
  },
  payment: async (page) => {
    await page.keyboard.press("Escape");
    await go(page, "payments", payment.id);
    await page.locator(".timeline li").first().waitFor();
  },
  "statement, refused": async (page) => {
    await go(page, "reconciliations");
    await p.item(page, report.id).waitFor();
    await button(page, "Upload").click();
    await page.getByText("Statement is missing").waitFor();
  },
  report: async (page) => {
    await go(page, "reconciliations", report.id);
    await page.locator(".finding").first().waitFor();
  },
  proposal: async (page) => {
    await button(page, "Make this transfer").click();
    await page.getByRole("alertdialog").waitFor();
  },
};

for (const [colorScheme, width] of WINDOWS) {
  test(`payments: no violation and no overflow: ${colorScheme}, ${width} px`, () =>
    everywhere(browser, colorScheme, width, VIEWS, ["422"]));
}

test("payments with the keyboard alone", async () => {
  const { bank, wallet } = await p.pair();
  const { context, page, watch } = await h.signedIn(browser);
  const focus = () => page.evaluate(() => document.activeElement.outerHTML.slice(0, 200));
  await tabTo(page, "Payments");
  await page.keyboard.press("Enter");
  await p.heading(page, "Accounts").waitFor();
  await page.waitForFunction(() => document.activeElement.tagName === "H1");
  await tabTo(page, "Check the ledger");
  await page.keyboard.press("Enter");
  await page.locator(".verdict.good").waitFor();

  await tabTo(page, "New transfer");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  assert.match(await focus(), /data-pointer="\/debit_account"/, "the first field");
  await page.keyboard.type(wallet.id);
  await tabTo(page, "Credit");
  await page.keyboard.type(bank.id);
  await tabTo(page, "Amount");
  await page.keyboard.type("1.5");
  await tabTo(page, "Reference");
  await page.keyboard.type("by hand");
  await tabTo(page, "Only hold the amount, to be posted or voided later");
  await page.keyboard.press("Space");
  await tabTo(page, "Ends by itself after");
  await page.keyboard.press("Enter");
  await p.heading(page, "by hand").waitFor();
  await page.waitForFunction(() => document.activeElement.tagName === "H1");
  assert.equal((await p.balance(wallet)).pending, 150);

  await tabTo(page, "Void");
  await page.keyboard.press("Enter");
  await page.getByRole("alertdialog").waitFor();
  assert.match(await focus(), /Back/, "the harmless answer first");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("voided", { exact: true }).waitFor();
  assert.equal((await p.balance(wallet)).pending, 0);

  await page.goto(`${h.CONSOLE_URL}#/payments/payments`);
  await p.heading(page, "Payments").waitFor();
  await tabTo(page, "New payment");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.type(wallet.id);
  await tabTo(page, "To");
  await page.keyboard.type(bank.id);
  await tabTo(page, "Amount");
  await page.keyboard.type("2");
  await page.keyboard.press("Enter");
  await p.heading(page, /^Payment pay_/).waitFor();
  await page.locator(".timeline li").first().waitFor();
  await tabTo(page, "Refund");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  assert.match(await focus(), /data-pointer="\/amount"/);
  await page.keyboard.press("Enter");
  await p.region(page, "The payment").getByText("refunded", { exact: true }).waitFor();
  assert.equal((await p.balance(wallet)).posted, 10_000);
  await watch.verdict();
  await context.close();
});
