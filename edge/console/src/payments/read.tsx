// The frame that every view of payments has.
//
// Invariant: a part that the edge lacks has no tab. Refused: what every page does (`ui/read`).

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { hasPath } from "../openapi";
import { href } from "../route";
import { Icon } from "../ui/icon";

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

export function AccountLink({ id, name }: { id: string; name: string }) {
  return <a href={href("payments", "accounts", id)}>{name}</a>;
}
