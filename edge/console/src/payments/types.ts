// Accounts, transfers, payments and reconciliations, as the API answers them; and their words.
//
// Invariant: amounts are integers of minor units, never more than 2^53 − 1. Refused: anything that is
// computed here but words.

export const ACCOUNTS = "/api/v1/accounts";
export const TRANSFERS = "/api/v1/transfers";
export const PAYMENTS = "/api/v1/payments";
export const RECONCILIATIONS = "/api/v1/reconciliations";

export const PAYOUTS = "/api/v1/payouts";
export const ENDPOINTS = "/api/v1/webhook_endpoints";

export const KINDS = ["asset", "liability", "equity", "income", "expense"] as const;

export interface Sums {
  posted: number;
  pending: number;
  available: number;
}

export interface Account {
  id: string;
  name: string;
  currency: string;
  kind: (typeof KINDS)[number];
  limits: { no_debit_beyond_credit: boolean; no_credit_beyond_debit: boolean };
  balance: Sums;
  created_at: string;
  closed_at: string | null;
}

export interface BalanceAt extends Sums {
  account: string;
  currency: string;
  at: string;
}

export interface Entry {
  id: string;
  transfer: string;
  n: number;
  side: "debit" | "credit";
  amount: number;
  balance: number;
  type: string;
  reference: string | null;
  at: string;
  by: string;
  request_id: string;
}

export interface Transfer {
  id: string;
  status: "posted" | "pending" | "voided" | "expired";
  debit_account: string;
  credit_account: string;
  amount: number;
  posted_amount: number | null;
  currency: string;
  type: string;
  reference: string | null;
  expires_at: string | null;
  created_at: string;
  created_by: string;
  settled_at: string | null;
  settled_by: string | null;
}

export type Party = string | { gateway: string; token: string };

export const STATUSES = [
  "processing",
  "authorized",
  "captured",
  "settled",
  "failed",
  "canceled",
  "partially_refunded",
  "refunded",
  "disputed",
] as const;

export interface Payment {
  id: string;
  status: (typeof STATUSES)[number];
  amount: number;
  amount_captured: number;
  amount_refunded: number;
  currency: string;
  source: Party;
  destination: Party;
  capture_method: "automatic" | "manual";
  description: string | null;
  fee: { amount: number; account: string } | null;
  gateway_fee: number | null;
  gateway_reference: string | null;
  failure: string | null;
  review?: Review;
  created_at: string;
}

/** What a fraud rule asks for. */
export interface Review {
  status: "pending" | "approved" | "rejected";
  rule: string;
  rule_version: number;
  reason: string;
}

export interface Payout {
  id: string;
  status: "processing" | "paid" | "failed" | "returned";
  account: string;
  amount: number;
  currency: string;
  gateway: string;
  bank_last4: string;
  transfer: string;
  failure: string | null;
  returned?: { amount: number; reason: string; transfer: string; at: string };
  created_at: string;
  ended_at: string | null;
}

export interface Endpoint {
  id: string;
  url: string;
  events: string[];
  enabled: boolean;
  disabled_reason: string | null;
  created_at: string;
  /** Only in the answer that made it. */
  secret?: string;
}

export interface Delivery {
  id: string;
  message: string;
  event: string;
  status: "pending" | "delivered" | "dead" | "canceled";
  attempts: number;
  response_status: number | null;
  error: string | null;
  created_at: string;
  attempted_at: string | null;
  next_attempt_at: string | null;
}

export interface PaymentEvent {
  id: string;
  type: string;
  status: string;
  amount: number;
  detail: string | null;
  at: string;
  by: string;
  request_id: string;
}

export interface LedgerCheck {
  ok: boolean;
  accounts: number;
  entries: number;
  by_currency: Record<string, number>;
  faults: string[];
}

export const FINDINGS = [
  "matched",
  "missing_here",
  "missing_there",
  "amount_differs",
  "currency_differs",
  "duplicate",
  "late",
] as const;

export type FindingKind = (typeof FINDINGS)[number];

export interface Proposal {
  debit_account: string;
  credit_account: string;
  amount: number;
  currency: string;
  type: string;
  reference: string;
}

export interface Reconciliation {
  id: string;
  state: "running" | "done" | "failed";
  account: string | null;
  source: string;
  format: string;
  day: string;
  closes: boolean;
  window_days: number;
  from: string;
  until: string;
  ours: number;
  theirs: number;
  counts: Record<FindingKind, number>;
  drift: Record<string, number>;
  alert: boolean;
  proposals: Proposal[];
  why: string | null;
  created_at: string;
  done_at: string | null;
}

export interface OurLine {
  entry: string;
  reference: string | null;
  amount: number;
  day: string;
}

export interface TheirLine {
  line: number;
  reference: string | null;
  amount: number;
  currency: string;
  day: string;
}

export interface Finding {
  n: number;
  kind: FindingKind;
  ours: OurLine[];
  theirs: TheirLine[];
}

export const at = (list: string, id: string, more = ""): string =>
  `${list}/${encodeURIComponent(id)}${more}`;

/** `partially_refunded` is `partially refunded`. */
export const words = (name: string): string => name.replaceAll("_", " ");

export const partyName = (party: Party): string =>
  typeof party === "string" ? party : `${party.gateway}: ${party.token}`;
