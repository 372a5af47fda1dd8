// A page that waits for the OpenAPI document.
//
// Invariant: a form is not shown before the document has come, since it could lack fields. Refused: to
// wait in silence; a failure is said and may be tried again.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { problemIn, sentence } from "../api";
import { known, learn } from "../openapi";

interface Props {
  title: string;
  children: () => ComponentChildren;
}

export function Learned({ title, children }: Props) {
  const [wrong, setWrong] = useState<string | null>(null);

  const ask = () => {
    setWrong(null);
    learn().catch((why: unknown) => setWrong(sentence(problemIn(why))));
  };
  useEffect(ask, []);

  if (wrong) {
    return (
      <div role="alert" class="empty">
        <h1 tabIndex={-1}>{title}</h1>
        <p>{wrong}</p>
        <button type="button" class="plain" onClick={ask}>
          Try again
        </button>
      </div>
    );
  }
  if (!known.value) {
    return (
      <p class="empty" role="status">
        Loading…
      </p>
    );
  }
  return <>{children()}</>;
}
