// The list of links: what is asked for, and what became of links on this page.
//
// Invariant: a change that was made here is in the list without asking again. Refused: to keep links
// over a sign-out.

import { effect, signal } from "@preact/signals";
import { pagesOf } from "../pages";
import { key } from "../session";
import type { Link } from "./types";

export interface Wanted {
  q: string;
  tag: string;
}

export const wanted = signal<Wanted>({ q: "", tag: "" });
export const pages = pagesOf<Link>("/api/v1/links", () => ({ ...wanted.value }));
/** The link that was created last, until it is gone. */
export const made = signal<Link | null>(null);

const links = pages.items;

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
  made.value = null;
  wanted.value = { q: "", tag: "" };
});
