// What a policy decides, live: sums, chart, table, and the busiest keys.
//
// Invariant: the table says the same as the chart, slot by slot; what changes by itself can be
// paused. Refused: to read every change out.

import { useState } from "preact/hooks";
import { Pick } from "../ui/pick";
import { SlotTable } from "../ui/slot-table";
import { asNumber, asTime } from "../ui/when";
import { Chart } from "./chart";
import { Hottest } from "./hottest";
import { useUsage } from "./live";
import { KIND_NAMES, KINDS, type Kinds, kindsOf, sum } from "./series";

const MINUTE_MS = 60_000;
const SPANS: [string, number][] = [
  ["5 minutes", 5 * MINUTE_MS],
  ["15 minutes", 15 * MINUTE_MS],
  ["1 hour", 60 * MINUTE_MS],
];

function Sums({ counts }: { counts: Kinds }) {
  return (
    <dl class="sums by-kind">
      {KINDS.map((kind) => (
        <div key={kind} data-kind={kind}>
          <dt>
            <span class={`swatch ${kind}`} aria-hidden="true" />
            {KIND_NAMES[kind]}
          </dt>
          <dd>{asNumber(counts[kind])}</dd>
        </div>
      ))}
    </dl>
  );
}

interface ToolsProps {
  span: number;
  setSpan: (span: number) => void;
  paused: boolean;
  setPaused: (paused: boolean) => void;
}

function Tools({ span, setSpan, paused, setPaused }: ToolsProps) {
  return (
    <div class="row">
      <Pick
        label="Time"
        value={String(span)}
        options={SPANS.map(([name, ms]) => [String(ms), name])}
        onPick={(ms) => setSpan(Number(ms))}
      />
      <button type="button" class="plain" aria-pressed={paused} onClick={() => setPaused(!paused)}>
        Pause
      </button>
    </div>
  );
}

export function Decisions({ name }: { name: string }) {
  const [span, setSpan] = useState(5 * MINUTE_MS);
  const [paused, setPaused] = useState(false);
  const { shown, wrong } = useUsage(name, span, paused);
  const counts = shown && kindsOf(shown.usage);
  return (
    <section class="numbers" aria-labelledby="decisions">
      <div class="list-head">
        <h2 id="decisions">
          Decisions <span class="hint">{paused ? "paused" : "live"}</span>
        </h2>
        <Tools span={span} setSpan={setSpan} paused={paused} setPaused={setPaused} />
      </div>
      <div role="alert">{wrong && <p class="error">{wrong}</p>}</div>
      {shown && counts && (
        <>
          <Sums counts={counts} />
          <div class="card chart-card">
            <Chart slots={shown.slots} counts={counts} />
            <SlotTable
              kind="by-kind"
              caption="Decisions per 10 seconds; what has none is left out"
              first="From"
              columns={KINDS.map((kind) => KIND_NAMES[kind])}
              rows={shown.slots
                .filter((slot) => sum(slot) > 0)
                .map((slot) => ({
                  key: slot.at,
                  name: asTime(slot.at),
                  cells: KINDS.map((kind) => asNumber(slot[kind])),
                }))}
              none="No decisions in this time."
            />
          </div>
          <Hottest keys={shown.usage.hottest} />
        </>
      )}
    </section>
  );
}
