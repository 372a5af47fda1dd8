// Clicks by one property.
//
// Invariant: the largest first. Refused: what every such table does (`ui/breakdown`).

import { Breakdown as Table, regionName } from "../ui/breakdown";
import { asNumber, capital } from "../ui/when";
import type { Counts } from "./types";

const PERCENT = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });

function worded(title: string, name: string): string {
  if (name === "??" || name === "") return "Unknown";
  if (name === "direct") return "Direct";
  if (title === "Device" || title === "System") return capital(name);
  return title === "Country" ? regionName(name) : name;
}

export function Breakdown({ title, counts }: { title: string; counts: Counts }) {
  const sorted = Object.entries(counts).sort(([a, m], [b, n]) => n - m || a.localeCompare(b));
  const sum = sorted.reduce((total, [, count]) => total + count, 0);
  return (
    <Table
      title={title}
      caption={`Clicks by ${title.toLowerCase()}`}
      columns={[["Clicks"], ["Share", "share"]]}
      rows={sorted.map(([key, count]) => ({
        key,
        name: worded(title, key),
        size: count,
        cells: [asNumber(count), PERCENT.format(count / sum)],
      }))}
      none="No clicks in this time."
    />
  );
}
