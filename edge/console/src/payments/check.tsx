// The ledger's check mark: asked for, never assumed.
//
// Invariant: a mark says when it was made; whatever fails takes it away. Refused: a mark for a check
// that did not look at everything of the application.

import { useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { hasPath } from "../openapi";
import { say } from "../ui/announce";
import { Icon } from "../ui/icon";
import { asNumber, asTime } from "../ui/when";
import { money } from "./money";
import type { LedgerCheck as Checked } from "./types";

const PATH = "/api/v1/ledger/check";

function Result({ result, when }: { result: Checked; when: number }) {
  const sums = Object.entries(result.by_currency);
  return (
    <div class={`verdict ${result.ok ? "good" : "bad"}`}>
      <p class="mark-line">
        <Icon name={result.ok ? "check" : "close"} />
        <strong>{result.ok ? "The ledger adds up" : "The ledger does not add up"}</strong>
        <span class="hint">
          at {asTime(when)}: {asNumber(result.accounts)} accounts, {asNumber(result.entries)} entries
        </span>
      </p>
      {sums.length > 0 && (
        <p class="hint">
          Sum of all balances: {sums.map(([code, sum]) => money(sum, code)).join(", ")}
        </p>
      )}
      {result.faults.length > 0 && (
        <ul class="faults">
          {result.faults.map((fault) => (
            <li key={fault} class="breakable">
              {fault}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

export function LedgerCheck() {
  const [busy, setBusy] = useState(false);
  const [found, setFound] = useState<{ result: Checked; when: number } | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  if (!hasPath(PATH)) return null;

  const check = async () => {
    if (busy) return;
    setBusy(true);
    setWrong(null);
    try {
      const { body } = await call<Checked>(PATH);
      setFound({ result: body, when: Date.now() });
      say(body.ok ? "The ledger adds up" : "The ledger does not add up");
    } catch (why) {
      setFound(null);
      setWrong(sentence(problemIn(why)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="card ledger" aria-labelledby="ledger-title">
      <div class="list-head">
        <h2 id="ledger-title">Ledger</h2>
        <button type="button" class="plain" onClick={check} aria-disabled={busy}>
          {busy ? "Checking…" : "Check the ledger"}
        </button>
      </div>
      <div role="alert">{wrong && <p class="error">{wrong}</p>}</div>
      {found ? (
        <Result {...found} />
      ) : (
        <p class="hint">
          Every balance is held against the sum of its entries, and every currency must sum to zero.
        </p>
      )}
    </section>
  );
}
