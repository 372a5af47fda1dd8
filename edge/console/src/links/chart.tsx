// Clicks over time as bars, drawn by uPlot.
//
// Invariant: a picture with a name for those who cannot see it; the table beside it has the numbers.
// Its colours are the page's, and change with them. Refused: motion.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { isDark } from "../theme";
import { asMoment, asNumber, asUtcDay } from "../ui/when";
import { DAY_MS, HOUR_MS, type Interval } from "./series";
import type { Slot } from "./types";

const HEIGHT_PX = 220;
const BARS = uPlot.paths.bars?.({ size: [0.72, 48], radius: 0.15 });

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const slotName = (at: string, interval: Interval): string =>
  interval === "hour" ? asMoment(at) : `${asUtcDay(at)} (UTC)`;

const HOUR_S = HOUR_MS / 1000;
const DAY_S = DAY_MS / 1000;
/** How far the words under the axis may be apart. */
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

function options(interval: Interval, hover: (index: number | null) => void): uPlot.Options {
  const width = interval === "hour" ? HOUR_S : DAY_S;
  const axis: uPlot.Axis = {
    stroke: colour("--muted"),
    font: "12px system-ui, sans-serif",
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: 300,
    height: HEIGHT_PX,
    legend: { show: false },
    tzDate: (seconds) =>
      interval === "day"
        ? uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC")
        : new Date(seconds * 1000),
    scales: {
      // The values stand in the middle of their slots, and the slots fill the width.
      x: { range: (_, min, max) => [min - width / 2, max + width / 2] },
      y: { range: (_, __, max) => [0, Math.max(4, Math.ceil(max * 1.1))] },
    },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 32,
        space: 72,
        incrs: STEPS_S,
        values: (_, ticks, __, ___, step) => ticks.map((at) => tickName(at, step, interval)),
      },
      {
        ...axis,
        size: 44,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6, 1e7],
        values: (_, ticks) => ticks.map((tick) => asNumber(tick)),
      },
    ],
    series: [
      {},
      {
        label: "Clicks",
        fill: colour("--bar"),
        stroke: colour("--bar"),
        width: 0,
        points: { show: false },
        ...(BARS ? { paths: BARS } : {}),
      },
    ],
    hooks: { setCursor: [(plot) => hover(plot.cursor.idx ?? null)] },
  };
}

export function Chart({ slots, interval }: { slots: Slot[]; interval: Interval }) {
  const place = useRef<HTMLDivElement>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const dark = isDark();

  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const half = (interval === "hour" ? HOUR_S : DAY_S) / 2;
    const data: uPlot.AlignedData = [
      slots.map(({ at }) => Date.parse(at) / 1000 + half),
      slots.map(({ clicks }) => clicks),
    ];
    const plot = new uPlot(options(interval, setHovered), data, box);
    const fit = () => plot.setSize({ width: box.clientWidth, height: HEIGHT_PX });
    const watch = new ResizeObserver(fit);
    watch.observe(box);
    fit();
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [slots, interval, dark]);

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
      <div
        ref={place}
        role="img"
        aria-label={`Chart of clicks per ${interval}: ${asNumber(sum)} in all${most}.`}
      />
    </div>
  );
}
