// The fields of a rule: how it counts, how much, in which time.
//
// Invariant: a control's pointer is that of the rule and the field's name. Refused: to know whether
// the rule is a policy's only one, one of several, or a tier's.

import type { FieldError } from "../api";
import { Field } from "../ui/field";
import { ALGORITHMS, isBucket } from "./types";
import type { NumbersText, RuleText } from "./values";
import { type Unit, UNITS } from "./words";

interface NumberProps {
  label: string;
  pointer: string;
  errors: FieldError[];
  value: string;
  hint?: string;
  placeholder?: string;
  set: (text: string) => void;
}

export function NumberField({ value, placeholder, set, ...field }: NumberProps) {
  return (
    <Field {...field}>
      {(tied) => (
        <input
          {...tied}
          type="text"
          inputMode="numeric"
          autocomplete="off"
          placeholder={placeholder}
          value={value}
          onInput={(event) => set(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface NumbersProps {
  at: string;
  numbers: NumbersText;
  errors: FieldError[];
  bucket: boolean;
  /** What stands where nothing is typed. */
  missing?: string;
  set: (some: Partial<NumbersText>) => void;
}

function WindowField({ at, numbers, errors, missing, set }: Omit<NumbersProps, "bucket">) {
  return (
    <Field label="Window" pointer={`${at}/window_ms`} errors={errors}>
      {(tied) => (
        <span class="with-unit">
          <input
            {...tied}
            type="text"
            inputMode="decimal"
            autocomplete="off"
            placeholder={missing}
            value={numbers.window}
            onInput={(event) => set({ window: event.currentTarget.value })}
          />
          <select
            aria-label="Unit of the window"
            value={numbers.unit}
            onChange={(event) => set({ unit: event.currentTarget.value as Unit })}
          >
            {Object.keys(UNITS).map((unit) => (
              <option key={unit}>{unit}</option>
            ))}
          </select>
        </span>
      )}
    </Field>
  );
}

/** Limit, window, and burst where there is one. */
export function Numbers({ bucket, ...props }: NumbersProps) {
  const { at, numbers, errors, missing, set } = props;
  return (
    <>
      <NumberField
        label="Limit"
        pointer={`${at}/limit`}
        errors={errors}
        value={numbers.limit}
        placeholder={missing}
        set={(limit) => set({ limit })}
      />
      <WindowField {...props} />
      {bucket && (
        <NumberField
          label="Burst"
          pointer={`${at}/burst`}
          errors={errors}
          value={numbers.burst}
          placeholder={missing ?? "the limit"}
          set={(burst) => set({ burst })}
        />
      )}
    </>
  );
}

interface RuleProps {
  at: string;
  rule: RuleText;
  errors: FieldError[];
  set: (some: Partial<RuleText>) => void;
}

/** A rule: how it counts, and its numbers. */
export function RuleFields({ at, rule, errors, set }: RuleProps) {
  return (
    <div class="numbers-row">
      <Field label="Algorithm" pointer={`${at}/algorithm`} errors={errors}>
        {(tied) => (
          <select
            {...tied}
            value={rule.algorithm}
            onChange={(event) => set({ algorithm: event.currentTarget.value })}
          >
            {Object.entries(ALGORITHMS).map(([name, title]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Numbers
        at={at}
        numbers={rule}
        errors={errors}
        bucket={isBucket(rule.algorithm)}
        set={set}
      />
    </div>
  );
}
