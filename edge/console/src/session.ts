// Who is signed in: the service key of this tab.
//
// Invariant: the key stands in this module and in sessionStorage, which dies with the tab; never in
// an address, in localStorage, in a cookie or in a message. Refused: to judge a key, the edge does.

import { signal } from "@preact/signals";

const NAME = "selvedge.key";

function kept(): string | null {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null;
  }
}

export const key = signal<string | null>(kept());
/** Why the last session ended, for the sign-in page to say. */
export const ended = signal<string | null>(null);

export function begin(given: string): void {
  try {
    sessionStorage.setItem(NAME, given);
  } catch {
    // It then lasts as long as the page.
  }
  ended.value = null;
  key.value = given;
}

export function end(why: string | null = null): void {
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // There was none.
  }
  ended.value = why;
  key.value = null;
}
