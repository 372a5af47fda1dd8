// The busiest keys of a policy.
//
// Invariant: a key is shown as its hash, which is all that the API keeps; one that was typed on
// this page goes by its name. Refused: to guess a key.

import { asNumber } from "../ui/when";
import { typed } from "./store";
import type { KeyCounts } from "./types";

function Row({ one, most }: { one: KeyCounts; most: number }) {
  const name = typed.value[one.key_hash];
  const width = `${(100 * (one.allowed + one.refused)) / most}%`;
  return (
    <tr data-hash={one.key_hash}>
      <th scope="row">
        <span class="bar" aria-hidden="true" style={{ width }} />
        <span class="name">
          {name && <strong title={name}>{name}</strong>}
          <code>{one.key_hash}</code>
        </span>
      </th>
      <td class="count">{asNumber(one.allowed)}</td>
      <td class="count">{asNumber(one.refused)}</td>
    </tr>
  );
}

export function Hottest({ keys }: { keys: KeyCounts[] }) {
  const most = Math.max(1, ...keys.map(({ allowed, refused }) => allowed + refused));
  return (
    <div class="card breakdown hottest">
      <table>
        <caption class="silent">The busiest keys of these hours, by the hash of the key</caption>
        <thead>
          <tr>
            <th scope="col" class="title">
              Hottest keys
            </th>
            <th scope="col" class="count">
              Allowed
            </th>
            <th scope="col" class="count">
              Refused
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((one) => (
            <Row key={one.key_hash} one={one} most={most} />
          ))}
          {keys.length === 0 && (
            <tr>
              <td colSpan={3} class="none">
                No keys in this time.
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}
