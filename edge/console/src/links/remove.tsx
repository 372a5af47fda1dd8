// The deletion of a link.
//
// Invariant: the question says what is lost and for how long. Refused: to issue its code again, which
// the API does not do.

import { say } from "../ui/announce";
import { ConfirmDelete } from "../ui/confirm";
import { removed } from "./store";
import { type Link, path } from "./types";

interface Props {
  link: Link;
  onClose: () => void;
  onDone: () => void;
}

export function Remove({ link, onClose, onDone }: Props) {
  const done = () => {
    removed(link.short_code);
    say(`Deleted ${link.short_url}`);
    onDone();
  };
  return (
    <ConfirmDelete
      title="Delete this link?"
      path={path(link.short_code)}
      onClose={onClose}
      onDone={done}
    >
      <p>
        <strong class="breakable">{link.short_url}</strong> will answer “gone” at once. This cannot
        be undone, and its code is never issued again.
      </p>
    </ConfirmDelete>
  );
}
