// The list of policies, and the keys that were typed on this page by their hashes.
//
// Invariant: a change that was made here is in the list without asking again; a typed key stays in
// memory and leaves with the session. Refused: to keep either over a sign-out.

import { effect, signal } from "@preact/signals";
import { pagesOf } from "../pages";
import { key as session } from "../session";
import { POLICIES, type Policy } from "./types";

export const pages = pagesOf<Policy>(POLICIES);

const policies = pages.items;
const byName = (a: Policy, b: Policy): number => (a.name < b.name ? -1 : 1);

export function changed(policy: Policy): void {
  const others = policies.value.filter(({ name }) => name !== policy.name);
  policies.value = [...others, policy].sort(byName);
}

export function removed(gone: string): void {
  policies.value = policies.value.filter(({ name }) => name !== gone);
}

/** Keys that were typed here, by what the API names them. */
export const typed = signal<Record<string, string>>({});

/** Where the page is not secure, the browser has no hashes, and keys stay nameless. */
export async function remember(key: string): Promise<void> {
  const digest = await crypto.subtle?.digest("SHA-256", new TextEncoder().encode(key));
  if (!digest) return;
  const half = [...new Uint8Array(digest).slice(0, 16)];
  const hash = half.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (typed.value[hash] !== key) typed.value = { ...typed.value, [hash]: key };
}

effect(() => {
  if (session.value === null) typed.value = {};
});
