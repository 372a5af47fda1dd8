// How a video went for its viewers: figures, one of them over time, by country and by device.
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
  type Slot as Filled,
  START,
  slotCell,
  slotHead,
  upToNow,
  WIDTH_MS,
} from "../ui/slots";
import { asNumber } from "../ui/when";
import { Breakdown } from "./breakdown";
import { type Figure, FIGURES, worded } from "./figures";
import { path, type Quality, type Slot } from "./types";

const NONE = "Nobody watched in this time.";
/** What is told of a video is kept for so long. */
const KEPT_MS = 90 * WIDTH_MS.day;
const KEPT = RANGES.filter(({ ms }) => ms <= KEPT_MS);

/** What was asked, with its answer. */
interface Shown {
  quality: Quality;
  slots: Filled<Slot>[];
  interval: Interval;
}

async function ask(id: string, range: Range): Promise<Shown> {
  const { interval } = range;
  const span = upToNow(range, interval);
  const query = { from: new Date(span.first).toISOString(), interval };
  const { body } = await call<Quality>(path(id, "quality"), { query });
  return { quality: body, slots: filled(body.series, span), interval };
}

function OverTime({ figure, slots, interval }: { figure: Figure } & Omit<Shown, "quality">) {
  const values = slots.map(({ told }) => told && figure.of(told));
  const most = Math.max(...values.map((value) => value ?? 0));
  const title = `${figure.name} per ${interval}`;
  return (
    <div class="card chart-card">
      <SlotChart
        slots={slots}
        values={values}
        interval={interval}
        title={title}
        worded={(value) => (value === null ? "nothing" : figure.words(value))}
        name={`Chart of ${title}; at most ${figure.words(most)}.`}
      />
      <SlotTable
        kind="of-quality"
        caption={`Quality per ${interval}; what nobody watched is left out`}
        first={slotHead(interval)}
        columns={FIGURES.map(({ name }) => name)}
        rows={slots.flatMap(({ at, told }) =>
          told === null
            ? []
            : [{
                key: at,
                name: slotCell(at, interval),
                cells: FIGURES.map((each) => worded(each, told)),
              }],
        )}
        none={NONE}
      />
    </div>
  );
}

export function Numbers({ id }: { id: string }) {
  const [range, setRange] = useState<Range>(START);
  const [figure, setFigure] = useState<Figure>(FIGURES[0]);
  const asked = useAsked(
    () => ask(id, range),
    [id, range],
    ({ quality }) => `${asNumber(quality.plays)} plays`,
  );
  const named = <T extends { name: string }>(all: readonly T[], name: string, now: T): T =>
    all.find((each) => each.name === name) ?? now;
  const tools = (
    <>
      <Pick
        label="Time"
        value={range.name}
        options={KEPT.map(({ name }) => [name, name])}
        onPick={(name) => setRange(named(KEPT, name, range))}
      />
      <Pick
        label="Chart of"
        value={figure.name}
        options={FIGURES.map(({ name }) => [name, name])}
        onPick={(name) => setFigure(named<Figure>(FIGURES, name, figure))}
      />
    </>
  );
  return (
    <Frame id="quality" title="How it went for viewers" asked={asked} tools={tools}>
      {({ quality, slots, interval }) => (
        <>
          <Sums sums={FIGURES.map((each) => [each.name, worded(each, quality), each.hint])} />
          <OverTime figure={figure} slots={slots} interval={interval} />
          <div class="breakdowns of-quality">
            <Breakdown title="Country" of={quality.by_country} />
            <Breakdown title="Device" of={quality.by_device} />
          </div>
        </>
      )}
    </Frame>
  );
}
