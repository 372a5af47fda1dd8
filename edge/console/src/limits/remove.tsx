// The deletion of a policy.
//
// Invariant: what is deleted is the version that is shown. Refused: to promise that checks go on.

import { say } from "../ui/announce";
import { ConfirmDelete } from "../ui/confirm";
import { removed } from "./store";
import { path, type Policy } from "./types";

interface Props {
  policy: Policy;
  onStale: () => void;
  onClose: () => void;
  onDone: () => void;
}

export function Remove({ policy: { name, version }, onStale, onClose, onDone }: Props) {
  const done = () => {
    removed(name);
    say(`Deleted ${name}`);
    onDone();
  };
  return (
    <ConfirmDelete
      title="Delete this policy?"
      path={path(name)}
      ifMatch={`"${version}"`}
      onStale={onStale}
      onClose={onClose}
      onDone={done}
    >
      <p>
        Checks of <strong class="breakable">{name}</strong> will answer “no such policy”, everywhere
        within a minute. Whoever asks it then has no limit to go by.
      </p>
    </ConfirmDelete>
  );
}
