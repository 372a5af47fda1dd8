// A list as the pages show it: its heading, its items, what went wrong, and more of them.
//
// Invariant: more items come below and the focus goes to the first of them. Refused: to know what an
// item is; its first heading's link takes the focus.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { sentence } from "../api";
import type { Pages } from "../pages";
import { say } from "./announce";

interface Props<T> {
  /** In the plural: "links". */
  what: string;
  title: string;
  pages: Pages<T>;
  item: (item: T) => ComponentChildren;
  /** What is said when there is none. */
  nothing: string;
  /** Beside the title. */
  tools?: ComponentChildren;
  children?: ComponentChildren;
}

export function Listing<T>({ what, title, pages, item, nothing, tools, children }: Props<T>) {
  const { items, next, state, problem } = pages;
  const list = useRef<HTMLUListElement>(null);
  const busy = state.value === "loading";

  useEffect(() => void pages.load(), []);

  const showMore = async () => {
    const shown = items.value.length;
    await pages.more();
    const come = items.value.length - shown;
    if (come > 0) say(`${come} more ${what}`);
    list.current?.children[shown]?.querySelector<HTMLElement>("h3 a")?.focus();
  };
  return (
    <section class="list" aria-labelledby="list-title" aria-busy={busy}>
      <div class="list-head">
        <h2 id="list-title" tabIndex={-1} data-refuge>
          {title}
        </h2>
        {tools}
      </div>
      <p class="silent" role="status">
        {state.value === "ready" &&
          `${items.value.length} ${what} shown${next.value ? ", there are more" : ""}`}
      </p>
      {problem.value && (
        <div class="empty" role="alert">
          <p>{sentence(problem.value)}</p>
          <button type="button" class="plain" onClick={pages.load}>
            Try again
          </button>
        </div>
      )}
      {state.value === "ready" && items.value.length === 0 && <p class="empty">{nothing}</p>}
      <ul class="items" ref={list}>
        {items.value.map(item)}
      </ul>
      {next.value && (
        <button type="button" class="plain more" onClick={showMore} aria-disabled={busy}>
          {busy ? "Loading…" : "Show more"}
        </button>
      )}
      {children}
    </section>
  );
}
