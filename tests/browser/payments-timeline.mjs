// Payments and their timelines, statements and their reports, with a real edge and ledger behind them.
//
// Invariant: every test makes accounts of its own; what the page says is held against the API. Refuses
// to look into the page's own variables.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as h from "./lib/harness.mjs";
import * as p from "./lib/payments.mjs";

const { button, fact, field } = p;

let browser;
before(async () => (browser = await h.launch()));
after(() => browser.close());

const events = (page) =>
  page.locator(".timeline li").evaluateAll((all) =>
    all.map((each) => [
      each.querySelector("h3").textContent,
      each.querySelector(".badge").textContent,
      each.querySelector("p").textContent.match(/[\d.,]+/)[0],
    ]),
  );

/** The timeline once it has so many events. */
async function timeline(page, count) {
  await page.waitForFunction(
    (wanted) => document.querySelectorAll(".timeline li").length === wanted,
    count,
  );
  return events(page);
}

test("a payment is made, captured in part, refunded, and its timeline tells it all", async () => {
  const { bank, wallet } = await p.pair();
  const { context, page, watch } = await p.at(browser, "Payments", "payments");
  const word = h.unique("order");
  await button(page, "New payment").click();
  const dialog = page.getByRole("dialog", { name: "New payment" });
  await button(dialog, "Pay").click();
  await dialog.getByText("Amount is missing").waitFor();
  await field(dialog, "From").fill("acc_nobody");
  await field(dialog, "To").fill(bank.id);
  await field(dialog, "Amount").fill("80");
  await field(dialog, "Taken").selectOption("Later, by a capture");
  await field(dialog, "Description").fill(word);
  await field(dialog, "Currency").fill("EUR");
  await button(dialog, "Pay").click();
  await dialog.getByText("From no account has this id").waitFor();
  await p.focused(field(dialog, "From"));
  await field(dialog, "From").fill(wallet.id);
  await button(dialog, "Pay").click();
  await p.heading(page, word).waitFor();
  const about = p.region(page, "The payment");
  await about.getByText("authorized", { exact: true }).waitFor();
  assert.deepEqual(await p.balance(wallet), { posted: 10_000, pending: 8_000, available: 2_000 });
  const first = await timeline(page, 1);
  assert.deepEqual(first[0].slice(1), ["authorized", "80.00"]);

  await button(about, "Capture").click();
  const capture = page.getByRole("dialog", { name: "Capture" });
  await field(capture, "Amount in EUR").fill("80.01");
  await button(capture, "Capture").click();
  await capture.locator(".error").first().waitFor();
  await field(capture, "Amount in EUR").fill("60");
  await button(capture, "Capture").click();
  await about.getByText("captured", { exact: true }).waitFor();
  assert.equal(await fact(about, "Captured").textContent(), "EUR\u00a060.00");
  await timeline(page, 2);
  assert.deepEqual(await p.balance(wallet), { posted: 4_000, pending: 0, available: 4_000 });

  await button(about, "Refund").click();
  const refund = page.getByRole("dialog", { name: "Refund" });
  await refund.getByText("Empty: all of EUR 60.00.").waitFor();
  await field(refund, "Amount in EUR").fill("15");
  await field(refund, "Reason").fill("one came back");
  await button(refund, "Refund").click();
  await about.getByText("partially refunded", { exact: true }).waitFor();
  assert.equal(await fact(about, "Refunded").textContent(), "EUR\u00a015.00");
  const id = await fact(about, "Id").textContent();
  const { body } = await h.api("GET", `/api/v1/payments/${id}/events`);
  const told = await timeline(page, body.items.length);
  const amounts = body.items.map(({ amount }) => (amount / 100).toFixed(2));
  assert.deepEqual(told.map(([, , amount]) => amount), amounts);
  assert.ok(body.items.length >= 3);
  await button(about, "Refund").click();
  await button(refund, "Refund").click();
  await about.getByText("refunded", { exact: true }).waitFor();
  assert.equal(await button(about, "Refund").count(), 0, "there is nothing left to give back");
  assert.equal((await p.balance(wallet)).posted, 10_000);
  await watch.verdict({ expected: ["422", "409"] });
  await context.close();
});

test("a payment is called off after a question; the list shows a status alone", async () => {
  const { bank, wallet } = await p.pair();
  const word = h.unique("doomed");
  const body = { source: wallet.id, destination: bank.id, amount: 100, currency: "EUR" };
  const more = { capture_method: "manual", description: word };
  const { id } = await p.send("/api/v1/payments", { ...body, ...more });
  const { context, page, watch } = await p.at(browser, word, "payments", id);
  await button(page, "Cancel").click();
  const question = page.getByRole("alertdialog", { name: "Cancel this payment?" });
  await p.focused(button(question, "Back"));
  await page.keyboard.press("Escape");
  await question.waitFor({ state: "detached" });
  await p.focused(button(page, "Cancel"));
  assert.equal((await h.api("GET", `/api/v1/payments/${id}`)).body.status, "authorized");
  await button(page, "Cancel").click();
  await button(question, "Cancel payment").click();
  await p.region(page, "The payment").getByText("canceled", { exact: true }).waitFor();
  await timeline(page, 2);
  assert.equal((await p.balance(wallet)).pending, 0);

  await page.getByRole("link", { name: "Payments", exact: true }).last().click();
  await p.heading(page, "Payments").waitFor();
  await page.getByLabel("Status").selectOption("Canceled");
  await p.item(page, id).waitFor();
  await p.item(page, id).getByText(`from ${wallet.name} to ${bank.name}`).waitFor();
  await page.getByLabel("Status").selectOption("Authorized");
  await p.item(page, id).waitFor({ state: "detached" });
  await watch.verdict();
  await context.close();
});

