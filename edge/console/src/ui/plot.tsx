// A picture of numbers over time, drawn by uPlot.
//
// Invariant: a picture with a name for those who cannot see it; the table beside it has the numbers.
// Its colours are the page's, and change with them. New numbers are drawn into the same picture.
// Refused: motion.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { isDark } from "../theme";
import { asNumber } from "./when";

const HEIGHT_PX = 220;
export const BARS = uPlot.paths.bars?.({ size: [0.72, 48], radius: 0.15 });

export const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const axis = (): uPlot.Axis => ({
  stroke: colour("--muted"),
  font: "12px system-ui, sans-serif",
  grid: { stroke: colour("--line"), width: 1 },
  ticks: { show: false },
});

/** Bars of one colour, named by the style's variable. */
export const bars = (label: string, name: string): uPlot.Series => ({
  label,
  fill: colour(name),
  stroke: colour(name),
  width: 0,
  points: { show: false },
  ...(BARS ? { paths: BARS } : {}),
});

export interface Look {
  /** Seconds that a slot is wide. */
  width: number;
  /** How far the words under the axis may be apart, in seconds. */
  steps: number[];
  /** The words under the axis. */
  tick: (seconds: number, step: number) => string;
  utc?: boolean;
  series: () => uPlot.Series[];
}

function options(look: Look, hover: (index: number | null) => void): uPlot.Options {
  const { width, steps, tick, utc, series } = look;
  return {
    width: 300,
    height: HEIGHT_PX,
    legend: { show: false },
    tzDate: (seconds) => {
      const at = new Date(seconds * 1000);
      return utc ? uPlot.tzDate(at, "Etc/UTC") : at;
    },
    scales: {
      // The values stand in the middle of their slots, and the slots fill the width.
      x: { range: (_, min, max) => [min - width / 2, max + width / 2] },
      y: { range: (_, __, max) => [0, Math.max(4, Math.ceil(max * 1.1))] },
    },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    axes: [
      {
        ...axis(),
        grid: { show: false },
        size: 32,
        space: 72,
        incrs: steps,
        values: (_, ticks, __, ___, step) => ticks.map((at) => tick(at, step)),
      },
      {
        ...axis(),
        size: 44,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6, 1e7],
        values: (_, ticks) => ticks.map((value) => asNumber(value)),
      },
    ],
    series: [{}, ...series()],
    hooks: { setCursor: [(plot) => hover(plot.cursor.idx ?? null)] },
  };
}

interface Props {
  look: Look;
  data: uPlot.AlignedData;
  /** In words, for those who do not see it. */
  name: string;
  onHover: (index: number | null) => void;
}

export function Plot({ look, data, name, onHover }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const drawn = useRef<uPlot.AlignedData>(undefined);
  const dark = isDark();

  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const made = new uPlot(options(look, onHover), data, box);
    plot.current = made;
    drawn.current = data;
    const fit = () => made.setSize({ width: box.clientWidth, height: HEIGHT_PX });
    const watch = new ResizeObserver(fit);
    watch.observe(box);
    fit();
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [look, dark]);

  useEffect(() => {
    if (drawn.current === data) return;
    drawn.current = data;
    plot.current?.setData(data);
  }, [data]);

  return <div ref={place} role="img" aria-label={name} />;
}
