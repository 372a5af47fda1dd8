// The fields of a policy, for its creation and for its change alike.
//
// Invariant: an error of a rule or a tier stands at that rule's or tier's own field. Refused: to
// send anything.

import type { FieldError } from "../api";
import { Check, Field } from "../ui/field";
import { NumberField, RuleFields } from "./numbers";
import { Rules, Tiers } from "./several";
import { isBucket } from "./types";
import type { Values } from "./values";

export interface FieldsProps {
  values: Values;
  errors: FieldError[];
  set: (some: Partial<Values>) => void;
}

export function NameField({ values, errors, set }: FieldsProps) {
  const hint = "Up to 64 small letters, digits and dashes.";
  return (
    <Field label="Name" pointer="/name" errors={errors} hint={hint}>
      {(tied) => (
        <input
          {...tied}
          type="text"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          data-first
          placeholder="sign-in"
          value={values.name}
          onInput={(event) => set({ name: event.currentTarget.value })}
        />
      )}
    </Field>
  );
}

/** What was typed of the first rule goes along. */
const turned = ({ rule, all }: Values, several: boolean): Partial<Values> =>
  several ? { several, all: [rule, ...all.slice(1)] } : { several, rule: all[0] ?? rule };

function Kind({ values, errors, set }: FieldsProps) {
  return (
    <Field label="Decided by" pointer="#several" errors={errors}>
      {(tied) => (
        <select
          {...tied}
          data-first
          value={values.several ? "several" : "one"}
          onChange={(event) => set(turned(values, event.currentTarget.value === "several"))}
        >
          <option value="one">One rule</option>
          <option value="several">Several rules, all of which must allow</option>
        </select>
      )}
    </Field>
  );
}

function Failure({ values, errors, set }: FieldsProps) {
  return (
    <div class="options">
      <Field label="When the key's object does not answer" pointer="/on_failure" errors={errors}>
        {(tied) => (
          <select
            {...tied}
            value={values.on_failure}
            onChange={(event) => set({ on_failure: event.currentTarget.value })}
          >
            <option value="open">Allow, and count it</option>
            <option value="closed">Refuse with 503</option>
          </select>
        )}
      </Field>
      <NumberField
        label="Wait for it, in milliseconds"
        pointer="/timeout_ms"
        errors={errors}
        value={values.timeout_ms}
        placeholder="1000"
        set={(timeout_ms) => set({ timeout_ms })}
      />
    </div>
  );
}

/** Everything but the name. */
export function PolicyFields(props: FieldsProps) {
  const { values, errors, set } = props;
  return (
    <>
      <Kind {...props} />
      {values.several ? (
        <Rules rules={values.all} errors={errors} set={(all) => set({ all })} />
      ) : (
        <>
          <RuleFields
            at=""
            rule={values.rule}
            errors={errors}
            set={(some) => set({ rule: { ...values.rule, ...some } })}
          />
          <Tiers
            tiers={values.tiers}
            bucket={isBucket(values.rule.algorithm)}
            errors={errors}
            set={(tiers) => set({ tiers })}
          />
        </>
      )}
      <Failure {...props} />
      <div>
        <Check
          label="The edge may take units ahead for busy keys"
          checked={values.lease}
          onChange={(lease) => set({ lease })}
        />
        <Check
          label="Shadow: record what would be refused, and refuse nothing"
          checked={values.shadow}
          onChange={(shadow) => set({ shadow })}
        />
      </div>
    </>
  );
}
