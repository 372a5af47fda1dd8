// What a policy decided, by ten seconds, for the chart and for its table.
//
// Invariant: slots begin at whole ten seconds and none is missing; what failed open and what failed
// closed are one kind here. Refused: to move a decision to another slot.

import type { Counts, UsageSlot } from "./types";

export const SLOT_MS = 10_000;

/** The kinds of decisions, in the order in which they are stacked. */
export const KINDS = ["allowed", "refused", "shadowed", "failed"] as const;
export type Kind = (typeof KINDS)[number];

export const KIND_NAMES: Record<Kind, string> = {
  allowed: "Allowed",
  refused: "Refused",
  shadowed: "Shadowed",
  failed: "Failed",
};

export type Kinds = Record<Kind, number>;

export interface Slot extends Kinds {
  at: number;
}

export const kindsOf = (counts: Counts): Kinds => ({
  allowed: counts.allowed,
  refused: counts.refused,
  shadowed: counts.shadowed,
  failed: counts.failed_open + counts.failed_closed,
});

const NONE: Kinds = { allowed: 0, refused: 0, shadowed: 0, failed: 0 };

export const sum = (kinds: Kinds): number => KINDS.reduce((all, kind) => all + kinds[kind], 0);

/** Every slot of the span that ends now. */
export function filled(series: UsageSlot[], now: number, span: number): Slot[] {
  const known = new Map(series.map((slot) => [Date.parse(slot.at), kindsOf(slot)]));
  // The edge's clock may be ahead of this one.
  const last = Math.max(now - (now % SLOT_MS), ...known.keys());
  const all: Slot[] = [];
  for (let at = last - span + SLOT_MS; at <= last; at += SLOT_MS) {
    all.push({ at, ...(known.get(at) ?? NONE) });
  }
  return all;
}
