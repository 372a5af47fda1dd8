// The page of payments with a real edge and ledger behind it: accounts, transfers, holds, the check.
//
// Invariant: every test makes accounts of its own, so that the state of the ledger does not matter; what
// the page says is held against the API. Refuses to look into the page's own variables.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as h from "./lib/harness.mjs";
import * as p from "./lib/payments.mjs";

const { button, fact, field } = p;

let browser;
before(async () => (browser = await h.launch()));
after(() => browser.close());

test("an account is opened: what is wrong stands at its field, and amounts have its decimals", async () => {
  const { context, page, watch } = await p.at(browser, "Accounts", "accounts");
  await button(page, "New account").click();
  const dialog = page.getByRole("dialog", { name: "New account" });
  const open = button(dialog, "Open account");
  await p.focused(field(dialog, "Name"));
  await field(dialog, "Currency").fill("XYZ");
  await open.click();
  await dialog.getByText("Name must be 1 to 200 characters").waitFor();
  await p.focused(field(dialog, "Name"));
  const name = h.unique("dinars");
  await field(dialog, "Name").fill(name);
  await open.click();
  await dialog.getByText("Currency must be a currency of ISO 4217").waitFor();
  await p.focused(field(dialog, "Currency"));
  assert.equal(await field(dialog, "Name").inputValue(), name);

  await field(dialog, "Currency").fill("kwd");
  await field(dialog, "Kind").selectOption("Liability");
  await field(dialog, "Refuse debits beyond its credits").check();
  await open.click();
  await p.heading(page, name).waitFor();
  const about = p.region(page, "The account");
  assert.equal(await fact(about, "Available").textContent(), "KWD\u00a00.000");
  assert.equal(await fact(about, "Refuses").textContent(), "debits beyond its credits");
  const id = await fact(about, "Id").textContent();
  const { body } = await h.api("GET", `/api/v1/accounts/${id}`);
  assert.deepEqual([body.name, body.currency, body.kind], [name, "KWD", "liability"]);

  const yen = await p.account("yen", { currency: "JPY" });
  const other = await p.account("yen", { currency: "JPY", kind: "equity" });
  await p.move(yen, other, 9_007_199_254_740_991, { currency: "JPY" });
  await page.goto(`${h.CONSOLE_URL}#/payments/accounts/${yen.id}`);
  await p.heading(page, yen.name).waitFor();
  assert.equal(await fact(about, "Posted").textContent(), "JPY\u00a09,007,199,254,740,991");
  await watch.verdict({ expected: ["422"] });
  await context.close();
});

test("accounts are found by the beginning of their name, and follow page by page", async () => {
  const word = h.unique("many");
  const made = [];
  for (let n = 0; n < 27; n += 1) {
    const body = { name: `${word} ${n}`, currency: "EUR", kind: "asset" };
    made.push((await p.send("/api/v1/accounts", body)).id);
  }
  const { context, page, watch } = await p.at(browser, "Accounts", "accounts");
  // The whole list begins with the same items.
  const answered = page.waitForResponse((response) => response.url().includes(`name=${word.toUpperCase()}`));
  await page.getByRole("searchbox", { name: "Name begins with" }).fill(word.toUpperCase());
  await answered;
  await p.item(page, made.at(-1)).waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".item").length === 25);
  await button(page, "Show more").click();
  await p.item(page, made[0]).waitFor();
  const shown = await page.locator(".item").evaluateAll((all) => all.map((one) => one.dataset.id));
  assert.deepEqual(shown, made.toReversed());
  await page.waitForFunction((id) => document.activeElement.closest(".item")?.dataset.id === id, shown[25]);
  await page.getByRole("searchbox", { name: "Name begins with" }).fill(h.unique("nobody"));
  await page.getByText("No account's name begins so.").waitFor();
  await watch.verdict();
  await context.close();
});

