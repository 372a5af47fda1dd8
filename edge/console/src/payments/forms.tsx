// What the forms of the page share: a dialog with a form, a question, an account's and an amount's field.
//
// Invariant: what is wrong stands at its field, and nothing that was typed is lost; a lost answer is
// asked for again under the same key (`ui/once`). Refused: to judge what only the API knows.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Ask, Failure, type FieldError, type Problem, problemIn, sentence } from "../api";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { useForm } from "../ui/form";
import { post } from "../ui/once";
import { minor, money } from "./money";
import { ask, known } from "./store";
import type { Account } from "./types";

const PAUSE_MS = 250;

/** A lost answer, and what may be done about it. */
function explained(problem: Problem): Problem {
  if (problem.status !== 0 && problem.status < 500) return problem;
  const detail = `${problem.detail ?? problem.title} Press again: nothing is done twice.`;
  return { ...problem, detail };
}

/** What is wrong before anything is sent. */
export const refusal = (...errors: FieldError[]): Failure =>
  new Failure({ type: "about:blank", title: "Not acceptable", status: 422, errors });

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
  const form = useForm(start);
  const [busy, setBusy] = useState(false);

  const send = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    form.setProblem(null);
    try {
      await submit(form.values);
    } catch (why) {
      form.setProblem(explained(problemIn(why)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} busy={busy} wide={wide ?? false}>
      <form ref={form.ref} onSubmit={send} noValidate>
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

/** The account that a text names: its id, or the one account that is called so. */
export function resolve(text: string): Account | undefined {
  const wanted = text.trim();
  const called = Object.values(known.value).filter(({ name }) => name === wanted);
  return known.value[wanted] ?? (called.length === 1 ? called[0] : undefined);
}

export const accountId = (text: string): string => resolve(text)?.id ?? text.trim();

/** The accounts to choose from, once per form. */
export function AccountChoices() {
  useEffect(() => void ask().catch(() => undefined), []);
  const open = Object.values(known.value).filter(({ closed_at }) => closed_at === null);
  return (
    <datalist id="accounts">
      {open.map(({ id, name, currency }) => (
        <option key={id} value={id}>
          {`${name} (${currency})`}
        </option>
      ))}
    </datalist>
  );
}

interface AccountProps {
  label: string;
  pointer: string;
  errors: FieldError[];
  value: string;
  first?: boolean;
  onInput: (text: string) => void;
}

export function AccountField({ label, pointer, errors, value, first, onInput }: AccountProps) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const typed = (text: string) => {
    onInput(text);
    clearTimeout(timer.current);
    if (text === "" || text.startsWith("acc_")) return;
    timer.current = setTimeout(() => void ask(text.trim()).catch(() => undefined), PAUSE_MS);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  const found = resolve(value);
  const hint = found
    ? `${found.name}: ${money(found.balance.available, found.currency)} available.`
    : "Its name or its id.";
  return (
    <Field label={label} pointer={pointer} errors={errors} hint={hint}>
      {(tied) => (
        <input
          {...tied}
          {...(first ? { "data-first": true } : {})}
          type="text"
          list="accounts"
          autocomplete="off"
          spellcheck={false}
          placeholder="acc_…"
          value={value}
          onInput={(event) => typed(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface TextProps {
  label: string;
  pointer: string;
  errors: FieldError[];
  value: string;
  onInput: (text: string) => void;
  hint?: string;
  placeholder?: string;
  first?: boolean;
  mode?: "decimal" | "numeric";
}

export function Text(props: TextProps) {
  const { label, pointer, errors, value, onInput, hint, placeholder, first, mode } = props;
  return (
    <Field label={label} pointer={pointer} errors={errors} hint={hint}>
      {(tied) => (
        <input
          {...tied}
          {...(first ? { "data-first": true } : {})}
          type="text"
          inputMode={mode ?? "text"}
          autocomplete="off"
          placeholder={placeholder}
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface ChoiceProps {
  label: string;
  pointer: string;
  errors: FieldError[];
  value: string;
  onInput: (value: string) => void;
  options: readonly (readonly [value: string, words: string])[];
  hint?: string;
}

export function Choice({ label, pointer, errors, value, onInput, options, hint }: ChoiceProps) {
  return (
    <Field label={label} pointer={pointer} errors={errors} hint={hint}>
      {(tied) => (
        <select {...tied} value={value} onChange={(event) => onInput(event.currentTarget.value)}>
          {options.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** Minor units, or a refusal at the field. */
export function amountOf(text: string, currency: string): number {
  const amount = minor(text, currency);
  if (typeof amount === "string") throw refusal({ pointer: "/amount", detail: amount });
  return amount;
}

interface AmountProps {
  title: string;
  action: string;
  path: string;
  /** What is meant when the field stays empty. */
  whole: number;
  currency: string;
  reason?: boolean;
  onClose: () => void;
  onDone: (answer: unknown) => void;
  children: ComponentChildren;
}

/** A step with an amount that may be left out. */
export function AmountDialog(props: AmountProps) {
  const { title, action, path, whole, currency, reason, onClose, onDone, children } = props;
  const submit = async (values: { amount: string; reason: string }) => {
    const body: Record<string, unknown> = {};
    if (values.amount.trim()) body.amount = amountOf(values.amount, currency);
    if (values.reason.trim()) body.reason = values.reason.trim();
    onDone((await post(path, { body })).body);
  };
  return (
    <FormDialog
      title={title}
      start={{ amount: "", reason: "" }}
      action={action}
      submit={submit}
      onClose={onClose}
    >
      {({ values, errors, set }) => (
        <>
          {children}
          <Text
            label={`Amount in ${currency}`}
            pointer="/amount"
            errors={errors}
            value={values.amount}
            onInput={(amount) => set({ amount })}
            hint={`Empty: all of ${money(whole, currency)}.`}
            mode="decimal"
            first
          />
          {reason && (
            <Text
              label="Reason"
              pointer="/reason"
              errors={errors}
              value={values.reason}
              onInput={(reason) => set({ reason })}
            />
          )}
        </>
      )}
    </FormDialog>
  );
}
