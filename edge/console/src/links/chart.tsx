// Clicks over time as bars, drawn by uPlot.
//
// Invariant: a picture with a name for those who cannot see it; the table beside it has the numbers.
// Its colours are the page's, and change with them. Refused: motion.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { isDark } from "../theme";
import { asMoment, asNumber, asUtcDay } from "../ui/when";
import type { Interval } from "./series";
import type { Slot } from "./types";

const HEIGHT_PX = 220;
const BARS = uPlot.paths.bars?.({ size: [0.72, 48], radius: 0.15, align: 1 });

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const slotName = (at: string, interval: Interval): string =>
  interval === "hour" ? asMoment(at) : `${asUtcDay(at)} (UTC)`;

function options(interval: Interval, hover: (index: number | null) => void): uPlot.Options {
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
    scales: { y: { range: (_, __, max) => [0, Math.max(4, Math.ceil(max * 1.1))] } },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    axes: [
      { ...axis, grid: { show: false }, space: 64 },
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
    const data: uPlot.AlignedData = [
      slots.map(({ at }) => Date.parse(at) / 1000),
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
          ? `${slotName(under.at, interval)}: ${asNumber(under.clicks)}`
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
