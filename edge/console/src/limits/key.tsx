// One key: what it has left, and what is different for it.
//
// Invariant: what is changed is the key that was looked up, not what stands in the field by now;
// after a change it is looked up again. Refused: to spend its units.

import { useState } from "preact/hooks";
import { call } from "../api";
import { say } from "../ui/announce";
import { Field } from "../ui/field";
import { useForm } from "../ui/form";
import { AnswerShown, type Said } from "./answer";
import { levelOf, look } from "./ask";
import { NumberField } from "./numbers";
import { KeyField, TierField } from "./try";
import { isStep, overridePath, type Policy } from "./types";
import { count } from "./values";

interface Looked {
  key: string;
  tier: string;
  said: Said;
}

type Kind = "limit" | "ban" | "exempt";

interface Override {
  kind: Kind;
  limit: string;
}

const DONE: Record<Kind, string> = {
  limit: "has its own limit",
  ban: "is banned",
  exempt: "is exempt",
};

const bodyOf = ({ kind, limit }: Override): Record<string, unknown> =>
  kind === "limit" ? { limit: count(limit) } : { [kind]: true };

interface OverrideProps {
  policy: Policy;
  name: string;
  onDone: () => Promise<void>;
}

function useOverride({ policy, name, onDone }: OverrideProps) {
  const form = useForm<Override>({ kind: policy.all?.length ? "ban" : "limit", limit: "" });
  const send = async (method: "PUT" | "DELETE", done: string) => {
    const body = method === "PUT" ? { body: bodyOf(form.values) } : {};
    await call(overridePath(policy.name, name), { method, ...body });
    say(`${name} ${done}`);
    await onDone();
  };
  return { form, send };
}

function OverrideForm(props: OverrideProps) {
  const { form, send } = useOverride(props);
  const { values, errors, set, busy } = form;
  const save = () => send("PUT", DONE[values.kind]);
  return (
    <form ref={form.ref} onSubmit={form.submit(save)} noValidate aria-label={`Override for ${props.name}`}>
      <div class="numbers-row">
        <Field label="Override" pointer="#kind" errors={[]}>
          {(tied) => (
            <select
              {...tied}
              value={values.kind}
              onChange={(event) => set({ kind: event.currentTarget.value as Kind })}
            >
              {!props.policy.all?.length && <option value="limit">Its own limit</option>}
              <option value="ban">Ban: refuse everything</option>
              <option value="exempt">Exempt: allow everything</option>
            </select>
          )}
        </Field>
        {values.kind === "limit" && (
          <NumberField
            label="Own limit"
            pointer="/limit"
            errors={errors}
            value={values.limit}
            set={(limit) => set({ limit })}
          />
        )}
      </div>
      <div class="row">
        <button type="submit" class="plain" aria-disabled={busy}>
          Set override
        </button>
        <button
          type="button"
          class="plain"
          aria-disabled={busy}
          onClick={() => send("DELETE", "is like the others again")}
        >
          Remove override
        </button>
      </div>
      <div role="alert">{form.other && <p class="error">{form.other}</p>}</div>
    </form>
  );
}

export function OneKey({ policy }: { policy: Policy }) {
  const [looked, setLooked] = useState<Looked | null>(null);
  const form = useForm({ key: "", tier: "" }, (problem) => {
    setLooked(null);
    return problem;
  });
  const { values, errors, set, busy } = form;

  const find = async (key: string, tier: string) => {
    const answer = await look(policy.name, key, tier);
    const level = levelOf(answer, policy, tier);
    setLooked((before) => {
      const turn = (before?.said.turn ?? 0) + 1;
      return { key, tier, said: { answer, level, turn, looked: true } };
    });
  };
  return (
    <section class="card try" aria-labelledby="one-key">
      <h2 id="one-key">Look a key up</h2>
      <form
        ref={form.ref}
        onSubmit={form.submit(() => find(values.key, values.tier))}
        noValidate
      >
        <div class="numbers-row">
          <KeyField value={values.key} errors={errors} set={(key) => set({ key })} />
          <TierField
            policy={policy}
            value={values.tier}
            errors={errors}
            set={(tier) => set({ tier })}
          />
        </div>
        <div class="row">
          <button type="submit" class="plain" aria-disabled={busy}>
            Look up
          </button>
        </div>
        <div role="alert">{form.other && <p class="error">{form.other}</p>}</div>
      </form>
      {looked && (
        <>
          <h3 class="breakable">{looked.key}</h3>
          <AnswerShown said={looked.said} />
          {isStep(looked.key) ? (
            <p class="hint">A browser cannot send this key in an address: override it elsewhere.</p>
          ) : (
            <OverrideForm
              key={looked.key}
              policy={policy}
              name={looked.key}
              onDone={() => find(looked.key, looked.tier)}
            />
          )}
        </>
      )}
    </section>
  );
}
