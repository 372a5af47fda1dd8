// The numbers of a link: clicks over time, and by what.
//
// Invariant: the table beside the chart says the same, slot by slot; slots are the API's, of UTC.
// Refused: to add numbers up that the API has added up already.

import { useEffect, useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { say } from "../ui/announce";
import { asMoment, asNumber, asUtcDay } from "../ui/when";
import { Breakdown } from "./breakdown";
import { Chart } from "./chart";
import { DAY_MS, filled, HOUR_MS, type Interval } from "./series";
import type { Counts, Slot, Stats } from "./types";

interface Range {
  name: string;
  ms: number;
  interval: Interval;
}

const RANGES: Range[] = [
  { name: "24 hours", ms: DAY_MS, interval: "hour" },
  { name: "7 days", ms: 7 * DAY_MS, interval: "hour" },
  { name: "30 days", ms: 30 * DAY_MS, interval: "day" },
  { name: "90 days", ms: 90 * DAY_MS, interval: "day" },
  { name: "12 months", ms: 365 * DAY_MS, interval: "day" },
];

const BY: [keyof Stats, string][] = [
  ["by_country", "Country"],
  ["by_referrer", "Referrer"],
  ["by_device", "Device"],
  ["by_browser", "Browser"],
  ["by_os", "System"],
];

/** What was asked, with its answer. */
interface Shown {
  stats: Stats;
  slots: Slot[];
  interval: Interval;
}

async function ask(code: string, range: Range, interval: Interval): Promise<Shown> {
  const width = interval === "hour" ? HOUR_MS : DAY_MS;
  const now = Date.now();
  // The slot that we are in is the last of them.
  const first = now - (now % width) - range.ms + width;
  const from = new Date(first).toISOString();
  const at = `/api/v1/stats/${encodeURIComponent(code)}`;
  const { body } = await call<Stats>(at, { query: { from, interval } });
  return { stats: body, slots: filled(body.series, first, now, width), interval };
}

function Sums({ stats }: { stats: Stats }) {
  const sums: [string, number | undefined, string][] = [
    ["Clicks", stats.clicks, "by people"],
    ["Unique visitors", stats.unique_visitors, "about; each day anew"],
    ["Bots", stats.bots, "counted apart"],
  ];
  return (
    <dl class="sums">
      {sums
        .filter(([, value]) => value !== undefined)
        .map(([name, value, hint]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{asNumber(value ?? 0)}</dd>
            <dd class="hint">{hint}</dd>
          </div>
        ))}
    </dl>
  );
}

function SlotTable({ slots, interval }: { slots: Slot[]; interval: Interval }) {
  const some = slots.filter(({ clicks }) => clicks > 0).reverse();
  return (
    <details class="slots">
      <summary>The same as a table</summary>
      <table>
        <caption class="silent">Clicks per {interval}; what has none is left out</caption>
        <thead>
          <tr>
            <th scope="col">{interval === "hour" ? "Hour from" : "Day (UTC)"}</th>
            <th scope="col" class="count">
              Clicks
            </th>
          </tr>
        </thead>
        <tbody>
          {some.map(({ at, clicks }) => (
            <tr key={at}>
              <th scope="row">{interval === "hour" ? asMoment(at) : asUtcDay(at)}</th>
              <td class="count">{asNumber(clicks)}</td>
            </tr>
          ))}
          {some.length === 0 && (
            <tr>
              <td colSpan={2}>No clicks in this time.</td>
            </tr>
          )}
        </tbody>
      </table>
    </details>
  );
}

export function Numbers({ code }: { code: string }) {
  const [range, setRange] = useState<Range>(RANGES[1] as Range);
  const [interval, setInterval] = useState<Interval>("hour");
  const [turn, setTurn] = useState(0);
  const [shown, setShown] = useState<Shown | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    let over = false;
    setBusy(true);
    ask(code, range, interval)
      .then((answer) => {
        if (over) return;
        setShown(answer);
        setWrong(null);
        if (turn > 0) say(`${asNumber(answer.stats.clicks)} clicks`);
      })
      .catch((why: unknown) => !over && setWrong(sentence(problemIn(why))))
      .finally(() => !over && setBusy(false));
    return () => void (over = true);
  }, [range, interval, turn]);

  const choose = (name: string) => {
    const next = RANGES.find((each) => each.name === name) ?? range;
    setRange(next);
    setInterval(next.interval);
  };
  return (
    <section aria-labelledby="numbers" aria-busy={busy} class="numbers">
      <div class="list-head">
        <h2 id="numbers">Clicks</h2>
        <div class="row">
          <label class="inline">
            <span>Time</span>
            <select value={range.name} onChange={(event) => choose(event.currentTarget.value)}>
              {RANGES.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <label class="inline">
            <span>By</span>
            <select
              value={interval}
              onChange={(event) => setInterval(event.currentTarget.value as Interval)}
            >
              <option value="hour">hour</option>
              <option value="day">day</option>
            </select>
          </label>
          <button type="button" class="plain" onClick={() => setTurn(turn + 1)}>
            Refresh
          </button>
        </div>
      </div>
      <div role="alert">{wrong && <p class="error">{wrong}</p>}</div>
      {shown && (
        <>
          <Sums stats={shown.stats} />
          <div class="card chart-card">
            <Chart slots={shown.slots} interval={shown.interval} />
            <SlotTable slots={shown.slots} interval={shown.interval} />
          </div>
          <div class="breakdowns">
            {BY.filter(([field]) => shown.stats[field] !== undefined).map(([field, title]) => (
              <Breakdown key={field} title={title} counts={shown.stats[field] as Counts} />
            ))}
          </div>
        </>
      )}
    </section>
  );
}
