// Where in the console we are: the part of the address behind `#`, which never leaves the browser.
//
// Invariant: a place is segments and nothing else; no key, no search and no form is ever put there.
// Refused: a place that no page has leads to the first page.

import { signal } from "@preact/signals";

function read(): string[] {
  return location.hash
    .replace(/^#\/?/, "")
    .split("/")
    .filter((part) => part !== "")
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}

export const place = signal<string[]>(read());
addEventListener("hashchange", () => (place.value = read()));

export const href = (...parts: string[]): string => `#/${parts.map(encodeURIComponent).join("/")}`;

export function go(...parts: string[]): void {
  location.hash = href(...parts);
}
