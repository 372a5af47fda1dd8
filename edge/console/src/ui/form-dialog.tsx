// A dialog with a form, and a question before a step.
//
// Invariant: what is wrong stands at its field, and nothing that was typed is lost; a lost answer is
// asked for again under the same key (`ui/once`). Refused: to judge what only the API knows.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Ask, type FieldError, type Problem, problemIn, sentence } from "../api";
import { Dialog } from "./dialog";
import { useForm } from "./form";
import { post } from "./once";

/** A lost answer, and what may be done about it. */
function explained(problem: Problem): Problem {
  if (problem.status !== 0 && problem.status < 500) return problem;
  const detail = `${problem.detail ?? problem.title} Press again: nothing is done twice.`;
  return { ...problem, detail };
}

export interface Part<V> {
  values: V;
  errors: FieldError[];
  set: (some: Partial<V>) => void;
}

interface FormProps<V> {
  title: string;
  start: V;
  action: string;
  wide?: boolean;
  /** Sends it; what it throws is shown. */
  submit: (values: V) => Promise<void>;
  onClose: () => void;
  children: (part: Part<V>) => ComponentChildren;
}

export function FormDialog<V>(props: FormProps<V>) {
  const { title, start, action, wide, submit, onClose, children } = props;
  const form = useForm(start, explained);
  const { busy } = form;
  return (
    <Dialog title={title} onClose={onClose} busy={busy} wide={wide ?? false}>
      <form ref={form.ref} onSubmit={form.submit(() => submit(form.values))} noValidate>
        {children({ values: form.values, errors: form.errors, set: form.set })}
        <div role="alert">{form.other && <p class="error">{form.other}</p>}</div>
        <footer>
          <button type="button" class="plain" onClick={onClose} disabled={busy}>
            Cancel
          </button>
          <button type="submit" class="primary" aria-disabled={busy}>
            {busy ? "Sending…" : action}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

interface QuestionProps<T> {
  title: string;
  action: string;
  path: string;
  body?: unknown;
  /** It takes something away. */
  danger?: boolean;
  onClose: () => void;
  onDone: (answer: T) => void;
  children: ComponentChildren;
}

/** A question before a step; the focus starts on the harmless answer. */
export function Question<T>(props: QuestionProps<T>) {
  const { title, action, path, body, danger, onClose, onDone, children } = props;
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);

  const go = async () => {
    if (busy) return;
    setBusy(true);
    setWrong(null);
    try {
      const asked: Ask = body === undefined ? {} : { body };
      onDone((await post<T>(path, asked)).body);
    } catch (why) {
      setBusy(false);
      setWrong(sentence(explained(problemIn(why))));
    }
  };
  return (
    <Dialog title={title} onClose={onClose} busy={busy} alert>
      {children}
      <div role="alert">{wrong && <p class="error">{wrong}</p>}</div>
      <footer>
        <button type="button" class="plain" data-first onClick={onClose} disabled={busy}>
          Back
        </button>
        <button
          type="button"
          class={danger ? "danger" : "primary"}
          onClick={go}
          aria-disabled={busy}
        >
          {busy ? "Sending…" : action}
        </button>
      </footer>
    </Dialog>
  );
}
