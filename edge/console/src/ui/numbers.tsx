// Numbers that are asked for again when what they are asked of changes, or at a press.
//
// Invariant: the last answer stays until the next has come; one that comes too late is dropped.
// Refused: to know what the numbers are.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { problemIn, sentence } from "../api";
import { say } from "./announce";

export interface Asked<T> {
  shown: T | null;
  wrong: string | null;
  busy: boolean;
  again: () => void;
}

/** `of`: what `ask` depends on. `told`: said when somebody pressed for it. */
export function useAsked<T>(
  ask: () => Promise<T>,
  of: readonly unknown[],
  told: (answer: T) => string,
): Asked<T> {
  const [turn, setTurn] = useState(0);
  const [shown, setShown] = useState<T | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    let over = false;
    setBusy(true);
    ask()
      .then((answer) => {
        if (over) return;
        setShown(() => answer);
        setWrong(null);
        if (turn > 0) say(told(answer));
      })
      .catch((why: unknown) => !over && setWrong(sentence(problemIn(why))))
      .finally(() => !over && setBusy(false));
    return () => void (over = true);
  }, [...of, turn]);

  return { shown, wrong, busy, again: () => setTurn(turn + 1) };
}

interface Props<T> {
  id: string;
  title: string;
  asked: Asked<T>;
  /** What they are asked of. */
  tools: ComponentChildren;
  children: (shown: T) => ComponentChildren;
}

export function Numbers<T>({ id, title, asked, tools, children }: Props<T>) {
  return (
    <section aria-labelledby={id} aria-busy={asked.busy} class="numbers">
      <div class="list-head">
        <h2 id={id}>{title}</h2>
        <div class="row">
          {tools}
          <button type="button" class="plain" onClick={asked.again}>
            Refresh
          </button>
        </div>
      </div>
      <div role="alert">{asked.wrong && <p class="error">{asked.wrong}</p>}</div>
      {asked.shown !== null && children(asked.shown)}
    </section>
  );
}

interface SumsProps {
  sums: readonly (readonly [name: string, value: string, hint: string])[];
}

export function Sums({ sums }: SumsProps) {
  return (
    <dl class="sums">
      {sums.map(([name, value, hint]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
          <dd class="hint">{hint}</dd>
        </div>
      ))}
    </dl>
  );
}
