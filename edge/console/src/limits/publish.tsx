// The creation and the change of a policy, in a dialog.
//
// Invariant: a change starts from the policy as it is read now and is sent with that version's
// entity tag; a creation never replaces a policy that is there. Refused: to lose what was typed.

import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { call, Failure, type FieldError, problemIn, sentence } from "../api";
import { say } from "../ui/announce";
import { Dialog } from "../ui/dialog";
import { useForm } from "../ui/form";
import { NameField, PolicyFields } from "./fields";
import { changed } from "./store";
import { isStep, path, type Policy } from "./types";
import { body, EMPTY, twice, valuesOf, type Values } from "./values";

export interface Version {
  policy: Policy;
  etag: string | null;
}

export async function read(name: string): Promise<Version> {
  const { body: policy, etag } = await call<Policy>(path(name));
  changed(policy);
  return { policy, etag };
}

const CHANGED_ELSEWHERE =
  "This policy was changed elsewhere in the meantime. " +
  "The form now shows it as it is; make your change again.";

const refusal = (errors: FieldError[]): Failure =>
  new Failure({ type: "about:blank", title: "The policy is not acceptable", status: 422, errors });

/** What keeps a creation from being sent. */
async function obstacle(name: string): Promise<FieldError[]> {
  const at = (detail: string): FieldError[] => [{ pointer: "/name", detail }];
  if (name === "") return at("is missing");
  if (isStep(name)) return at("is no name of [a-z0-9-]{1,64}");
  try {
    await call(path(name));
  } catch (why) {
    if (problemIn(why).status === 404) return [];
    throw why;
  }
  return at("is taken: edit that policy, or choose another name");
}

async function publish(values: Values, version: Version | null): Promise<Version> {
  const name = version?.policy.name ?? values.name.trim();
  const wrong = [...twice(values), ...(version ? [] : await obstacle(name))];
  if (wrong.length) throw refusal(wrong);
  const headers: Record<string, string> = version?.etag ? { "If-Match": version.etag } : {};
  const sent = { method: "PUT" as const, body: body(values), headers };
  const { body: policy, etag } = await call<Policy>(path(name), sent);
  changed(policy);
  return { policy, etag };
}

interface Props {
  /** The policy that is changed; none: a new one. */
  name?: string;
  onClose: () => void;
  onSaved?: (version: Version) => void;
}

export function Publish({ name, onClose, onSaved }: Props) {
  const form = useForm(EMPTY, async (problem) => {
    if (problem.status !== 412 || !name) return problem;
    await again(name);
    return null;
  });
  const { busy } = form;
  const [version, setVersion] = useState<Version | null>(null);
  const [note, setNote] = useState<string | null>(null);

  const load = async (of: string) => {
    const now = await read(of);
    setVersion(now);
    form.reset(valuesOf(now.policy));
  };
  useEffect(() => {
    if (name) load(name).catch((why: unknown) => setNote(sentence(problemIn(why))));
  }, []);
  useLayoutEffect(() => {
    form.ref.current?.querySelector<HTMLElement>("[data-first]")?.focus();
  }, [version]);

  const again = async (of: string) => {
    try {
      await load(of);
      setNote(CHANGED_ELSEWHERE);
    } catch (why) {
      setNote(sentence(problemIn(why)));
    }
  };
  const save = async () => {
    setNote(null);
    const saved = await publish(form.values, version);
    say(`${version ? "Saved" : "Created"} ${saved.policy.name}`);
    onSaved?.(saved);
    onClose();
  };

  const shared = { values: form.values, errors: form.errors, set: form.set };
  const ready = version !== null || !name;
  const action = name ? "Save" : "Create policy";
  return (
    <Dialog title={name ? `Edit ${name}` : "New policy"} onClose={onClose} busy={busy} wide>
      <div role="alert">{note && <p class="note wrong">{note}</p>}</div>
      {!ready && !note && <p role="status">Loading…</p>}
      {ready && (
        <form ref={form.ref} onSubmit={form.submit(save)} noValidate>
          {!name && <NameField {...shared} />}
          <PolicyFields {...shared} />
          <div role="alert">{form.other && <p class="error">{form.other}</p>}</div>
          <footer>
            <button type="button" class="plain" onClick={onClose} disabled={busy}>
              Cancel
            </button>
            <button type="submit" class="primary" aria-disabled={busy}>
              {busy ? "Saving…" : action}
            </button>
          </footer>
        </form>
      )}
    </Dialog>
  );
}
