// Questions about a key, and the level of its bucket between two answers.
//
// Invariant: a key travels in the body, never in an address' search; a question of cost 0 only
// looks. Refused: to count here, the key's object does. What is drawn in between is an estimate.

import { call } from "../api";
import { remember } from "./store";
import { type Answer, capacity, CHECK, isBucket, type Policy, rulesOf } from "./types";
import { count } from "./values";

export interface Question {
  policy: string;
  key: string;
  cost: string;
  tier: string;
}

export async function check({ policy, key, cost, tier }: Question): Promise<Answer> {
  const body = { policy, key, cost: count(cost) ?? 1, ...(tier && { tier }) };
  const { body: answer } = await call<Answer>(CHECK, { method: "POST", body });
  await remember(key);
  return answer;
}

export const look = (policy: string, key: string, tier = ""): Promise<Answer> =>
  check({ policy, key, cost: "0", tier });

/** How long the edge remembers a refusal, even one that a refund has made untrue. */
const REMEMBERED_MS = 1_000;

/** Not what the edge remembers, but what the key's object says. */
export async function lookAfresh(policy: string, key: string, tier: string): Promise<Answer> {
  const answer = await look(policy, key, tier);
  if (answer.served_by !== "denial") return answer;
  await new Promise((done) => setTimeout(done, REMEMBERED_MS));
  return look(policy, key, tier);
}

/** A bucket as an answer left it. */
export interface Level {
  full: number;
  left: number;
  /** When the answer came, and when all is there again. */
  from: number;
  until: number;
  /** Whether it fills little by little; otherwise it is not known before the end. */
  evenly: boolean;
}

export function levelOf(answer: Answer, policy: Policy, tier: string): Level {
  const rules = rulesOf(policy, tier);
  const rule = rules.find(({ limit }) => limit === answer.limit) ?? rules[0];
  // A key's own limit stands instead of the rule's, beside the rule's burst.
  const full = rule ? capacity({ ...rule, limit: answer.limit }) : answer.limit;
  const from = Date.now();
  return {
    full: Math.max(full, answer.remaining, 1),
    left: answer.remaining,
    from,
    until: Math.max(from, Date.parse(answer.reset_at)),
    evenly: isBucket(rule?.algorithm ?? "token_bucket"),
  };
}

/** What is in the bucket at a moment, if nothing more was spent. */
export function levelAt({ full, left, from, until, evenly }: Level, now: number): number {
  if (until <= from) return left;
  if (now >= until) return full;
  return evenly ? left + ((full - left) * Math.max(0, now - from)) / (until - from) : left;
}
