// The page of limits: the list of policies, or one policy with what it decides.
//
// Invariant: the place decides which, and holds no key. Refused: anything that the list or the
// policy shows by itself.

import { useEffect } from "preact/hooks";
import { Learned } from "../ui/learned";
import { Detail } from "./detail";
import { List } from "./list";

function Overview() {
  useEffect(() => void (document.title = "Limits · Selvedge"), []);
  return (
    <>
      <h1 tabIndex={-1}>Limits</h1>
      <List />
    </>
  );
}

export function Limits({ at }: { at: string[] }) {
  const [name] = at;
  return (
    <Learned title="Limits">
      {() => (name ? <Detail key={name} name={name} /> : <Overview />)}
    </Learned>
  );
}
