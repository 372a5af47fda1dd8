// The change of a link, in a dialog.
//
// Invariant: the form starts from the link as it is read now, and the change is sent with that
// version's entity tag: nobody's change is overwritten unseen. Refused: to send what did not change.

import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { say } from "../ui/announce";
import { Dialog } from "../ui/dialog";
import { useForm } from "../ui/form";
import { Options, Target } from "./fields";
import { changed } from "./store";
import { isProtected, type Link, nameOf, path } from "./types";
import { change, EMPTY, valuesOf } from "./values";

interface Props {
  code: string;
  onClose: () => void;
  onSaved?: (link: Link) => void;
}

interface Version {
  link: Link;
  etag: string | null;
}

const CHANGED_ELSEWHERE =
  "This link was changed elsewhere in the meantime. " +
  "The form now shows it as it is; make your change again.";

export function Edit({ code, onClose, onSaved }: Props) {
  const form = useForm(EMPTY, async (problem) => {
    if (problem.status !== 412) return problem;
    await read().then(
      () => setNote(CHANGED_ELSEWHERE),
      (why: unknown) => setNote(sentence(problemIn(why))),
    );
    return null;
  });
  const { busy } = form;
  const [version, setVersion] = useState<Version | null>(null);
  const [note, setNote] = useState<string | null>(null);

  const read = async () => {
    const { body, etag } = await call<Link>(path(code));
    setVersion({ link: body, etag });
    form.reset(valuesOf(body));
    changed(body);
  };
  useEffect(() => {
    read().catch((why: unknown) => setNote(sentence(problemIn(why))));
  }, []);

  // Before the user's next key can come: a focus that moves later takes what is typed elsewhere.
  useLayoutEffect(() => {
    const first = form.ref.current?.querySelector<HTMLInputElement>("[data-first]");
    first?.focus();
    first?.setSelectionRange(0, 0); // an address is known by its beginning
  }, [version]);

  const save = async () => {
    if (!version) return;
    const body = change(form.values, version.link);
    if (Object.keys(body).length === 0) return onClose();
    setNote(null);
    const headers: Record<string, string> = version.etag ? { "If-Match": version.etag } : {};
    const answer = await call<Link>(path(code), { method: "PATCH", body, headers });
    changed(answer.body);
    say(`Saved ${nameOf(answer.body)}`);
    onSaved?.(answer.body);
    onClose();
  };

  const shared = { request: "PatchRequest", values: form.values, errors: form.errors };
  const locked = version !== null && isProtected(version.link);
  return (
    <Dialog title={`Edit ${code}`} onClose={onClose} busy={busy} wide>
      <div role="alert">{note && <p class="note wrong">{note}</p>}</div>
      {!version && !note && <p role="status">Loading…</p>}
      {version && (
        <form ref={form.ref} onSubmit={form.submit(save)} noValidate>
          <Target {...shared} set={form.set} />
          <Options {...shared} set={form.set} locked={locked} />
          <div role="alert">{form.other && <p class="error">{form.other}</p>}</div>
          <footer>
            <button type="button" class="plain" onClick={onClose} disabled={busy}>
              Cancel
            </button>
            <button type="submit" class="primary" aria-disabled={busy}>
              {busy ? "Saving…" : "Save"}
            </button>
          </footer>
        </form>
      )}
    </Dialog>
  );
}
