// The list of links as it is shown: what was asked for, what has come, and whether there is more.
//
// Invariant: an answer to an older question never replaces that to a newer one. Refused: to keep
// links over a sign-out.

import { effect, signal } from "@preact/signals";
import { call, type Problem, problemIn } from "../api";
import { key } from "../session";
import type { Link, Page } from "./types";

export const PAGE_ITEMS = 25;

export interface Wanted {
  q: string;
  tag: string;
}

export const wanted = signal<Wanted>({ q: "", tag: "" });
export const links = signal<Link[]>([]);
export const next = signal<string | null>(null);
export const state = signal<"new" | "loading" | "ready" | "failed">("new");
/** The link that was created last, until it is gone. */
export const made = signal<Link | null>(null);
export const problem = signal<Problem | null>(null);

let running: AbortController | undefined;

async function ask(cursor: string | null): Promise<void> {
  running?.abort();
  const own = new AbortController();
  running = own;
  state.value = "loading";
  try {
    const query = { limit: PAGE_ITEMS, cursor, ...wanted.value };
    const { body } = await call<Page>("/api/v1/links", { query, signal: own.signal });
    if (own !== running) return;
    links.value = cursor ? [...links.value, ...body.items] : body.items;
    next.value = body.next_cursor;
    problem.value = null;
    state.value = "ready";
  } catch (why) {
    if (own !== running) return;
    problem.value = problemIn(why);
    state.value = "failed";
  }
}

export const load = (): Promise<void> => ask(null);
export const more = (): Promise<void> => ask(next.value);

export const isFiltered = (): boolean => wanted.value.q !== "" || wanted.value.tag !== "";

export function added(link: Link): void {
  made.value = link;
  links.value = [link, ...links.value.filter((each) => each.id !== link.id)];
}

export function changed(link: Link): void {
  links.value = links.value.map((each) => (each.id === link.id ? link : each));
}

export function removed(code: string): void {
  links.value = links.value.filter((each) => each.short_code !== code);
  if (made.value?.short_code === code) made.value = null;
}

effect(() => {
  if (key.value !== null) return;
  running?.abort();
  running = undefined;
  links.value = [];
  next.value = null;
  made.value = null;
  state.value = "new";
  wanted.value = { q: "", tag: "" };
});