test("money is moved: wrong fields are named, nothing typed is lost, the ledger has it once", async () => {
  const { bank, wallet } = await p.pair(1_000);
  const { context, page, watch } = await p.at(browser, wallet.name, "accounts", wallet.id);
  await button(page, "New transfer").click();
  const dialog = page.getByRole("dialog", { name: "New transfer" });
  assert.equal(await field(dialog, "Debit").inputValue(), wallet.id);
  await dialog.getByText(`${wallet.name}: EUR 10.00 available.`).waitFor();
  const go = button(dialog, "Transfer");
  for (const [typed, said] of [
    ["", "Amount is missing"],
    ["1.005", "Amount has more than the 2 decimals of EUR"],
    ["-1", "Amount must be a number such as 12.50"],
    ["99999999999999999999", "Amount is too large"],
    ["0", "Amount must be 1 to"],
  ]) {
    await field(dialog, "Credit").fill(bank.id);
    await field(dialog, "Amount").fill(typed);
    await go.click();
    await dialog.getByText(said).waitFor();
    await p.focused(field(dialog, "Amount"));
  }
  await field(dialog, "Amount").fill("7,5");
  await field(dialog, "Credit").fill("acc_nobody");
  await go.click();
  await dialog.getByText("Credit no account has this id").waitFor();
  await p.focused(field(dialog, "Credit"));
  await field(dialog, "Credit").fill(wallet.id);
  await go.click();
  await dialog.getByText("Credit is the debit account").waitFor();
  // By its name, which the form asks for as it is typed.
  await field(dialog, "Credit").fill(bank.name);
  await dialog.getByText(`${bank.name}: EUR 10.00 available.`).waitFor();
  await field(dialog, "Amount").fill("10.01");
  await go.click();
  await dialog.getByText("The account's limits forbid it").waitFor();
  assert.equal(await field(dialog, "Amount").inputValue(), "10.01");
  assert.deepEqual(await p.balance(wallet), { posted: 1_000, pending: 0, available: 1_000 });

  await field(dialog, "Amount").fill("7,5");
  await field(dialog, "Reference").fill("order 17");
  await field(dialog, "Type").selectOption("Fee");
  await go.click();
  await p.heading(page, "order 17").waitFor();
  const about = p.region(page, "The transfer");
  await about.getByText("EUR 7.50").first().waitFor();
  assert.equal(await fact(about, "Type").textContent(), "Fee");
  assert.deepEqual(await p.balance(wallet), { posted: 250, pending: 0, available: 250 });
  await about.getByRole("link", { name: wallet.name }).click();
  await p.heading(page, wallet.name).waitFor();
  assert.equal(await fact(p.region(page, "The account"), "Posted").textContent(), "EUR\u00a02.50");
  const entry = page.locator(".item").first();
  await entry.getByRole("link", { name: "Debit EUR 7.50" }).waitFor();
  await entry.getByText("fee · order 17").waitFor();
  await watch.verdict({ expected: ["422", "409"] });
  await context.close();
});

test("an answer that got lost is asked for again under the same key: money moves once", async () => {
  const { bank, wallet } = await p.pair();
  const { context, page, watch } = await p.at(browser, bank.name, "accounts", bank.id);
  const fill = async () => {
    await button(page, "New transfer").click();
    await field(page, "Credit").fill(wallet.id);
    await field(page, "Amount").fill("3");
    await button(page, "Transfer").click();
  };
  await p.losing(page, "**/api/v1/transfers");
  await fill();
  await page.getByText("Press again: nothing is done twice.").waitFor();
  assert.equal(await field(page, "Amount").inputValue(), "3");
  await page.unroute("**/api/v1/transfers");
  // Closed, forgotten, typed again: it is still the same request.
  await button(page, "Cancel").click();
  await fill();
  await p.heading(page, /^Transfer trf_/).waitFor();
  assert.equal((await p.balance(wallet)).posted, 10_300);
  // What was answered is over: the same once more is another transfer.
  await page.goBack();
  await p.heading(page, bank.name).waitFor();
  await fill();
  await p.heading(page, /^Transfer trf_/).waitFor();
  assert.equal((await p.balance(wallet)).posted, 10_600);
  await watch.verdict({ expected: ["ERR_FAILED"] });
  await context.close();
});

