// A list that the API answers one page after the other, as it is shown.
//
// Invariant: an answer to an older question never replaces that to a newer one, and nothing is kept
// over a sign-out. Refused: paging by number, which the API lacks.

import { effect, type Signal, signal } from "@preact/signals";
import { call, type Problem, problemIn } from "./api";
import { key } from "./session";

export const PAGE_ITEMS = 25;

interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Pages<T> {
  items: Signal<T[]>;
  next: Signal<string | null>;
  state: Signal<"new" | "loading" | "ready" | "failed">;
  problem: Signal<Problem | null>;
  load: () => Promise<void>;
  more: () => Promise<void>;
}

/** The list at `path`; `wanted` is what else is asked. */
export function pagesOf<T>(path: string, wanted: () => Record<string, string> = () => ({})) {
  const items = signal<T[]>([]);
  const next = signal<string | null>(null);
  const state: Pages<T>["state"] = signal("new");
  const problem = signal<Problem | null>(null);
  let running: AbortController | undefined;

  async function ask(cursor: string | null): Promise<void> {
    running?.abort();
    const own = new AbortController();
    running = own;
    state.value = "loading";
    try {
      const query = { limit: PAGE_ITEMS, cursor, ...wanted() };
      const { body } = await call<Page<T>>(path, { query, signal: own.signal });
      if (own !== running) return;
      items.value = cursor ? [...items.value, ...body.items] : body.items;
      next.value = body.next_cursor;
      problem.value = null;
      state.value = "ready";
    } catch (why) {
      if (own !== running) return;
      problem.value = problemIn(why);
      state.value = "failed";
    }
  }

  effect(() => {
    if (key.value !== null) return;
    running?.abort();
    running = undefined;
    items.value = [];
    next.value = null;
    state.value = "new";
  });
  const pages: Pages<T> = {
    items,
    next,
    state,
    problem,
    load: () => ask(null),
    more: () => ask(next.value),
  };
  return pages;
}
