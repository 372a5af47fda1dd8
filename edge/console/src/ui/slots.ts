// Slots of time, an hour or a day wide: which there are, and what they are called.
//
// Invariant: slots begin at whole hours or days of UTC and none is missing; the slot that we are in is
// the last of a range. Refused: to move what was counted to another slot.

import { asMoment, asUtcDay } from "./when";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export type Interval = "hour" | "day";
export const WIDTH_MS: Record<Interval, number> = { hour: HOUR_MS, day: DAY_MS };

/** A stretch of time up to now, and the slots that suit it. */
export interface Range {
  name: string;
  ms: number;
  interval: Interval;
}

const WEEK: Range = { name: "7 days", ms: 7 * DAY_MS, interval: "hour" };
export const RANGES: readonly Range[] = [
  { name: "24 hours", ms: DAY_MS, interval: "hour" },
  WEEK,
  { name: "30 days", ms: 30 * DAY_MS, interval: "day" },
  { name: "90 days", ms: 90 * DAY_MS, interval: "day" },
  { name: "12 months", ms: 365 * DAY_MS, interval: "day" },
];
/** What is shown first. */
export const START = WEEK;

interface Span {
  first: number;
  last: number;
  width: number;
}

/** From the beginning of its first slot to this moment. */
export function upToNow({ ms }: Range, interval: Interval): Span {
  const [width, last] = [WIDTH_MS[interval], Date.now()];
  return { first: last - (last % width) - ms + width, last, width };
}

/** Nothing was told of a slot whose `told` is null. */
export interface Slot<T> {
  at: string;
  told: T | null;
}

/** Every slot of a span, with what the API told of it. */
export function filled<T extends { at: string }>(series: T[], span: Span): Slot<T>[] {
  const known = new Map(series.map((slot) => [Date.parse(slot.at), slot]));
  const all: Slot<T>[] = [];
  for (let at = span.first; at <= span.last; at += span.width) {
    all.push({ at: new Date(at).toISOString(), told: known.get(at) ?? null });
  }
  return all;
}

/** Over the names of slots in a table, and those names. */
export const slotHead = (interval: Interval): string =>
  interval === "hour" ? "Hour from" : "Day (UTC)";
export const slotCell = (at: string, interval: Interval): string =>
  interval === "hour" ? asMoment(at) : asUtcDay(at);

/** A slot's name by itself. */
export const slotName = (at: string, interval: Interval): string =>
  interval === "hour" ? slotCell(at, interval) : `${slotCell(at, interval)} (UTC)`;
