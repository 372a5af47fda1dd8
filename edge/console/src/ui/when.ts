// Moments, numbers and words as people read them.
//
// Invariant: what is shown is in the reader's own zone and form; what is sent is RFC 3339 in UTC.
// Refused: relative times ("2 h ago"), which age on the screen.

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const utcDay = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const number = new Intl.NumberFormat();

export const asMoment = (at: string | number): string => moment.format(new Date(at));
/** Of today, to the second. */
export const asTime = (at: string | number): string => time.format(new Date(at));
export const asDay = (at: string | number): string => day.format(new Date(at));
/** Slots of a day begin at midnight of UTC, which is another day in half of the world. */
export const asUtcDay = (at: string | number): string => utcDay.format(new Date(at));
export const asNumber = (count: number): string => number.format(count);

export const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

const two = (n: number): string => String(n).padStart(2, "0");

/** For `<input type="datetime-local">`: the minute, in the reader's zone. */
export function toLocal(at: string | null): string {
  if (!at) return "";
  const d = new Date(at);
  const date = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return `${date}T${two(d.getHours())}:${two(d.getMinutes())}`;
}

/** What such an input holds, as RFC 3339; as it stands when it is no moment. */
export function fromLocal(text: string): string {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : at.toISOString();
}
