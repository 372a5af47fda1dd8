// Numbers by one property, as a table with bars.
//
// Invariant: the bar repeats a number and is no information of its own. Refused: more rows than ten
// until they are asked for.

import { useState } from "preact/hooks";

const ROWS = 10;
const regions = new Intl.DisplayNames(undefined, { type: "region", fallback: "code" });

/** A country by its name. */
export function regionName(code: string): string {
  try {
    return regions.of(code) ?? code;
  } catch {
    return code;
  }
}

export interface Row {
  key: string;
  name: string;
  /** As long as its bar is, of the first row's. */
  size: number;
  cells: string[];
}

interface Props {
  title: string;
  caption: string;
  /** Of the cells; the first is always there, of the others narrow places may hide those. */
  columns: readonly (readonly [name: string, kind?: string])[];
  /** The largest first. */
  rows: Row[];
  /** Said when there is none. */
  none: string;
}

export function Breakdown({ title, caption, columns, rows, none }: Props) {
  const [all, setAll] = useState(false);
  const most = Math.max(1, rows[0]?.size ?? 1);
  const kind = (n: number): string => ["count", columns[n]?.[1]].filter(Boolean).join(" ");
  return (
    <div class="card breakdown">
      <table>
        <caption class="silent">{caption}</caption>
        <thead>
          <tr>
            <th scope="col" class="title">
              {title}
            </th>
            {columns.map(([name], n) => (
              <th scope="col" class={kind(n)} key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, all ? undefined : ROWS).map(({ key, name, size, cells }) => (
            <tr key={key}>
              <th scope="row">
                <span class="bar" aria-hidden="true" style={{ width: `${(100 * size) / most}%` }} />
                <span class="name" title={name}>
                  {name}
                </span>
              </th>
              {cells.map((cell, n) => (
                <td class={kind(n)} key={columns[n]?.[0]}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
          {rows.length === 0 && (
            <tr>
              <td colSpan={1 + columns.length} class="none">
                {none}
              </td>
            </tr>
          )}
        </tbody>
      </table>
      {rows.length > ROWS && (
        <button type="button" class="quiet" onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? "Show fewer" : `Show all ${rows.length}`}
        </button>
      )}
    </div>
  );
}
