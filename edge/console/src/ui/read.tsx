// One thing of the API, read when its place is entered; what stands where it will be, and its facts.
//
// Invariant: an answer that comes after its view has gone is dropped. Refused: to show what is gone.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";

export function useRead<T>(path: string) {
  const [value, setValue] = useState<T | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);

  useEffect(() => {
    const own = new AbortController();
    setWrong(null);
    call<T>(path, { signal: own.signal }).then(
      ({ body }) => setValue(() => body),
      (why: unknown) => {
        if (!own.signal.aborted) setWrong(sentence(problemIn(why)));
      },
    );
    return () => own.abort();
  }, [path, turn]);

  return { value, wrong, set: (next: T) => setValue(() => next), again: () => setTurn(turn + 1) };
}

interface WaitProps {
  wrong: string | null;
  ready: boolean;
  again: () => void;
}

/** What stands where a thing will be. */
export function Wait({ wrong, ready, again }: WaitProps) {
  return (
    <>
      <div role="alert">
        {wrong && (
          <div class="empty">
            <p>{wrong}</p>
            <button type="button" class="plain" onClick={again}>
              Try again
            </button>
          </div>
        )}
      </div>
      {!ready && !wrong && <p role="status">Loading…</p>}
    </>
  );
}

interface FactsProps {
  rows: readonly (readonly [name: string, value: ComponentChildren])[];
}

export function Facts({ rows }: FactsProps) {
  return (
    <dl class="facts">
      {rows
        .filter(([, value]) => value !== null && value !== undefined && value !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="breakable">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** Where something stands. */
export function Badge({ state, children }: { state: string; children: ComponentChildren }) {
  return <span class={`badge ${state}`}>{children}</span>;
}
