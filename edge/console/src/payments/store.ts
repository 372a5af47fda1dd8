// The lists of the page, and the accounts that it knows by their ids.
//
// Invariant: what was opened, moved or paid here is in the list without asking again. Refused: to keep
// anything over a sign-out.

import { effect, signal } from "@preact/signals";
import { call } from "../api";
import { pagesOf } from "../pages";
import { key } from "../session";
import {
  type Account,
  ACCOUNTS,
  at,
  type Endpoint,
  ENDPOINTS,
  type Payment,
  PAYMENTS,
  type Payout,
  PAYOUTS,
  type Reconciliation,
  RECONCILIATIONS,
} from "./types";

/** What the list of accounts and that of payments are narrowed by. */
export const name = signal("");
export const status = signal("");

export const accounts = pagesOf<Account>(ACCOUNTS, () => ({ name: name.value }));
export const payments = pagesOf<Payment>(PAYMENTS, () => ({ status: status.value }));
/** Payments that a fraud rule holds until somebody decides. */
export const reviews = pagesOf<Payment>(PAYMENTS, () => ({ review: "pending" }));
export const payouts = pagesOf<Payout>(PAYOUTS);
export const endpoints = pagesOf<Endpoint>(ENDPOINTS);
export const reconciliations = pagesOf<Reconciliation>(RECONCILIATIONS);

/** Accounts by their ids, as they were seen last. */
export const known = signal<Record<string, Account>>({});

export function learned(...some: Account[]): void {
  // `peek`: an effect that learns must not run again for what it learned.
  known.value = { ...known.peek(), ...Object.fromEntries(some.map((each) => [each.id, each])) };
}

effect(() => {
  if (accounts.items.value.length) learned(...accounts.items.value);
});

export const accountName = (id: string): string => known.value[id]?.name ?? id;

const ASKED_MAX = 100;

/** The newest accounts, or those whose name begins so. */
export async function ask(beginning = ""): Promise<void> {
  const query = { limit: ASKED_MAX, name: beginning };
  const { body } = await call<{ items: Account[] }>(ACCOUNTS, { query });
  learned(...body.items);
}

/** The accounts of these ids, unless they are known. */
export async function introduce(...ids: string[]): Promise<void> {
  const strange = ids.filter((id) => id.startsWith("acc_") && !known.value[id]);
  const found = strange.map((id) => call<Account>(at(ACCOUNTS, id)));
  for (const each of await Promise.allSettled(found)) {
    if (each.status === "fulfilled") learned(each.value.body);
  }
}

export function opened(account: Account): void {
  learned(account);
  accounts.items.value = [account, ...accounts.items.value.filter(({ id }) => id !== account.id)];
}

export function changed(account: Account): void {
  learned(account);
  accounts.items.value = accounts.items.value.map((each) =>
    each.id === account.id ? account : each,
  );
}

export function paid(payment: Payment): void {
  payments.items.value = payments.items.value.map((each) =>
    each.id === payment.id ? payment : each,
  );
}

effect(() => {
  if (key.value !== null) return;
  known.value = {};
  name.value = "";
  status.value = "";
});