test("an amount is held, then posted in part; another hold is voided after a question", async () => {
  const { bank, wallet } = await p.pair();
  const { context, page, watch } = await p.at(browser, wallet.name, "accounts", wallet.id);
  await button(page, "New transfer").click();
  await field(page, "Credit").fill(bank.id);
  await field(page, "Amount").fill("50");
  await field(page, "Only hold the amount, to be posted or voided later").check();
  await field(page, "Ends by itself after").fill("soon");
  await button(page, "Transfer").click();
  await page.locator(".error", { hasText: /^Ends by itself after / }).waitFor();
  await field(page, "Ends by itself after").fill("60");
  await button(page, "Transfer").click();
  const about = p.region(page, "The transfer");
  await about.getByText("pending", { exact: true }).waitFor();
  assert.deepEqual(await p.balance(wallet), { posted: 10_000, pending: 5_000, available: 5_000 });

  await page.goto(`${h.CONSOLE_URL}#/payments/accounts/${wallet.id}`);
  const held = p.region(page, "Held");
  await held.getByText("EUR 50.00").waitFor();
  await held.getByRole("link").click();
  await button(about, "Post").click();
  const dialog = page.getByRole("dialog", { name: "Post the hold" });
  await field(dialog, "Amount in EUR").fill("50.01");
  await button(dialog, "Post").click();
  await dialog.locator(".error").first().waitFor();
  await field(dialog, "Amount in EUR").fill("20");
  await button(dialog, "Post").click();
  await about.getByText("posted", { exact: true }).waitFor();
  assert.equal(await fact(about, "Posted").textContent(), "EUR\u00a020.00");
  assert.deepEqual(await p.balance(wallet), { posted: 8_000, pending: 0, available: 8_000 });

  const hold = await p.move(wallet, bank, 700, { pending: true, reference: "deposit" });
  await page.goto(`${h.CONSOLE_URL}#/payments/transfers/${hold.id}`);
  await p.heading(page, "deposit").waitFor();
  await button(about, "Void").click();
  const question = page.getByRole("alertdialog", { name: "Void this hold?" });
  await question.getByText("EUR 7.00").waitFor();
  await p.focused(button(question, "Back"));
  await page.keyboard.press("Escape");
  await question.waitFor({ state: "detached" });
  assert.equal((await p.balance(wallet)).pending, 700);
  await button(about, "Void").click();
  await button(question, "Void").click();
  await about.getByText("voided", { exact: true }).waitFor();
  assert.equal((await p.balance(wallet)).pending, 0);
  await watch.verdict({ expected: ["422", "409"] });
  await context.close();
});

test("the balance of a past moment is shown, and none of a moment to come", async () => {
  const { bank, wallet } = await p.pair();
  const { context, page, watch } = await p.at(browser, wallet.name, "accounts", wallet.id);
  const past = p.region(page, "Balance at a moment");
  await field(past, "Moment").fill("2026-01-01T00:00");
  await button(past, "Show").click();
  await past.getByText("As of 1 Jan 2026, 00:00").waitFor();
  assert.equal(await fact(past, "Posted").textContent(), "EUR\u00a00.00");
  await field(past, "Moment").fill("2999-01-01T00:00");
  await button(past, "Show").click();
  await past.getByText(/not in the future/).waitFor();
  await field(past, "Moment").fill("");
  await p.move(bank, wallet, 1);
  await button(past, "Show").click();
  await past.getByText("EUR 100.01").first().waitFor();
  await watch.verdict({ expected: ["422"] });
  await context.close();
});

test("the ledger's check mark is asked for, and a fault is told", async () => {
  await p.pair();
  const { context, page, watch } = await p.at(browser, "Accounts", "accounts");
  const ledger = p.region(page, "Ledger");
  assert.equal(await ledger.getByText("The ledger adds up").count(), 0, "no mark before a check");
  await button(ledger, "Check the ledger").click();
  await ledger.getByText("The ledger adds up").waitFor();
  const { body } = await h.api("GET", "/api/v1/ledger/check");
  assert.equal(body.ok, true);
  await ledger.getByText(/: [\d,]+ accounts, [\d,]+ entries$/).waitFor();
  assert.match(await ledger.textContent(), /EUR\u00a00\.00/);

  const broken = { ...body, ok: false, faults: ["acc_1 is not the sum of its entries"] };
  await page.route("**/api/v1/ledger/check", (route) => route.fulfill({ json: broken }));
  await button(ledger, "Check the ledger").click();
  await ledger.getByText("The ledger does not add up").waitFor();
  await ledger.getByText("acc_1 is not the sum of its entries").waitFor();
  await page.unroute("**/api/v1/ledger/check");
  await page.route("**/api/v1/ledger/check", (route) => route.abort());
  await button(ledger, "Check the ledger").click();
  await ledger.getByText("The edge did not answer").waitFor();
  assert.equal(await ledger.locator(".verdict").count(), 0, "what fails takes the mark away");
  await watch.verdict({ expected: ["ERR_FAILED"] });
  await context.close();
});

test("an account is closed after a question, and only when it is empty", async () => {
  const { bank, wallet } = await p.pair(5);
  const { context, page, watch } = await p.at(browser, wallet.name, "accounts", wallet.id);
  await button(page, "Close account").click();
  const question = page.getByRole("alertdialog", { name: "Close this account?" });
  await button(question, "Close account").click();
  await question.getByText("The account is not empty").waitFor();
  await p.move(wallet, bank, 5);
  await button(question, "Close account").click();
  await question.waitFor({ state: "detached" });
  await p.region(page, "The account").getByText("closed", { exact: true }).waitFor();
  assert.equal(await button(page, "New transfer").count(), 0);
  assert.ok((await h.api("GET", `/api/v1/accounts/${wallet.id}`)).body.closed_at);
  await watch.verdict({ expected: ["409"] });
  await context.close();
});
