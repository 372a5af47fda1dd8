// The numbers of a link: clicks over time, and by what.
//
// Invariant: the table beside the chart says the same, slot by slot; slots are the API's, of UTC.
// Refused: to add numbers up that the API has added up already.

import { useState } from "preact/hooks";
import { call } from "../api";
import { Numbers as Frame, Sums, useAsked } from "../ui/numbers";
import { Pick } from "../ui/pick";
import { SlotChart } from "../ui/slot-chart";
import { SlotTable } from "../ui/slot-table";
import {
  filled,
  type Interval,
  RANGES,
  type Range,
  START,
  slotCell,
  slotHead,
  slotName,
  upToNow,
} from "../ui/slots";
import { asNumber } from "../ui/when";
import { Breakdown } from "./breakdown";
import type { Counts, Slot, Stats } from "./types";

const BY: [keyof Stats, string][] = [
  ["by_country", "Country"],
  ["by_referrer", "Referrer"],
  ["by_device", "Device"],
  ["by_browser", "Browser"],
  ["by_os", "System"],
];
const INTERVALS = [
  ["hour", "hour"],
  ["day", "day"],
] as const;
const NONE = "No clicks in this time.";

/** What was asked, with its answer. */
interface Shown {
  stats: Stats;
  slots: Slot[];
  interval: Interval;
}

async function ask(code: string, range: Range, interval: Interval): Promise<Shown> {
  const span = upToNow(range, interval);
  const from = new Date(span.first).toISOString();
  const at = `/api/v1/stats/${encodeURIComponent(code)}`;
  const { body } = await call<Stats>(at, { query: { from, interval } });
  // The API leaves out what has none.
  const slots = filled(body.series, span).map(({ at, told }) => told ?? { at, clicks: 0 });
  return { stats: body, slots, interval };
}

function sums({ clicks, unique_visitors, bots }: Stats) {
  const all: [string, number | undefined, string][] = [
    ["Clicks", clicks, "by people"],
    ["Unique visitors", unique_visitors, "about; each day anew"],
    ["Bots", bots, "counted apart"],
  ];
  return all.flatMap(([name, count, hint]) =>
    count === undefined ? [] : [[name, asNumber(count), hint] as const],
  );
}

function Clicks({ slots, interval }: { slots: Slot[]; interval: Interval }) {
  const some = slots.filter(({ clicks }) => clicks > 0);
  const sum = some.reduce((total, { clicks }) => total + clicks, 0);
  const peak = some.toSorted((one, other) => other.clicks - one.clicks)[0];
  const most = peak ? `; most ${asNumber(peak.clicks)}, ${slotName(peak.at, interval)}` : "";
  return (
    <div class="card chart-card">
      <SlotChart
        slots={slots}
        values={slots.map(({ clicks }) => clicks)}
        interval={interval}
        title={`Clicks per ${interval}`}
        worded={(clicks) => `clicks: ${asNumber(clicks ?? 0)}`}
        name={`Chart of clicks per ${interval}: ${asNumber(sum)} in all${most}.`}
      />
      <SlotTable
        caption={`Clicks per ${interval}; what has none is left out`}
        first={slotHead(interval)}
        columns={["Clicks"]}
        rows={some.map(({ at, clicks }) => ({
          key: at,
          name: slotCell(at, interval),
          cells: [asNumber(clicks)],
        }))}
        none={NONE}
      />
    </div>
  );
}

export function Numbers({ code }: { code: string }) {
  const [range, setRange] = useState<Range>(START);
  const [interval, setInterval] = useState<Interval>(START.interval);
  const asked = useAsked(
    () => ask(code, range, interval),
    [code, range, interval],
    ({ stats }) => `${asNumber(stats.clicks)} clicks`,
  );
  const choose = (name: string) => {
    const next = RANGES.find((each) => each.name === name) ?? range;
    setRange(next);
    setInterval(next.interval);
  };
  const tools = (
    <>
      <Pick
        label="Time"
        value={range.name}
        options={RANGES.map(({ name }) => [name, name])}
        onPick={choose}
      />
      <Pick label="By" value={interval} options={INTERVALS} onPick={setInterval} />
    </>
  );
  return (
    <Frame id="numbers" title="Clicks" asked={asked} tools={tools}>
      {({ stats, slots, interval }) => (
        <>
          <Sums sums={sums(stats)} />
          <Clicks slots={slots} interval={interval} />
          <div class="breakdowns">
            {BY.filter(([field]) => stats[field] !== undefined).map(([field, title]) => (
              <Breakdown key={field} title={title} counts={stats[field] as Counts} />
            ))}
          </div>
        </>
      )}
    </Frame>
  );
}
