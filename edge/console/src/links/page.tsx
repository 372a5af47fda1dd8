// The page of links: the list with its creation, or one link with its numbers.
//
// Invariant: the place decides which. Refused: anything that the list or the link shows by itself.

import { useEffect } from "preact/hooks";
import { Learned } from "../ui/learned";
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
  const [code] = at;
  return (
    <Learned title="Links">
      {() => (code ? <Detail key={code} code={code} /> : <Overview />)}
    </Learned>
  );
}
