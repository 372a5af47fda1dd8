// What a policy may have several of: rules and tiers.
//
// Invariant: what is wrong with all of them stands at their own heading. Refused: more rules than
// the API takes.

import type { ComponentChildren } from "preact";
import type { FieldError } from "../api";
import { Field } from "../ui/field";
import { Icon } from "../ui/icon";
import { Numbers, RuleFields } from "./numbers";
import { NEW_RULE, NEW_TIER, type RuleText, tierAt, type TierText } from "./values";

const RULES_MAX = 4;

interface WholeProps {
  title: string;
  pointer: string;
  errors: FieldError[];
}

/** What is wrong with something as a whole, and with no field of it. */
function Whole({ title, pointer, errors }: WholeProps) {
  return (
    <>
      {errors
        .filter((each) => each.pointer === pointer)
        .map((each) => (
          <p class="error" key={each.detail}>
            {title} {each.detail}
          </p>
        ))}
    </>
  );
}

interface GroupProps extends WholeProps {
  hint: string;
  /** The words of the button that adds one; none: there may be no more. */
  adder?: string | undefined;
  add: () => void;
  children: ComponentChildren;
}

function Group({ title, pointer, hint, errors, adder, add, children }: GroupProps) {
  return (
    <fieldset class="rules" data-pointer={pointer} tabIndex={-1}>
      <legend>{title}</legend>
      <p class="hint">{hint}</p>
      <Whole title={title} pointer={pointer} errors={errors} />
      {children}
      {adder && (
        <button type="button" class="plain" onClick={add}>
          <Icon name="plus" />
          {adder}
        </button>
      )}
    </fieldset>
  );
}

function swap<T>(list: T[], index: number, some: Partial<T>): T[] {
  return list.map((each, at) => (at === index ? { ...each, ...some } : each));
}

const without = <T,>(list: T[], index: number): T[] => list.filter((_, at) => at !== index);

interface RulesProps {
  rules: RuleText[];
  errors: FieldError[];
  set: (rules: RuleText[]) => void;
}

export function Rules({ rules, errors, set }: RulesProps) {
  return (
    <Group
      title="Rules"
      pointer="/all"
      hint="What one rule refuses spends nothing of the others. Tiers go with one rule only."
      errors={errors}
      adder={rules.length < RULES_MAX ? "Add a rule" : undefined}
      add={() => set([...rules, NEW_RULE])}
    >
      {rules.map((rule, index) => (
        <fieldset class="rule" key={index} data-pointer={`/all/${index}`} tabIndex={-1}>
          <legend>Rule {index + 1}</legend>
          <Whole title={`Rule ${index + 1}`} pointer={`/all/${index}`} errors={errors} />
          <RuleFields
            at={`/all/${index}`}
            rule={rule}
            errors={errors}
            set={(some) => set(swap(rules, index, some))}
          />
          {rules.length > 1 && (
            <div class="row">
              <button type="button" class="quiet" onClick={() => set(without(rules, index))}>
                Remove rule {index + 1}
              </button>
            </div>
          )}
        </fieldset>
      ))}
    </Group>
  );
}

interface TiersProps {
  tiers: TierText[];
  bucket: boolean;
  errors: FieldError[];
  set: (tiers: TierText[]) => void;
}

interface TierNameProps {
  tier: TierText;
  errors: FieldError[];
  set: (name: string) => void;
}

function TierName({ tier, errors, set }: TierNameProps) {
  const at = tierAt(tier.name);
  // Of the name alone: what is wrong with its numbers stands there.
  const own = errors.filter(({ pointer }) => pointer === at);
  return (
    <Field label="Tier" pointer={at} errors={own}>
      {(tied) => (
        <input
          {...tied}
          type="text"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder="pro"
          value={tier.name}
          onInput={(event) => set(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function Tiers({ tiers, bucket, errors, set }: TiersProps) {
  return (
    <Group
      title="Tiers"
      pointer="/tiers"
      hint="Other numbers for some callers. What is empty is the same for them."
      errors={errors}
      adder="Add a tier"
      add={() => set([...tiers, NEW_TIER])}
    >
      {tiers.map((tier, index) => (
        <fieldset class="rule" key={index}>
          <legend>Tier {index + 1}</legend>
          <div class="numbers-row">
            <TierName
              tier={tier}
              errors={errors}
              set={(name) => set(swap(tiers, index, { name }))}
            />
            <Numbers
              at={tierAt(tier.name)}
              numbers={tier}
              errors={errors}
              bucket={bucket}
              missing="same"
              set={(some) => set(swap<TierText>(tiers, index, some))}
            />
          </div>
          <div class="row">
            <button type="button" class="quiet" onClick={() => set(without(tiers, index))}>
              Remove tier {index + 1}
            </button>
          </div>
        </fieldset>
      ))}
    </Group>
  );
}
