// The deletion of something, after a question.
//
// Invariant: the question says what is lost; the focus starts on the harmless answer; what somebody
// else has deleted meanwhile is deleted all the same. Refused: to delete what is not shown.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { Dialog } from "./dialog";

interface Props {
  title: string;
  path: string;
  /** Refuse when it has been changed since; `onStale` then reads it again. */
  ifMatch?: string;
  onStale?: () => void;
  onClose: () => void;
  onDone: () => void;
  children: ComponentChildren;
}

const CHANGED_ELSEWHERE =
  "It was changed elsewhere in the meantime. Close this and look at it again before you delete it.";

export function ConfirmDelete(props: Props) {
  const { title, path, ifMatch, onStale, onClose, onDone, children } = props;
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);

  const remove = async () => {
    if (busy) return;
    setBusy(true);
    setWrong(null);
    try {
      const headers: Record<string, string> = ifMatch ? { "If-Match": ifMatch } : {};
      await call(path, { method: "DELETE", headers });
    } catch (why) {
      const problem = problemIn(why);
      if (problem.status !== 404 && problem.status !== 410) {
        setBusy(false);
        if (problem.status === 412) onStale?.();
        return setWrong(problem.status === 412 ? CHANGED_ELSEWHERE : sentence(problem));
      }
    }
    onDone();
  };

  return (
    <Dialog title={title} onClose={onClose} busy={busy} alert>
      {children}
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
