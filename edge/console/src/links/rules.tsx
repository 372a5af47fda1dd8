// The rules of a link: for whom it leads somewhere else.
//
// Invariant: the order is the API's (the first rule that holds wins); a condition is offered only if
// the schema of a rule has it. Refused: to know the values of a condition beyond a hint.

import { useId } from "preact/hooks";
import type { FieldError } from "../api";
import { Field } from "../ui/field";
import { Icon } from "../ui/icon";
import { asMoment } from "../ui/when";
import type { Rule } from "./types";
import type { RuleText } from "./values";

interface Condition {
  label: string;
  type?: "datetime-local" | "number";
  hint: string;
}

const CONDITIONS: Record<string, Condition> = {
  country: { label: "Country", hint: "Two letters each: JP, DE" },
  region: { label: "Region", hint: "The part after the country: CA, BY" },
  language: { label: "Language", hint: "de, pt-BR" },
  device: { label: "Device", hint: "mobile, tablet, desktop, tv, bot" },
  os: { label: "System", hint: "ios, android, windows, macos, linux, chromeos, other" },
  browser: { label: "Browser", hint: "chrome, safari, firefox, edge, opera, samsung, other" },
  after: { label: "From", type: "datetime-local", hint: "In your own time zone." },
  before: { label: "Until", type: "datetime-local", hint: "In your own time zone." },
  weight: { label: "Share", type: "number", hint: "Of 100 visitors." },
};

const described = (name: string): Condition => CONDITIONS[name] ?? { label: name, hint: "" };

/** A rule in words: for whom, and whither. */
function RuleWords({ rule: { to, ...conditions } }: { rule: Rule }) {
  const asked = Object.entries(conditions).filter(([, value]) => value?.toString());
  const value = (name: string, given: unknown) =>
    described(name).type === "datetime-local" ? asMoment(String(given)) : String(given);
  return (
    <li>
      {asked.length === 0 && <span class="tag">Everyone</span>}
      {asked.map(([name, given]) => (
        <span class="tag" key={name}>
          {described(name).label}: {value(name, given).replaceAll(",", ", ")}
          {name === "weight" && " %"}
        </span>
      ))}
      <span class="breakable">leads to {to}</span>
    </li>
  );
}

/** The rules of a link, to read. */
export function RulesList({ rules }: { rules: Rule[] }) {
  if (rules.length === 0) return null;
  return (
    <div class="rules-read">
      <h2>Rules</h2>
      <ol>
        {rules.map((rule, index) => (
          <RuleWords key={index} rule={rule} />
        ))}
      </ol>
    </div>
  );
}

interface RuleProps {
  index: number;
  rule: RuleText;
  conditions: string[];
  errors: FieldError[];
  set: (rule: RuleText) => void;
  remove: () => void;
}

function RuleFields({ index, rule, conditions, errors, set, remove }: RuleProps) {
  const adder = useId();
  const at = (name: string) => `/rules/${index}/${name}`;
  const put = (name: string, text: string) =>
    set({ ...rule, conditions: { ...rule.conditions, [name]: text } });
  const drop = (name: string) => {
    const { [name]: _, ...rest } = rule.conditions;
    set({ ...rule, conditions: rest });
  };
  const free = conditions.filter((name) => !(name in rule.conditions));
  return (
    <fieldset class="rule">
      <legend>Rule {index + 1}</legend>
      <Field label="Leads to" pointer={at("to")} errors={errors}>
        {(tied) => (
          <input
            {...tied}
            type="url"
            value={rule.to}
            onInput={(event) => set({ ...rule, to: event.currentTarget.value })}
          />
        )}
      </Field>
      {Object.entries(rule.conditions).map(([name, text]) => (
        <div class="condition" key={name}>
          <Field
            label={described(name).label}
            pointer={at(name)}
            errors={errors}
            hint={described(name).hint}
          >
            {(tied) => (
              <input
                {...tied}
                type={(described(name).type ?? "text") as "text"}
                value={text}
                onInput={(event) => put(name, event.currentTarget.value)}
              />
            )}
          </Field>
          <button
            type="button"
            class="icon"
            onClick={() => drop(name)}
            aria-label={`Remove the condition ${described(name).label}`}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      <div class="row">
        {free.length > 0 && (
          <>
            <label class="silent" for={adder}>
              Add a condition to rule {index + 1}
            </label>
            <select
              id={adder}
              value=""
              onChange={(event) => {
                if (event.currentTarget.value) put(event.currentTarget.value, "");
                event.currentTarget.value = "";
              }}
            >
              <option value="">Add a condition…</option>
              {free.map((name) => (
                <option key={name} value={name}>
                  {described(name).label}
                </option>
              ))}
            </select>
          </>
        )}
        <button type="button" class="quiet" onClick={remove}>
          Remove rule {index + 1}
        </button>
      </div>
    </fieldset>
  );
}

interface Props {
  conditions: string[];
  rules: RuleText[];
  errors: FieldError[];
  set: (rules: RuleText[]) => void;
}

export function RulesField({ conditions, rules, errors, set }: Props) {
  const whole = errors.filter((each) => each.pointer === "/rules");
  return (
    <fieldset class="rules" data-pointer="/rules" tabIndex={-1}>
      <legend>Rules</legend>
      <p class="hint">The first rule that holds decides where a visitor is led.</p>
      {whole.map((each) => (
        <p class="error" key={each.detail}>
          Rules {each.detail}
        </p>
      ))}
      {rules.map((rule, index) => (
        <RuleFields
          key={index}
          index={index}
          rule={rule}
          conditions={conditions}
          errors={errors}
          set={(next) => set(rules.map((each, at) => (at === index ? next : each)))}
          remove={() => set(rules.filter((_, at) => at !== index))}
        />
      ))}
      <button
        type="button"
        class="plain"
        onClick={() => set([...rules, { to: "", conditions: {} }])}
      >
        <Icon name="plus" />
        Add a rule
      </button>
    </fieldset>
  );
}
