// Trying a policy out: checks of a key, one or ten at once, and giving units back.
//
// Invariant: every check is a real one and spends real units; what was refunded is not offered
// again. Refused: to hold a check back because it would be refused.

import { useRef, useState } from "preact/hooks";
import { call } from "../api";
import { Field } from "../ui/field";
import { useForm } from "../ui/form";
import { AnswerShown, type Said } from "./answer";
import { check, levelOf, lookAfresh, type Question } from "./ask";
import { NumberField } from "./numbers";
import { type Answer, type Policy, REFUND } from "./types";

const TIMES = 10;
const SHOWN = 40;

interface KeyProps {
  value: string;
  errors: { pointer: string; detail: string }[];
  set: (key: string) => void;
}

export function KeyField({ value, errors, set }: KeyProps) {
  return (
    <Field label="Key" pointer="/key" errors={errors}>
      {(tied) => (
        <input
          {...tied}
          type="text"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder="user-17"
          value={value}
          onInput={(event) => set(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface TierProps {
  policy: Policy;
  value: string;
  errors: { pointer: string; detail: string }[];
  set: (tier: string) => void;
}

export function TierField({ policy, value, errors, set }: TierProps) {
  const tiers = Object.keys(policy.tiers ?? {});
  if (tiers.length === 0) return null;
  return (
    <Field label="Tier" pointer="/tier" errors={errors}>
      {(tied) => (
        <select {...tied} value={value} onChange={(event) => set(event.currentTarget.value)}>
          <option value="">none</option>
          {tiers.map((tier) => (
            <option key={tier}>{tier}</option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** What became of the checks so far, the last one at the end. */
function Strip({ outcomes }: { outcomes: boolean[] }) {
  const allowed = outcomes.filter(Boolean).length;
  return (
    <div class="strip">
      <span aria-hidden="true" class="dots">
        {outcomes.slice(-SHOWN).map((yes, at) => (
          <i key={at} class={yes ? "yes" : "no"} />
        ))}
      </span>
      <span class="hint" role="status">
        {outcomes.length} checks: {allowed} allowed, {outcomes.length - allowed} refused
      </span>
    </div>
  );
}

/** Of several answers the one to show: a refusal, or the one with the least left. */
const telling = (answers: Answer[]): Answer | undefined =>
  answers.toSorted(
    (a, b) => Number(a.allowed) - Number(b.allowed) || a.remaining - b.remaining,
  )[0];

function useTrial(policy: Policy) {
  const form = useForm<Question>({ policy: policy.name, key: "", cost: "1", tier: "" });
  const [said, setSaid] = useState<Said | null>(null);
  const [outcomes, setOutcomes] = useState<boolean[]>([]);
  const [held, setHeld] = useState<string | null>(null);
  const [note, setNote] = useState<string | null>(null);
  const asked = useRef<Question>(form.values);
  const turn = useRef(0);

  const show = (answer: Answer, looked: boolean) => {
    const level = levelOf(answer, policy, asked.current.tier);
    setSaid({ answer, level, looked, turn: (turn.current += 1) });
  };
  const ask = (times: number) =>
    form.run(async () => {
      setNote(null);
      const question = { ...form.values };
      asked.current = question;
      const settled = await Promise.allSettled(
        Array.from({ length: times }, () => check(question)),
      );
      const answers = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
      setOutcomes((before) => [...before, ...answers.map(({ allowed }) => allowed)]);
      const answer = telling(answers);
      if (answer) show(answer, false);
      setHeld(answers.findLast(({ reservation }) => reservation)?.reservation ?? null);
      const failed = settled.find((one) => one.status === "rejected");
      if (failed) throw failed.reason;
    });
  const refund = () =>
    form.run(async () => {
      setNote(null);
      const body = { reservation: held };
      setHeld(null);
      const { body: back } = await call<{ refunded: boolean }>(REFUND, { method: "POST", body });
      const { policy: name, key, tier } = asked.current;
      show(await lookAfresh(name, key, tier), true);
      setNote(back.refunded ? "The units are back." : "Nothing came back: their time is over.");
    });
  return { form, said, outcomes, held, note, ask, refund };
}

export function Try({ policy }: { policy: Policy }) {
  const { form, said, outcomes, held, note, ask, refund } = useTrial(policy);
  const { values, errors, set, busy } = form;
  const submit = (event: Event) => {
    event.preventDefault();
    void ask(1);
  };
  return (
    <section class="card try" aria-labelledby="try">
      <h2 id="try">Try it</h2>
      <form ref={form.ref} onSubmit={submit} noValidate>
        <div class="numbers-row">
          <KeyField value={values.key} errors={errors} set={(key) => set({ key })} />
          <NumberField
            label="Cost"
            pointer="/cost"
            errors={errors}
            value={values.cost}
            set={(cost) => set({ cost })}
          />
          <TierField
            policy={policy}
            value={values.tier}
            errors={errors}
            set={(tier) => set({ tier })}
          />
        </div>
        <div class="row">
          <button type="submit" class="primary" aria-disabled={busy}>
            Check
          </button>
          <button type="button" class="plain" aria-disabled={busy} onClick={() => ask(TIMES)}>
            Check ×{TIMES}
          </button>
          {held && (
            <button type="button" class="plain" aria-disabled={busy} onClick={refund}>
              Refund
            </button>
          )}
        </div>
        <div role="alert">{form.other && <p class="error">{form.other}</p>}</div>
      </form>
      {said && <AnswerShown said={said} />}
      <div role="status">{note && <p class="hint">{note}</p>}</div>
      {outcomes.length > 0 && <Strip outcomes={outcomes} />}
    </section>
  );
}
