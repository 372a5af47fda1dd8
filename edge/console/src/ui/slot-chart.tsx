// One number of each slot of time, as bars.
//
// Invariant: the values stand in the middle of their slots; a slot without a value has no bar.
// Refused: what every picture of numbers does (`ui/plot`).

import { useMemo, useState } from "preact/hooks";
import type uPlot from "uplot";
import { bars, type Look, Plot } from "./plot";
import { type Interval, slotName, WIDTH_MS } from "./slots";

const HOUR_S = WIDTH_MS.hour / 1000;
const DAY_S = WIDTH_MS.day / 1000;
const STEPS_S = [1, 3, 6, 12, 24, 48, 7 * 24, 14 * 24, 30 * 24, 61 * 24].map((h) => h * HOUR_S);

/** The words under the axis: a day, or an hour where days are too far apart. */
function tickName(seconds: number, step: number, interval: Interval): string {
  const at = new Date(seconds * 1000);
  const zone = interval === "day" ? { timeZone: "UTC" } : {};
  const isDay = step >= DAY_S || (at.getHours() === 0 && at.getMinutes() === 0);
  const form: Intl.DateTimeFormatOptions = isDay
    ? { day: "numeric", month: "short", ...zone }
    : { hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(undefined, form).format(at);
}

const lookOf = (interval: Interval): Look => ({
  width: WIDTH_MS[interval] / 1000,
  steps: STEPS_S,
  tick: (seconds, step) => tickName(seconds, step, interval),
  utc: interval === "day",
  series: () => [bars("Value", "--bar")],
});
const LOOKS: Record<Interval, Look> = { hour: lookOf("hour"), day: lookOf("day") };

interface Props {
  slots: readonly { at: string }[];
  /** One of each slot. */
  values: (number | null)[];
  interval: Interval;
  /** What is shown, while the pointer is elsewhere. */
  title: string;
  /** What is said of the slot under the pointer. */
  worded: (value: number | null) => string;
  /** All of it in words, for those who do not see it. */
  name: string;
}

export function SlotChart({ slots, values, interval, title, worded, name }: Props) {
  const [hovered, setHovered] = useState<number | null>(null);
  const data = useMemo((): uPlot.AlignedData => {
    const half = LOOKS[interval].width / 2;
    return [slots.map(({ at }) => Date.parse(at) / 1000 + half), values];
  }, [slots, values, interval]);

  const under = hovered === null ? undefined : slots[hovered];
  const value = hovered === null ? null : (values[hovered] ?? null);
  return (
    <div class="chart">
      <p class="hover" aria-hidden="true">
        {under ? `${slotName(under.at, interval)} · ${worded(value)}` : title}
      </p>
      <Plot look={LOOKS[interval]} data={data} name={name} onHover={setHovered} />
    </div>
  );
}
