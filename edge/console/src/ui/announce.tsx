// What happened, said once: shown at the foot of the page and read out by screen readers.
//
// Invariant: the two live regions exist from the first paint on, since a region that appears together
// with its text is not read out. Refused: what needs an answer (that is a dialog's).

import { signal } from "@preact/signals";

const SHOWN_MS = 6_000;

const said = signal<{ text: string; wrong: boolean; count: number } | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

function put(text: string, wrong: boolean): void {
  clearTimeout(timer);
  said.value = { text, wrong, count: (said.value?.count ?? 0) + 1 };
  if (!wrong) timer = setTimeout(hush, SHOWN_MS);
}

export function hush(): void {
  clearTimeout(timer);
  said.value = null;
}

/** Something was done. */
export const say = (text: string): void => put(text, false);
/** Something failed, and belongs to no field. It stays until the next word. */
export const warn = (text: string): void => put(text, true);

export function Announcer() {
  const now = said.value;
  return (
    <div class="announcer">
      <div role="status" aria-live="polite" class={now && !now.wrong ? "toast" : "silent"}>
        {now && !now.wrong && <span key={now.count}>{now.text}</span>}
      </div>
      <div role="alert" class={now?.wrong ? "toast wrong" : "silent"}>
        {now?.wrong && <span key={now.count}>{now.text}</span>}
        {now?.wrong && (
          <button type="button" class="quiet" onClick={hush}>
            Dismiss
          </button>
        )}
      </div>
    </div>
  );
}
