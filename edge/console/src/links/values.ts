// What the form holds, and how it becomes the body of a creation or of a change.
//
// Invariant: a creation says only what was filled in; a change only what differs from the link as it
// was read, `null` where something was taken away. Refused: to judge a value, the API does.

import { fromLocal, toLocal } from "../ui/when";
import type { Link, Rule } from "./types";

export type Expiry = "default" | "never" | "at";

/** A rule in the form: every condition as the text that was typed. */
export interface RuleText {
  to: string;
  conditions: Record<string, string>;
}

export interface Values {
  long_url: string;
  custom_alias: string;
  title: string;
  tags: string;
  expiry: Expiry;
  expires: string;
  redirect: string;
  password: string;
  forget_password: boolean;
  max_clicks: string;
  fallback_url: string;
  external_id: string;
  reuse: boolean;
  rules: RuleText[];
}

export const EMPTY: Values = {
  long_url: "",
  custom_alias: "",
  title: "",
  tags: "",
  expiry: "default",
  expires: "",
  redirect: "302",
  password: "",
  forget_password: false,
  max_clicks: "",
  fallback_url: "",
  external_id: "",
  reuse: false,
  rules: [],
};

const MOMENTS = ["after", "before"];

const list = (text: string): string[] =>
  text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");

/** A number when it is one; otherwise the text, for the API to refuse by its pointer. */
const count = (text: string): number | string =>
  /^\d+$/.test(text.trim()) ? Number(text) : text.trim();

function ruleOf({ to, conditions }: RuleText): Rule {
  const rule: Rule = { to: to.trim() };
  for (const [name, text] of Object.entries(conditions)) {
    if (text.trim() === "") continue;
    if (name === "weight") rule[name] = count(text) as number;
    else rule[name] = MOMENTS.includes(name) ? fromLocal(text) : list(text);
  }
  return rule;
}

function textOf({ to, ...rest }: Rule): RuleText {
  const conditions: Record<string, string> = {};
  for (const [name, value] of Object.entries(rest)) {
    if (value == null || (Array.isArray(value) && value.length === 0)) continue;
    if (Array.isArray(value)) conditions[name] = value.join(", ");
    else conditions[name] = MOMENTS.includes(name) ? toLocal(String(value)) : String(value);
  }
  return { to, conditions };
}

export const valuesOf = (link: Link): Values => ({
  ...EMPTY,
  long_url: link.long_url,
  title: link.title ?? "",
  tags: link.tags.join(", "),
  expiry: link.expires_at ? "at" : "never",
  expires: toLocal(link.expires_at),
  redirect: String(link.redirect),
  max_clicks: link.max_clicks == null ? "" : String(link.max_clicks),
  fallback_url: link.fallback_url ?? "",
  external_id: link.external_id ?? "",
  rules: (link.rules ?? []).map(textOf),
});

export function creation(v: Values): Record<string, unknown> {
  const body: Record<string, unknown> = { long_url: v.long_url.trim() };
  if (v.custom_alias.trim()) body.custom_alias = v.custom_alias.trim();
  if (v.title.trim()) body.title = v.title.trim();
  if (list(v.tags).length) body.tags = list(v.tags);
  if (v.expiry === "never") body.expiry = null;
  if (v.expiry === "at") body.expiry = fromLocal(v.expires);
  if (v.redirect !== "302") body.redirect = Number(v.redirect);
  if (v.password) body.password = v.password;
  if (v.max_clicks.trim()) body.max_clicks = count(v.max_clicks);
  if (v.fallback_url.trim()) body.fallback_url = v.fallback_url.trim();
  if (v.external_id.trim()) body.external_id = v.external_id.trim();
  if (v.reuse) body.reuse = true;
  if (v.rules.length) body.rules = v.rules.map(ruleOf);
  return body;
}

export function change(v: Values, link: Link): Record<string, unknown> {
  const was = valuesOf(link);
  const body: Record<string, unknown> = {};
  const orNull = (text: string) => text.trim() || null;
  if (v.long_url !== was.long_url) body.long_url = v.long_url.trim();
  if (v.title !== was.title) body.title = orNull(v.title);
  if (v.tags !== was.tags) body.tags = list(v.tags);
  if (v.redirect !== was.redirect) body.redirect = Number(v.redirect);
  if (v.expiry === "never" && was.expiry !== "never") body.expiry = null;
  const moved = was.expiry !== "at" || v.expires !== was.expires;
  if (v.expiry === "at" && moved) body.expiry = fromLocal(v.expires);
  if (v.forget_password) body.password = null;
  else if (v.password) body.password = v.password;
  if (v.max_clicks !== was.max_clicks) {
    body.max_clicks = v.max_clicks.trim() ? count(v.max_clicks) : null;
  }
  if (v.fallback_url !== was.fallback_url) body.fallback_url = orNull(v.fallback_url);
  if (v.external_id !== was.external_id) body.external_id = orNull(v.external_id);
  if (JSON.stringify(v.rules) !== JSON.stringify(was.rules)) body.rules = v.rules.map(ruleOf);
  return body;
}
