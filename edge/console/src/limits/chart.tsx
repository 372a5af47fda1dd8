// Decisions over time as stacked bars.
//
// Invariant: the whole bar is drawn first and the lower kinds over it, so that each shows its own
// part. Refused: what every picture of numbers does (`ui/plot`).

import { useMemo, useState } from "preact/hooks";
import type uPlot from "uplot";
import { bars, type Look, Plot } from "../ui/plot";
import { asNumber, asTime } from "../ui/when";
import { KIND_NAMES, KINDS, type Kinds, type Slot, SLOT_MS, sum } from "./series";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const MINUTE_S = 60;
const TOP_FIRST = [...KINDS].reverse();

const LOOK: Look = {
  width: SLOT_MS / 1000,
  steps: [1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_S),
  tick: (seconds) => clock.format(new Date(seconds * 1000)),
  series: () => TOP_FIRST.map((kind) => bars(KIND_NAMES[kind], `--${kind}`)),
};

/** Up to which height each kind reaches, the topmost kind first. */
function stacked(slots: Slot[]): uPlot.AlignedData {
  const upTo = TOP_FIRST.map((top) => {
    const kinds = KINDS.slice(0, KINDS.indexOf(top) + 1);
    return slots.map((slot) => kinds.reduce((height, kind) => height + slot[kind], 0));
  });
  return [slots.map(({ at }) => (at + SLOT_MS / 2) / 1000), ...upTo];
}

const worded = (kinds: Kinds): string =>
  KINDS.filter((kind) => kind === "allowed" || kind === "refused" || kinds[kind] > 0)
    .map((kind) => `${KIND_NAMES[kind].toLowerCase()} ${asNumber(kinds[kind])}`)
    .join(", ");

export function Chart({ slots, counts }: { slots: Slot[]; counts: Kinds }) {
  const [hovered, setHovered] = useState<number | null>(null);
  const data = useMemo(() => stacked(slots), [slots]);
  const peak = Math.max(...slots.map(sum));
  const under = hovered === null ? undefined : slots[hovered];
  return (
    <div class="chart">
      <p class="hover" aria-hidden="true">
        {under ? `${asTime(under.at)} · ${worded(under)}` : "Decisions per 10 seconds"}
      </p>
      <Plot
        look={LOOK}
        data={data}
        name={`Chart of decisions per 10 seconds: ${worded(counts)}; most ${asNumber(peak)}.`}
        onHover={setHovered}
      />
    </div>
  );
}
