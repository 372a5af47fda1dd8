// What the forms of payments share: an account's and an amount's field.
//
// Invariant: what is wrong stands at its field. Refused: to judge what only the API knows.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type FieldError, refusal } from "../api";
import { Field, Text } from "../ui/field";
import { FormDialog } from "../ui/form-dialog";
import { post } from "../ui/once";
import { minor, money } from "./money";
import { ask, known } from "./store";
import type { Account } from "./types";

const PAUSE_MS = 250;

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

/** Minor units, or a refusal at the field. */
export function amountOf(text: string, currency: string): number {
  const amount = minor(text, currency);
  if (typeof amount === "string") throw refusal({ pointer: "/amount", detail: amount });
  return amount;
}

/** The typed one, or that of an account that is known. */
export function currencyOf(typed: string, ...accounts: string[]): string {
  const found = accounts.map(resolve).find((account) => account !== undefined);
  return typed.trim().toUpperCase() || (found?.currency ?? "");
}

interface Sum {
  amount: string;
  currency: string;
}

interface AmountFieldsProps {
  values: Sum;
  errors: FieldError[];
  set: (some: Partial<Sum>) => void;
  /** Whose currency is meant when none is typed. */
  accounts: string[];
}

export function AmountFields({ values, errors, set, accounts }: AmountFieldsProps) {
  return (
    <>
      <Text
        label="Amount"
        pointer="/amount"
        errors={errors}
        value={values.amount}
        onInput={(amount) => set({ amount })}
        mode="decimal"
        placeholder="12.50"
      />
      <Text
        label="Currency"
        pointer="/currency"
        errors={errors}
        value={values.currency}
        onInput={(currency) => set({ currency })}
        hint="Empty: the account's."
        placeholder={currencyOf("", ...accounts) || "EUR"}
      />
    </>
  );
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
