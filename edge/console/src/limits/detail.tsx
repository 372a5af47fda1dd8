// One policy: what it says, what it decides now, and a place to try it.
//
// Invariant: it is read anew whenever its place is entered. Refused: to show a policy that is gone.

import { useEffect, useState } from "preact/hooks";
import { problemIn, sentence } from "../api";
import { go, href } from "../route";
import { Icon } from "../ui/icon";
import { asMoment } from "../ui/when";
import { OneKey } from "./key";
import { Marks } from "./list";
import { Publish, read } from "./publish";
import { Remove } from "./remove";
import { Try } from "./try";
import { type Policy, rulesOf } from "./types";
import { Decisions } from "./usage";
import { algorithmName, numbers, span } from "./words";

const TIMEOUT_MS_DEFAULT = 1_000;

function Facts({ policy }: { policy: Policy }) {
  const tiers = Object.keys(policy.tiers ?? {});
  const open = policy.on_failure === "open";
  const waited = span(policy.timeout_ms ?? TIMEOUT_MS_DEFAULT);
  const rows: [string, string][] = [
    ...tiers.map((tier): [string, string] => [
      `Tier ${tier}`,
      rulesOf(policy, tier).map(numbers).join("; "),
    ]),
    ["Without an answer", `${open ? "allowed" : "refused"} after ${waited}`],
    ["Units taken ahead", policy.lease === false ? "no" : "for busy keys"],
    ["Version", `${policy.version}, ${asMoment(policy.updated_at)}`],
  ];
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt class="breakable">{name}</dt>
          <dd class="breakable">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

type Open = "edit" | "remove" | null;

function About({ policy, open }: { policy: Policy; open: (what: Open) => void }) {
  return (
    <section class="card about" aria-label="The policy">
      {rulesOf(policy).map((rule, index) => (
        <p key={index}>
          <strong>{numbers(rule)}</strong> · {algorithmName(rule)}
        </p>
      ))}
      <Marks policy={policy} />
      <div class="row">
        <button type="button" class="plain" onClick={() => open("edit")}>
          <Icon name="edit" />
          Edit
        </button>
        <button type="button" class="plain" onClick={() => open("remove")}>
          <Icon name="trash" />
          Delete
        </button>
      </div>
      <Facts policy={policy} />
    </section>
  );
}

export function Detail({ name }: { name: string }) {
  const [policy, setPolicy] = useState<Policy | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);

  const load = () =>
    void read(name).then(
      (version) => setPolicy(version.policy),
      (why: unknown) => setWrong(sentence(problemIn(why))),
    );
  useEffect(() => {
    document.title = `${name} · Limits · Selvedge`;
    load();
  }, []);

  return (
    <>
      <a class="back" href={href("limits")}>
        <Icon name="back" />
        All policies
      </a>
      <h1 tabIndex={-1} class="breakable">
        {name}
      </h1>
      <div role="alert">{wrong && <p class="empty">{wrong}</p>}</div>
      {!policy && !wrong && <p role="status">Loading…</p>}
      {policy && (
        <>
          <About policy={policy} open={setOpen} />
          <Decisions name={name} />
          <div class="two">
            <Try policy={policy} />
            <OneKey policy={policy} />
          </div>
          {open === "edit" && (
            <Publish
              name={name}
              onClose={close}
              onSaved={(version) => setPolicy(version.policy)}
            />
          )}
          {open === "remove" && (
            <Remove
              policy={policy}
              onStale={load}
              onClose={close}
              onDone={() => go("limits")}
            />
          )}
        </>
      )}
    </>
  );
}
