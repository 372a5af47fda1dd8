// Statements: one is uploaded and held against an account; the reports so far.
//
// Invariant: a file is sent as it is, under one key until a clear answer has come. Refused: to move
// money because of it.

import { useEffect, useRef } from "preact/hooks";
import { type Problem, refusal } from "../api";
import { go, href } from "../route";
import { say } from "../ui/announce";
import { Check, Field, Text } from "../ui/field";
import { useForm } from "../ui/form";
import { Listing } from "../ui/listing";
import { post } from "../ui/once";
import { Badge } from "../ui/read";
import { asMoment, asNumber } from "../ui/when";
import { AccountChoices, AccountField, accountId } from "./forms";
import { Frame } from "./read";
import { accountName, introduce, reconciliations } from "./store";
import { type Reconciliation, RECONCILIATIONS } from "./types";

const EMPTY = { account: "", day: "", days: "", close: false };

/** XML begins with a bracket, whatever the file is called. */
async function typed(file: File): Promise<Blob> {
  const start = (await file.slice(0, 64).text()).replace(/^\uFEFF/, "").trimStart();
  return file.slice(0, file.size, start.startsWith("<") ? "application/xml" : "text/csv");
}

/** What the API says of a line of the file belongs to the file. */
function placed(problem: Problem): Problem {
  if (problem.type.endsWith("/problems/payments/no-such-account")) {
    return { ...problem, errors: [{ pointer: "/account", detail: "is no account of yours" }] };
  }
  if (!problem.errors) return problem;
  const errors = problem.errors.map(({ pointer, detail }) => ({
    pointer: pointer.startsWith("/line/") ? "/file" : pointer.replace(/^\?/, "/"),
    detail,
  }));
  return { ...problem, errors };
}

async function send(values: typeof EMPTY, file: File | undefined): Promise<Reconciliation> {
  const wrong = [
    ...(values.account.trim() ? [] : [{ pointer: "/account", detail: "is missing" }]),
    ...(file ? [] : [{ pointer: "/file", detail: "is missing" }]),
  ];
  if (!file || wrong.length) throw refusal(...wrong);
  const query = {
    account: accountId(values.account),
    day: values.day,
    window_days: values.days.trim(),
    close: values.close ? "true" : null,
  };
  const name = JSON.stringify([query, file.name, file.size, file.lastModified]);
  const asked = { query, file: await typed(file) };
  return (await post<Reconciliation>(RECONCILIATIONS, asked, name)).body;
}

function Upload() {
  const form = useForm(EMPTY, placed);
  const file = useRef<HTMLInputElement>(null);

  const upload = async () => {
    const report = await send(form.values, file.current?.files?.[0]);
    say("The statement was read");
    go("payments", "reconciliations", report.id);
  };
  const { values, errors, set, busy } = form;
  return (
    <section class="card upload" aria-labelledby="upload-title">
      <h2 id="upload-title">Hold a statement against an account</h2>
      <form ref={form.ref} onSubmit={form.submit(upload)} noValidate>
        <AccountChoices />
        <div class="options">
          <AccountField
            label="Account"
            pointer="/account"
            errors={errors}
            value={values.account}
            onInput={(account) => set({ account })}
          />
          <Field
            label="Statement"
            pointer="/file"
            errors={errors}
            hint="camt.052, camt.053, camt.054 (XML) or CSV."
          >
            {(tied) => <input {...tied} ref={file} type="file" accept=".xml,.csv,.txt" />}
          </Field>
          <Field
            label="Last day"
            pointer="/day"
            errors={errors}
            hint="Empty: the statement's last."
          >
            {(tied) => (
              <input
                {...tied}
                type="date"
                value={values.day}
                onInput={(event) => set({ day: event.currentTarget.value })}
              />
            )}
          </Field>
          <Text
            label="Days apart"
            pointer="/window_days"
            errors={errors}
            value={values.days}
            onInput={(days) => set({ days })}
            hint="How far apart both sides may book the same money. Empty: 3."
            mode="numeric"
          />
          <Check
            label="Close the day with it: later entries belong to the next"
            checked={values.close}
            onChange={(close) => set({ close })}
          />
        </div>
        <div role="alert">{form.other && <p class="error">{form.other}</p>}</div>
        <button type="submit" class="primary" aria-disabled={busy}>
          {busy ? "Reading…" : "Upload"}
        </button>
      </form>
    </section>
  );
}

/** In a word or two. */
export function Outcome({ of }: { of: Reconciliation }) {
  if (of.state === "running") return <Badge state="processing">running</Badge>;
  if (of.state === "failed") return <Badge state="failed">failed</Badge>;
  return of.alert ? (
    <Badge state="disputed">disagrees</Badge>
  ) : (
    <Badge state="settled">agrees</Badge>
  );
}

function Item({ report }: { report: Reconciliation }) {
  const name = report.account ? accountName(report.account) : report.source;
  return (
    <li class="item account" data-id={report.id}>
      <div class="what">
        <h3>
          <a href={href("payments", "reconciliations", report.id)}>
            {name}, {report.day}
          </a>
        </h3>
        <p class="hint">
          {asNumber(report.theirs)} lines, {asNumber(report.ours)} entries
        </p>
      </div>
      <p class="sum">
        <Outcome of={report} />
        <span class="hint">{asMoment(report.created_at)}</span>
      </p>
    </li>
  );
}

export function Reconciliations() {
  const items = reconciliations.items.value;
  useEffect(() => {
    void introduce(...new Set(items.map(({ account }) => account ?? "")));
  }, [items]);
  return (
    <Frame tab="reconciliations" title="Reconciliations">
      <Upload />
      <Listing
        what="reports"
        title="Reports"
        pages={reconciliations}
        nothing="No statement was held against an account yet."
        item={(report) => <Item key={report.id} report={report} />}
      />
    </Frame>
  );
}
