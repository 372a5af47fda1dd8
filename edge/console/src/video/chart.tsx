// One figure of quality over time, as bars.
//
// Invariant: a slot that nobody watched in has no bar. Refused: what every picture of numbers does
// (`ui/plot`).

import { useMemo, useState } from "preact/hooks";
import type uPlot from "uplot";
import { bars, type Look, Plot } from "../ui/plot";
import { asMoment, asUtcDay } from "../ui/when";
import { DAY_MS, type Figure, type Filled, HOUR_MS, type Interval } from "./figures";

export const slotName = (at: string, interval: Interval): string =>
  interval === "hour" ? asMoment(at) : `${asUtcDay(at)} (UTC)`;

const HOUR_S = HOUR_MS / 1000;
const DAY_S = DAY_MS / 1000;
const STEPS_S = [1, 3, 6, 12, 24, 48, 7 * 24, 14 * 24, 30 * 24].map((hours) => hours * HOUR_S);

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
  series: () => [bars("Value", "--bar")],
});
const LOOKS: Record<Interval, Look> = { hour: lookOf("hour"), day: lookOf("day") };

interface Props {
  figure: Figure;
  slots: Filled[];
  interval: Interval;
}

export function Chart({ figure, slots, interval }: Props) {
  const [hovered, setHovered] = useState<number | null>(null);
  const values = slots.map(({ figures }) => figures && figure.of(figures));
  const data = useMemo((): uPlot.AlignedData => {
    const half = LOOKS[interval].width / 2;
    return [slots.map(({ at }) => Date.parse(at) / 1000 + half), values];
  }, [slots, figure, interval]);

  const most = Math.max(...values.map((value) => value ?? 0));
  const under = hovered === null ? undefined : slots[hovered];
  const value = hovered === null ? null : values[hovered];
  const what = `${figure.name} per ${interval}`;
  return (
    <div class="chart">
      <p class="hover" aria-hidden="true">
        {under
          ? `${slotName(under.at, interval)} · ${value == null ? "nothing" : figure.words(value)}`
          : what}
      </p>
      <Plot
        look={LOOKS[interval]}
        data={data}
        name={`Chart of ${what}; at most ${figure.words(most)}.`}
        onHover={setHovered}
      />
    </div>
  );
}
