// The page of links: the list with its creation, or one link with its numbers.
//
// Invariant: the place decides which; the forms wait for the OpenAPI document. Refused: to show a
// form that could lack fields because the document has not come.

import { useEffect, useState } from "preact/hooks";
import { problemIn, sentence } from "../api";
import { known, learn } from "../openapi";
import { Create } from "./create";
import { Detail } from "./detail";
import { List } from "./list";

function Overview() {
  useEffect(() => void (document.title = "Links · Selvedge"), []);
  return (
    <>
      <h1 tabIndex={-1}>Links</h1>
      <Create />
      <List />
    </>
  );
}

export function Links({ at }: { at: string[] }) {
  const [wrong, setWrong] = useState<string | null>(null);
  const [code] = at;

  const ask = () => {
    setWrong(null);
    learn().catch((why: unknown) => setWrong(sentence(problemIn(why))));
  };
  useEffect(ask, []);

  if (wrong) {
    return (
      <div role="alert" class="empty">
        <h1 tabIndex={-1}>Links</h1>
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
  return code ? <Detail key={code} code={code} /> : <Overview />;
}
