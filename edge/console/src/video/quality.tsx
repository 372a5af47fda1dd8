// How a video went for its viewers: figures, one of them over time, by country and by device.
//
// Invariant: the table beside the chart says the same, slot by slot; slots are the API's, of UTC.
// Refused: to add numbers up that the API has added up already.

import { useEffect, useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { say } from "../ui/announce";
import { asNumber, asUtcDay } from "../ui/when";
import { Breakdown } from "./breakdown";
import { Chart, slotName } from "./chart";
import {
  DAY_MS,
  type Figure,
  FIGURES,
  type Filled,
  filled,
  HOUR_MS,
  type Interval,
  worded,
} from "./figures";
import { path, type Quality } from "./types";

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
];

/** What was asked, with its answer. */
interface Shown {
  quality: Quality;
  slots: Filled[];
  interval: Interval;
}

async function ask(id: string, { ms, interval }: Range): Promise<Shown> {
  const width = interval === "hour" ? HOUR_MS : DAY_MS;
  const now = Date.now();
  // The slot that we are in is the last of them.
  const first = now - (now % width) - ms + width;
  const query = { from: new Date(first).toISOString(), interval };
  const { body } = await call<Quality>(path(id, "quality"), { query });
  return { quality: body, slots: filled(body.series, first, now, width), interval };
}

function Sums({ quality }: { quality: Quality }) {
  return (
    <dl class="sums">
      {FIGURES.map((figure) => (
        <div key={figure.name}>
          <dt>{figure.name}</dt>
          <dd>{worded(figure, quality)}</dd>
          <dd class="hint">{figure.hint}</dd>
        </div>
      ))}
    </dl>
  );
}

function SlotTable({ slots, interval }: { slots: Filled[]; interval: Interval }) {
  const some = slots.filter(({ figures }) => figures !== null).reverse();
  return (
    <details class="slots of-quality">
      <summary>The same as a table</summary>
      <table>
        <caption class="silent">Quality per {interval}; what nobody watched is left out</caption>
        <thead>
          <tr>
            <th scope="col">{interval === "hour" ? "Hour from" : "Day (UTC)"}</th>
            {FIGURES.map(({ name }) => (
              <th scope="col" class="count" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {some.map(({ at, figures }) => (
            <tr key={at}>
              <th scope="row">{interval === "hour" ? slotName(at, interval) : asUtcDay(at)}</th>
              {FIGURES.map((figure) => (
                <td class="count" key={figure.name}>
                  {figures && worded(figure, figures)}
                </td>
              ))}
            </tr>
          ))}
          {some.length === 0 && (
            <tr>
              <td colSpan={1 + FIGURES.length} class="none">
                Nobody watched in this time.
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </details>
  );
}

interface ToolsProps {
  range: Range;
  setRange: (range: Range) => void;
  figure: Figure;
  setFigure: (figure: Figure) => void;
  refresh: () => void;
}

function Tools({ range, setRange, figure, setFigure, refresh }: ToolsProps) {
  const named = <T extends { name: string }>(all: readonly T[], name: string, now: T): T =>
    all.find((each) => each.name === name) ?? now;
  return (
    <div class="row">
      <label class="inline">
        <span>Time</span>
        <select
          value={range.name}
          onChange={(event) => setRange(named(RANGES, event.currentTarget.value, range))}
        >
          {RANGES.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label class="inline">
        <span>Chart of</span>
        <select
          value={figure.name}
          onChange={(event) =>
            setFigure(named<Figure>(FIGURES, event.currentTarget.value, figure))
          }
        >
          {FIGURES.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <button type="button" class="plain" onClick={refresh}>
        Refresh
      </button>
    </div>
  );
}

export function Numbers({ id }: { id: string }) {
  const [range, setRange] = useState<Range>(RANGES[1] as Range);
  const [figure, setFigure] = useState<Figure>(FIGURES[0]);
  const [turn, setTurn] = useState(0);
  const [shown, setShown] = useState<Shown | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    let over = false;
    setBusy(true);
    ask(id, range)
      .then((answer) => {
        if (over) return;
        setShown(answer);
        setWrong(null);
        if (turn > 0) say(`${asNumber(answer.quality.plays)} plays`);
      })
      .catch((why: unknown) => !over && setWrong(sentence(problemIn(why))))
      .finally(() => !over && setBusy(false));
    return () => void (over = true);
  }, [id, range, turn]);

  return (
    <section aria-labelledby="quality" aria-busy={busy} class="numbers">
      <div class="list-head">
        <h2 id="quality">How it went for viewers</h2>
        <Tools
          range={range}
          setRange={setRange}
          figure={figure}
          setFigure={setFigure}
          refresh={() => setTurn(turn + 1)}
        />
      </div>
      <div role="alert">{wrong && <p class="error">{wrong}</p>}</div>
      {shown && (
        <>
          <Sums quality={shown.quality} />
          <div class="card chart-card">
            <Chart figure={figure} slots={shown.slots} interval={shown.interval} />
            <SlotTable slots={shown.slots} interval={shown.interval} />
          </div>
          <div class="breakdowns of-quality">
            <Breakdown title="Country" of={shown.quality.by_country} />
            <Breakdown title="Device" of={shown.quality.by_device} />
          </div>
        </>
      )}
    </section>
  );
}
