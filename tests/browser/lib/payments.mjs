// What the suites of payments need of the API: accounts with money, and a page that shows them.
//
// Invariant: every account is new and called by a word of its own. Refuses to read the page's variables.

import assert from "node:assert/strict";
import * as h from "./harness.mjs";

/** A POST under a key of its own. */
export async function send(path, body, status = 201) {
  const made = await h.api("POST", path, body, { "idempotency-key": h.unique("key") });
  assert.equal(made.status, status, JSON.stringify(made.body));
  return made.body;
}

/** A new account; its id and its name. */
export async function account(start, more = {}) {
  const name = h.unique(start);
  const { id } = await send("/api/v1/accounts", { name, currency: "EUR", kind: "asset", ...more });
  return { id, name };
}

export const move = (debit, credit, amount, more = {}) =>
  send("/api/v1/transfers", {
    debit_account: debit.id,
    credit_account: credit.id,
    amount,
    currency: "EUR",
    ...more,
  });

export const balance = async ({ id }) =>
  (await h.api("GET", `/api/v1/accounts/${id}`)).body.balance;

/** A bank that may be overdrawn, and a wallet with money that may not. */
export async function pair(amount = 10_000) {
  const bank = await account("bank");
  const limits = { no_debit_beyond_credit: true };
  const wallet = await account("wallet", { kind: "liability", limits });
  if (amount) await move(bank, wallet, amount);
  return { bank, wallet };
}

/** A signed-in page at a place of payments, whose heading is `title`. */
export async function at(browser, title, ...place) {
  const opened = await h.signedIn(browser);
  await opened.page.goto(`${h.CONSOLE_URL}#/${["payments", ...place].join("/")}`);
  await opened.page.getByRole("heading", { name: title, level: 1 }).waitFor();
  return opened;
}

export const button = (within, name) => within.getByRole("button", { name, exact: true });
export const field = (within, name) => within.getByLabel(name, { exact: true });
export const heading = (page, name) => page.getByRole("heading", { name, level: 1 });
export const region = (page, name) => page.getByRole("region", { name, exact: true });
export const item = (page, id) => page.locator(`.item[data-id="${id}"]`);

/** What stands under a name among facts or sums. */
export const fact = (within, name) =>
  within.locator("dl > div", { has: within.page().getByText(name, { exact: true }) }).locator("dd");

export async function focused(locator) {
  assert.ok(await locator.evaluate((each) => each === document.activeElement), "the focus is there");
}

/** Answers get lost on their way: what is sent arrives. */
export const losing = (page, path) =>
  page.route(path, async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    await route.fetch();
    return route.abort();
  });
