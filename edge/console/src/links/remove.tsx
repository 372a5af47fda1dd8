// The deletion of a link, after a question.
//
// Invariant: the question says what is lost and for how long; the focus starts on the harmless answer.
// Refused: to delete what is not shown.

import { useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { say } from "../ui/announce";
import { Dialog } from "../ui/dialog";
import { removed } from "./store";
import { type Link, path } from "./types";

interface Props {
  link: Link;
  onClose: () => void;
  onDone: () => void;
}

export function Remove({ link, onClose, onDone }: Props) {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);

  const remove = async () => {
    if (busy) return;
    setBusy(true);
    setWrong(null);
    try {
      await call(path(link.short_code), { method: "DELETE" });
    } catch (why) {
      const problem = problemIn(why);
      // Somebody else was quicker; it is gone all the same.
      if (problem.status !== 404 && problem.status !== 410) {
        setBusy(false);
        return setWrong(sentence(problem));
      }
    }
    removed(link.short_code);
    say(`Deleted ${link.short_url}`);
    onDone();
  };

  return (
    <Dialog title="Delete this link?" onClose={onClose} busy={busy} alert>
      <p>
        <strong class="breakable">{link.short_url}</strong> will answer “gone” at once. This cannot
        be undone, and its code is never issued again.
      </p>
      <div role="alert">{wrong && <p class="error">{wrong}</p>}</div>
      <footer>
        <button type="button" class="plain" data-first onClick={onClose} disabled={busy}>
          Cancel
        </button>
        <button type="button" class="danger" onClick={remove} aria-disabled={busy}>
          {busy ? "Deleting…" : "Delete"}
        </button>
      </footer>
    </Dialog>
  );
}
