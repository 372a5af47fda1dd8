// The numbers of a chart as a table that can be opened, the newest slot first.
//
// Invariant: what stands in the chart stands here. Refused: slots that nothing was told of; who shows
// the chart leaves them out.

interface Row {
  key: string | number;
  /** Of the slot. */
  name: string;
  cells: string[];
}

interface Props {
  /** What tells tables of several columns apart, for the style. */
  kind?: string;
  caption: string;
  /** Over the slots' names. */
  first: string;
  columns: readonly string[];
  /** In the order of time. */
  rows: Row[];
  /** Said when there is none. */
  none: string;
}

export function SlotTable({ kind, caption, first, columns, rows, none }: Props) {
  return (
    <details class={kind ? `slots ${kind}` : "slots"}>
      <summary>The same as a table</summary>
      <table>
        <caption class="silent">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{first}</th>
            {columns.map((column) => (
              <th scope="col" class="count" key={column}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.toReversed().map(({ key, name, cells }) => (
            <tr key={key}>
              <th scope="row">{name}</th>
              {cells.map((cell, n) => (
                <td class="count" key={columns[n]}>
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
    </details>
  );
}
