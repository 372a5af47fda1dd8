// What the form of a policy holds, and how it becomes the body of a publication.
//
// Invariant: a publication says everything, since it replaces the policy; what is empty is left
// out. Refused: to judge a value, the API does; two tiers of one name alone, of which one would be
// lost.

import type { FieldError } from "../api";
import { isBucket, type Policy, type Rule, type Tier } from "./types";
import { type Unit, unitOf, UNITS } from "./words";

/** The numbers of a rule or a tier as they were typed. */
export interface NumbersText {
  limit: string;
  window: string;
  unit: Unit;
  burst: string;
}

export interface RuleText extends NumbersText {
  algorithm: string;
}

export interface TierText extends NumbersText {
  name: string;
}

export interface Values {
  name: string;
  several: boolean;
  rule: RuleText;
  all: RuleText[];
  tiers: TierText[];
  on_failure: string;
  timeout_ms: string;
  lease: boolean;
  shadow: boolean;
}

const NUMBERS: NumbersText = { limit: "", window: "", unit: "s", burst: "" };
export const NEW_RULE: RuleText = { ...NUMBERS, algorithm: "token_bucket" };
export const NEW_TIER: TierText = { ...NUMBERS, name: "" };

export const EMPTY: Values = {
  name: "",
  several: false,
  rule: NEW_RULE,
  all: [NEW_RULE],
  tiers: [],
  on_failure: "open",
  timeout_ms: "",
  lease: true,
  shadow: false,
};

/** A number when it is one; otherwise the text, for the API to refuse by its pointer. */
export function count(text: string, unit = 1): number | string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  return /^\d+(\.\d+)?$/.test(trimmed) ? Number((Number(trimmed) * unit).toFixed(3)) : trimmed;
}

const numbersOf = (text: NumbersText, bucket: boolean) => ({
  limit: count(text.limit),
  window_ms: count(text.window, UNITS[text.unit]),
  burst: bucket ? count(text.burst) : undefined,
});

const ruleOf = (text: RuleText) => ({
  algorithm: text.algorithm === "token_bucket" ? undefined : text.algorithm,
  ...numbersOf(text, isBucket(text.algorithm)),
});

/** What `JSON.stringify` sends: what is undefined is left out. */
export function body(v: Values): Record<string, unknown> {
  const bucket = isBucket(v.rule.algorithm);
  const tiers = v.tiers.map((tier) => [tier.name.trim(), numbersOf(tier, bucket)]);
  const rules = v.several
    ? { all: v.all.map(ruleOf) }
    : { ...ruleOf(v.rule), tiers: Object.fromEntries(tiers) as unknown };
  return {
    ...rules,
    on_failure: v.on_failure,
    timeout_ms: count(v.timeout_ms),
    lease: v.lease,
    shadow: v.shadow,
  };
}

/** The pointer of a tier (RFC 6901). */
export const tierAt = (name: string): string =>
  `/tiers/${name.trim().replaceAll("~", "~0").replaceAll("/", "~1")}`;

export function twice({ several, tiers }: Values): FieldError[] {
  const names = tiers.map(({ name }) => name.trim());
  const again = several ? [] : names.filter((name, at) => names.indexOf(name) < at);
  return [...new Set(again)].map((name) => ({ pointer: tierAt(name), detail: "is there twice" }));
}

function numbersText({ limit, window_ms, burst }: Tier): NumbersText {
  const text = (value: number | undefined) => (value === undefined ? "" : String(value));
  const unit = window_ms === undefined ? "s" : unitOf(window_ms);
  const window = window_ms === undefined ? undefined : window_ms / UNITS[unit];
  return { limit: text(limit), window: text(window), unit, burst: text(burst) };
}

const ruleText = (rule: Partial<Rule>): RuleText => ({
  algorithm: rule.algorithm ?? "token_bucket",
  ...numbersText(rule),
});

export const valuesOf = (policy: Policy): Values => ({
  name: policy.name,
  several: Boolean(policy.all?.length),
  rule: ruleText(policy.all?.[0] ?? policy),
  all: policy.all?.length ? policy.all.map(ruleText) : [ruleText(policy)],
  tiers: Object.entries(policy.tiers ?? {}).map(([name, tier]) => ({
    name,
    ...numbersText(tier),
  })),
  on_failure: policy.on_failure,
  timeout_ms: policy.timeout_ms === undefined ? "" : String(policy.timeout_ms),
  lease: policy.lease ?? true,
  shadow: policy.shadow,
});
