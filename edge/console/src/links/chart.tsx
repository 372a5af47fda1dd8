// Clicks over time as bars.
//
// Invariant: the values stand in the middle of their slots. Refused: what every picture of numbers
// does (`ui/plot`).

import { useMemo, useState } from "preact/hooks";
import type uPlot from "uplot";
import { bars, type Look, Plot } from "../ui/plot";
import { asMoment, asNumber, asUtcDay } from "../ui/when";
import { DAY_MS, HOUR_MS, type Interval } from "./series";
import type { Slot } from "./types";

const slotName = (at: string, interval: Interval): string =>
  interval === "hour" ? asMoment(at) : `${asUtcDay(at)} (UTC)`;

const HOUR_S = HOUR_MS / 1000;
const DAY_S = DAY_MS / 1000;
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
  width: interval === "hour" ? HOUR_S : DAY_S,
  steps: STEPS_S,
  tick: (seconds, step) => tickName(seconds, step, interval),
  utc: interval === "day",
  series: () => [bars("Clicks", "--bar")],
});

const LOOKS: Record<Interval, Look> = { hour: lookOf("hour"), day: lookOf("day") };

export function Chart({ slots, interval }: { slots: Slot[]; interval: Interval }) {
  const [hovered, setHovered] = useState<number | null>(null);
  const data = useMemo((): uPlot.AlignedData => {
    const half = LOOKS[interval].width / 2;
    return [
      slots.map(({ at }) => Date.parse(at) / 1000 + half),
      slots.map(({ clicks }) => clicks),
    ];
  }, [slots, interval]);

  const sum = slots.reduce((total, { clicks }) => total + clicks, 0);
  const peak = slots.reduce((best, slot) => (slot.clicks > best.clicks ? slot : best), {
    at: "",
    clicks: 0,
  });
  const most = peak.at ? `; most ${asNumber(peak.clicks)}, ${slotName(peak.at, interval)}` : "";
  const under = hovered === null ? undefined : slots[hovered];
  return (
    <div class="chart">
      <p class="hover" aria-hidden="true">
        {under
          ? `${slotName(under.at, interval)} · clicks: ${asNumber(under.clicks)}`
          : `Clicks per ${interval}`}
      </p>
      <Plot
        look={LOOKS[interval]}
        data={data}
        name={`Chart of clicks per ${interval}: ${asNumber(sum)} in all${most}.`}
        onHover={setHovered}
      />
    </div>
  );
}
