// Clicks by one property, as a table with bars.
//
// Invariant: the largest first; the bar repeats the number and is no information of its own.
// Refused: more rows than ten until they are asked for.

import { useState } from "preact/hooks";
import { asNumber } from "../ui/when";
import type { Counts } from "./types";

const ROWS = 10;
const PERCENT = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });

const regions = new Intl.DisplayNames(undefined, { type: "region", fallback: "code" });

function worded(title: string, name: string): string {
  if (name === "??" || name === "") return "Unknown";
  if (name === "direct") return "Direct";
  if (title === "Device" || title === "System") return name[0]?.toUpperCase() + name.slice(1);
  if (title !== "Country") return name;
  try {
    return regions.of(name) ?? name;
  } catch {
    return name;
  }
}

export function Breakdown({ title, counts }: { title: string; counts: Counts }) {
  const [all, setAll] = useState(false);
  const sorted = Object.entries(counts).sort(([a, m], [b, n]) => n - m || a.localeCompare(b));
  const sum = sorted.reduce((total, [, count]) => total + count, 0);
  const most = sorted[0]?.[1] ?? 1;
  return (
    <div class="card breakdown">
      <table>
        <caption class="silent">Clicks by {title.toLowerCase()}</caption>
        <thead>
          <tr>
            <th scope="col" class="title">
              {title}
            </th>
            <th scope="col" class="count">
              Clicks
            </th>
            <th scope="col" class="count share">
              Share
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, all ? undefined : ROWS).map(([name, count]) => (
            <tr key={name}>
              <th scope="row">
                <span class="bar" aria-hidden="true" style={{ width: `${(100 * count) / most}%` }} />
                <span class="name" title={worded(title, name)}>
                  {worded(title, name)}
                </span>
              </th>
              <td class="count">{asNumber(count)}</td>
              <td class="count share">{PERCENT.format(count / sum)}</td>
            </tr>
          ))}
          {sorted.length === 0 && (
            <tr>
              <td colSpan={3} class="none">
                No clicks in this time.
              </td>
            </tr>
          )}
        </tbody>
      </table>
      {sorted.length > ROWS && (
        <button type="button" class="quiet" onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? "Show fewer" : `Show all ${sorted.length}`}
        </button>
      )}
    </div>
  );
}
