// One thing of the API, read when its place is entered; and the frame that every view has.
//
// Invariant: an answer that comes after its view has gone is dropped. Refused: to show what is gone.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { hasPath } from "../openapi";
import { href } from "../route";
import { Icon } from "../ui/icon";

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

const TABS = [
  ["accounts", "Accounts", "/api/v1/accounts"],
  ["payments", "Payments", "/api/v1/payments"],
  ["reviews", "Reviews", "/api/v1/fraud/decisions"],
  ["payouts", "Payouts", "/api/v1/payouts"],
  ["reconciliations", "Reconciliations", "/api/v1/reconciliations"],
  ["webhooks", "Webhooks", "/api/v1/webhook_endpoints"],
] as const;

interface FrameProps {
  /** Which part. */
  tab: (typeof TABS)[number][0];
  title: string;
  /** Of one thing: its list is one step back. */
  one?: boolean;
  children: ComponentChildren;
}

export function Frame({ tab, title, one, children }: FrameProps) {
  useEffect(() => void (document.title = `${title} · Payments · Selvedge`), [title]);
  const shown = TABS.filter(([, , path]) => hasPath(path));
  const list = TABS.find(([name]) => name === tab)?.[1] ?? "";
  return (
    <>
      {one && (
        <a class="back" href={href("payments", tab)}>
          <Icon name="back" />
          {list}
        </a>
      )}
      <h1 tabIndex={-1} class="breakable">
        {title}
      </h1>
      {!one && (
        <nav class="tabs" aria-label="Parts of payments">
          <ul>
            {shown.map(([name, words]) => (
              <li key={name}>
                <a href={href("payments", name)} aria-current={name === tab ? "page" : undefined}>
                  {words}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      )}
      {children}
    </>
  );
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

export function AccountLink({ id, name }: { id: string; name: string }) {
  return <a href={href("payments", "accounts", id)}>{name}</a>;
}