const today = () => new Date().toISOString().slice(0, 10);
const csv = (...rows) =>
  `Date;Amount;Currency;Reference\n${rows.map((row) => `${today()};${row}\n`).join("")}`;
const file = (name, text) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });

test("a statement is uploaded: what is wrong stands at its field, then its report is there", async () => {
  const { bank, wallet } = await p.pair(0);
  await p.move(bank, wallet, 1_000, { reference: "a" });
  await p.move(bank, wallet, 2_000, { reference: "b" });
  const { context, page, watch } = await p.at(browser, "Reconciliations", "reconciliations");
  const form = p.region(page, "Hold a statement against an account");
  await button(form, "Upload").click();
  await form.getByText("Account is missing").waitFor();
  await form.getByText("Statement is missing").waitFor();
  await p.focused(field(form, "Account"));
  await field(form, "Account").fill("acc_00000000000");
  await field(form, "Days apart").fill("99");
  await field(form, "Statement").setInputFiles(file("bank.csv", csv("10,0012;EUR;a")));
  await button(form, "Upload").click();
  await form.getByText("Days apart must be 0 to 31").waitFor();
  await field(form, "Days apart").fill("");
  await button(form, "Upload").click();
  await form.getByText("Account is no account of yours").waitFor();
  await field(form, "Account").fill(bank.id);
  await button(form, "Upload").click();
  await form.getByText(/^Statement line 2: /).waitFor();
  await p.focused(field(form, "Statement"));

  const text = csv("10,00;EUR;a", "3,00;EUR;c");
  await field(form, "Statement").setInputFiles(file("bank.csv", text));
  await button(form, "Upload").click();
  await p.heading(page, `${bank.name}, ${today()}`).waitFor();
  const report = p.region(page, "The report");
  await report.getByText("disagrees", { exact: true }).waitFor();
  await report.getByText("EUR 17.00").first().waitFor();
  const times = async (kind) =>
    report.getByRole("row", { name: new RegExp(`^${kind}`) }).getByRole("cell").textContent();
  assert.equal(await times("Matched"), "1");
  assert.equal(await times("Missing here"), "1");
  assert.equal(await times("Missing there"), "1");

  const finding = (kind) => page.locator(`.finding[data-kind="${kind}"]`);
  await finding("missing_here").getByText("EUR 3.00").waitFor();
  await finding("missing_there").getByText("EUR 20.00").waitFor();
  await page.getByLabel("Kind").selectOption("Missing here");
  await finding("missing_there").waitFor({ state: "detached" });
  await finding("missing_here").getByText(/ · c · line 3$/).waitFor();

  // Nothing moves before it is asked for.
  assert.equal((await p.balance(bank)).posted, 3_000);
  await button(report, "Make this transfer").click();
  const question = page.getByRole("alertdialog", { name: "Put the drift aside?" });
  await p.focused(button(question, "Back"));
  await button(question, "Make the transfer").click();
  await p.heading(page, /^rec_/).waitFor();
  assert.equal((await p.balance(bank)).posted, 1_300);
  await watch.verdict({ expected: ["422", "404"] });
  await context.close();
});

test("a camt statement that agrees is a report that says so, and stands in the list", async () => {
  const { bank, wallet } = await p.pair(0);
  await p.move(bank, wallet, 1_234, { reference: "a" });
  const text =
    '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">' +
    '<BkToCstmrStmt><Stmt><Ntry><Amt Ccy="EUR">12.34</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>' +
    `<BookgDt><Dt>${today()}</Dt></BookgDt><NtryDtls><TxDtls><Refs><EndToEndId>a</EndToEndId></Refs>` +
    "</TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>";
  const { context, page, watch } = await p.at(browser, "Reconciliations", "reconciliations");
  const form = p.region(page, "Hold a statement against an account");
  await field(form, "Account").fill(bank.id);
  await field(form, "Statement").setInputFiles(file("statement.txt", text));
  const sent = page.waitForRequest((request) => request.method() === "POST");
  await p.losing(page, "**/api/v1/reconciliations?*");
  await button(form, "Upload").click();
  assert.equal((await sent).headers()["content-type"], "application/xml");
  await form.getByText("The edge did not answer").waitFor();
  await page.unroute("**/api/v1/reconciliations?*");
  await button(form, "Upload").click();
  await p.region(page, "The report").getByText("agrees", { exact: true }).waitFor();
  await page.getByText("None but lines that match one to one").waitFor();
  const { body } = await h.api("GET", `/api/v1/reconciliations?account=${bank.id}`);
  assert.equal(body.items.length, 1, "the lost answer's report is the same one");
  await page.getByRole("link", { name: "Reconciliations" }).click();
  const row = p.item(page, body.items[0].id);
  await row.getByText("agrees", { exact: true }).waitFor();
  await row.getByRole("link", { name: `${bank.name}, ${today()}` }).waitFor();
  await watch.verdict({ expected: ["ERR_FAILED"] });
  await context.close();
});
