// A policy, its usage and its answers, as the API gives them; and rules in words.
//
// Invariant: a key goes in a body wherever the API takes it there, so that no history keeps it.
// Refused: anything that is computed here but words.

export const ALGORITHMS = {
  token_bucket: "Token bucket",
  gcra: "GCRA",
  leaky_bucket: "Leaky bucket",
  fixed_window: "Fixed window",
  sliding_window_log: "Sliding window, log",
  sliding_window_counter: "Sliding window, counter",
} as const;

export type Algorithm = keyof typeof ALGORITHMS;

const BUCKETS: readonly string[] = ["token_bucket", "gcra", "leaky_bucket"];
/** Whether it refills evenly, and so has a burst. */
export const isBucket = (algorithm: string): boolean => BUCKETS.includes(algorithm);

export interface Tier {
  limit?: number;
  window_ms?: number;
  burst?: number;
}

export interface Rule {
  algorithm?: Algorithm;
  limit: number;
  window_ms: number;
  burst?: number;
}

export interface Policy extends Partial<Rule> {
  name: string;
  tiers?: Record<string, Tier>;
  all?: Rule[];
  on_failure: "open" | "closed";
  timeout_ms?: number;
  lease?: boolean;
  shadow: boolean;
  version: number;
  created_at: string;
  updated_at: string;
}

export interface Counts {
  allowed: number;
  refused: number;
  shadowed: number;
  failed_open: number;
  failed_closed: number;
}

export interface UsageSlot extends Counts {
  at: string;
}

export interface KeyCounts {
  key_hash: string;
  allowed: number;
  refused: number;
}

export interface Usage extends Counts {
  policy: string;
  series: UsageSlot[];
  hottest: KeyCounts[];
}

export interface Answer {
  allowed: boolean;
  limit: number;
  remaining: number;
  reset_at: string;
  retry_after_ms: number | null;
  policy: string;
  served_by: string;
  reservation?: string;
}

const ROOT = "/api/v1/limits";
export const POLICIES = `${ROOT}/policies`;
export const CHECK = `${ROOT}/check`;
export const REFUND = `${ROOT}/refund`;
export const path = (name: string): string => `${POLICIES}/${encodeURIComponent(name)}`;
export const usagePath = (name: string): string => `${path(name)}/usage`;
export const overridePath = (policy: string, key: string): string =>
  `${ROOT}/overrides/${encodeURIComponent(policy)}/${encodeURIComponent(key)}`;

/** A browser takes these two for steps in an address, however they are encoded. */
export const isStep = (segment: string): boolean => /^\.\.?$/.test(segment);

/** The rules that decide for a caller of a tier. */
export function rulesOf(policy: Policy, tier = ""): Rule[] {
  if (policy.all?.length) return policy.all;
  const { algorithm, limit = 0, window_ms = 0, burst } = policy;
  const own: Rule = { limit, window_ms, ...policy.tiers?.[tier] };
  if (algorithm) own.algorithm = algorithm;
  if (burst !== undefined) own.burst ??= burst;
  return [own];
}

/** Units that a fresh key has at once. */
export const capacity = ({ algorithm, limit, burst }: Rule): number =>
  isBucket(algorithm ?? "token_bucket") ? (burst ?? limit) : limit;
