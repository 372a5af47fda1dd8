// The slots of a chart: those with clicks come from the API, the others are none.
//
// Invariant: slots begin at whole hours or days of UTC and none is missing. Refused: to move a click
// to another slot.

import type { Slot } from "./types";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export type Interval = "hour" | "day";

/** Every slot from `first` up to the one that `last` lies in. */
export function filled(series: Slot[], first: number, last: number, width: number): Slot[] {
  const clicks = new Map(series.map((slot) => [Date.parse(slot.at), slot.clicks]));
  const all: Slot[] = [];
  for (let at = first; at <= last; at += width) {
    all.push({ at: new Date(at).toISOString(), clicks: clicks.get(at) ?? 0 });
  }
  return all;
}
