// One field of a form: label, hint, control, and what is wrong with it.
//
// Invariant: the control is named by its label and described by its hint and its error; `data-pointer`
// is the JSON pointer by which a problem names it. Refused: to judge a value, the API does.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { FieldError } from "../api";

/** What a control needs to be tied to its label, hint and error. */
export interface Tied {
  id: string;
  "aria-describedby"?: string;
  "aria-invalid"?: "true";
  "data-pointer": string;
}

interface Props {
  label: string;
  pointer: string;
  errors: FieldError[];
  hint?: ComponentChildren;
  class?: string;
  children: (tied: Tied) => ComponentChildren;
}

/** The errors of a field and of what lies in it. */
export const errorsAt = (errors: FieldError[], pointer: string): FieldError[] =>
  errors.filter((each) => each.pointer === pointer || each.pointer.startsWith(`${pointer}/`));

function worded({ pointer, detail }: FieldError, of: string): string {
  const index = /^\/(\d+)$/.exec(pointer.slice(of.length));
  return index ? `no. ${Number(index[1]) + 1} ${detail}` : detail;
}

export function Field({ label, pointer, errors, hint, class: own, children }: Props) {
  const id = useId();
  const wrong = errorsAt(errors, pointer);
  const described = [hint ? `${id}-hint` : "", wrong.length ? `${id}-error` : ""];
  const tied: Tied = { id, "data-pointer": pointer };
  if (described.some(Boolean)) tied["aria-describedby"] = described.filter(Boolean).join(" ");
  if (wrong.length) tied["aria-invalid"] = "true";
  return (
    <div class={`field ${own ?? ""}`}>
      <label for={id}>{label}</label>
      {children(tied)}
      {wrong.length > 0 && (
        <p class="error" id={`${id}-error`}>
          {label} {wrong.map((each) => worded(each, pointer)).join("; ")}
        </p>
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
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

interface CheckProps {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}

/** Something that is so or not. */
export function Check({ label, checked, onChange }: CheckProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {label}
    </label>
  );
}

/**
 * Moves the focus to the first control that a problem names, before one that only holds such a one;
 * false when none is shown.
 */
export function focusFirst(form: HTMLElement | null, errors: FieldError[]): boolean {
  const controls = [...(form?.querySelectorAll<HTMLElement>("[data-pointer]") ?? [])];
  const at = (control: HTMLElement) => control.dataset.pointer ?? "-";
  const named = (control: HTMLElement) => errors.some(({ pointer }) => pointer === at(control));
  const holding = (control: HTMLElement) => errorsAt(errors, at(control)).length > 0;
  const wrong = controls.find(named) ?? controls.find(holding);
  wrong?.focus();
  return wrong !== undefined;
}
