// Quality by one property of viewers.
//
// Invariant: the most played first; the bars are plays. Refused: what every such table does
// (`ui/breakdown`).

import { Breakdown as Table, regionName } from "../ui/breakdown";
import { capital } from "../ui/when";
import { FIGURES, worded } from "./figures";
import type { Figures } from "./types";

function named(title: string, name: string): string {
  if (name === "??") return "Unknown";
  if (title === "Device") return name === "tv" ? "TV" : capital(name);
  return regionName(name);
}

export function Breakdown({ title, of }: { title: string; of: Record<string, Figures> }) {
  const sorted = Object.entries(of).sort(
    ([a, m], [b, n]) => n.plays - m.plays || n.watched_ms - m.watched_ms || a.localeCompare(b),
  );
  return (
    <Table
      title={title}
      caption={`Quality by ${title.toLowerCase()}`}
      columns={FIGURES.map(({ name }) => [name])}
      rows={sorted.map(([key, figures]) => ({
        key,
        name: named(title, key),
        size: figures.plays,
        cells: FIGURES.map((figure) => worded(figure, figures)),
      }))}
      none="Nobody watched in this time."
    />
  );
}
