// Rules, answers and spans of time in words.
//
// Invariant: a span is said in the largest unit that holds it whole. Refused: to round a rule.

import { asNumber } from "../ui/when";
import { ALGORITHMS, type Answer, type Rule } from "./types";

export const UNITS = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;
export type Unit = keyof typeof UNITS;

/** The largest unit that a span is a multiple of. */
export function unitOf(ms: number): Unit {
  const units = Object.keys(UNITS).reverse() as Unit[];
  return units.find((unit) => ms >= UNITS[unit] && ms % UNITS[unit] === 0) ?? "ms";
}

export function span(ms: number): string {
  const unit = unitOf(ms);
  return `${asNumber(ms / UNITS[unit])} ${unit}`;
}

/** How long there is to wait, never less than there is. */
export function wait(ms: number): string {
  if (ms < 10_000) return `${(Math.ceil(ms / 100) / 10).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.ceil(ms / 1_000)} s`;
  if (ms < 2 * UNITS.h) return `${Math.ceil(ms / UNITS.min)} min`;
  return ms < 2 * UNITS.d ? `${Math.ceil(ms / UNITS.h)} h` : `${Math.ceil(ms / UNITS.d)} d`;
}

export const numbers = ({ limit, window_ms, burst }: Rule): string => {
  const atOnce = burst === undefined || burst === limit ? "" : `, ${asNumber(burst)} at once`;
  return `${asNumber(limit)} in ${span(window_ms)}${atOnce}`;
};

export const algorithmName = ({ algorithm }: { algorithm?: string }): string =>
  ALGORITHMS[(algorithm ?? "token_bucket") as keyof typeof ALGORITHMS] ?? algorithm;

const SERVED: Record<string, string> = {
  object: "the key's object",
  lease: "the edge, from units it took ahead",
  denial: "the edge, which remembers the refusal",
  exemption: "the key's exemption",
  failure: "nobody: the key's object did not answer in time",
};

export const servedBy = (name: string): string => SERVED[name] ?? name;

export const isBan = (answer: Answer): boolean => !answer.allowed && answer.retry_after_ms === null;
export const isExempt = (answer: Answer): boolean => answer.served_by === "exemption";

/** What an answer means, in a sentence or two; `looked`: nothing was to be spent. */
export function verdict(answer: Answer, looked: boolean): string {
  const left = `${asNumber(answer.remaining)} left.`;
  if (isBan(answer)) return "Refused: the key is banned, waiting does not help.";
  if (isExempt(answer)) return "Allowed: the key is exempt.";
  if (looked) return left;
  const after = answer.retry_after_ms ?? 0;
  if (!answer.allowed) return `Refused. It fits again in ${wait(after)}.`;
  return after > 0 ? `Allowed, after ${wait(after)}. ${left}` : `Allowed. ${left}`;
}
