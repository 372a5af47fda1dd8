// Quality by one property of viewers, as a table with bars.
//
// Invariant: the most played first; the bar repeats the number of plays and is no information of its
// own. Refused: more rows than ten until they are asked for.

import { useState } from "preact/hooks";
import { FIGURES, worded } from "./figures";
import type { Figures } from "./types";

const ROWS = 10;
const regions = new Intl.DisplayNames(undefined, { type: "region", fallback: "code" });

function named(title: string, name: string): string {
  if (name === "??") return "Unknown";
  if (title === "Device") return name === "tv" ? "TV" : name[0]?.toUpperCase() + name.slice(1);
  try {
    return regions.of(name) ?? name;
  } catch {
    return name;
  }
}

export function Breakdown({ title, of }: { title: string; of: Record<string, Figures> }) {
  const [all, setAll] = useState(false);
  const sorted = Object.entries(of).sort(
    ([a, m], [b, n]) => n.plays - m.plays || n.watched_ms - m.watched_ms || a.localeCompare(b),
  );
  const most = Math.max(1, sorted[0]?.[1].plays ?? 1);
  return (
    <div class="card breakdown">
      <table>
        <caption class="silent">Quality by {title.toLowerCase()}</caption>
        <thead>
          <tr>
            <th scope="col" class="title">
              {title}
            </th>
            {FIGURES.map(({ name }) => (
              <th scope="col" class="count" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, all ? undefined : ROWS).map(([name, figures]) => (
            <tr key={name}>
              <th scope="row">
                <span
                  class="bar"
                  aria-hidden="true"
                  style={{ width: `${(100 * figures.plays) / most}%` }}
                />
                <span class="name" title={named(title, name)}>
                  {named(title, name)}
                </span>
              </th>
              {FIGURES.map((figure) => (
                <td class="count" key={figure.name}>
                  {worded(figure, figures)}
                </td>
              ))}
            </tr>
          ))}
          {sorted.length === 0 && (
            <tr>
              <td colSpan={1 + FIGURES.length} class="none">
                Nobody watched in this time.
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
