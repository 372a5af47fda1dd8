// A reconciliation's report: what was counted, what drifts, what is proposed, and each finding.
//
// Invariant: a proposal is made only by who is asked first; the report stays what it was. Refused: to
// show a report as done while it runs.

import { useEffect, useMemo, useState } from "preact/hooks";
import { pagesOf } from "../pages";
import { go } from "../route";
import { say } from "../ui/announce";
import { Question } from "../ui/form-dialog";
import { Listing } from "../ui/listing";
import { Pick } from "../ui/pick";
import { Facts, useRead, Wait } from "../ui/read";
import { asMoment, asNumber, capital } from "../ui/when";
import { money } from "./money";
import { AccountLink, Frame } from "./read";
import { Outcome } from "./reconciliations";
import { accountName, introduce, known } from "./store";
import {
  at,
  type Finding,
  FINDINGS,
  type Proposal,
  type Reconciliation,
  RECONCILIATIONS,
  type Transfer,
  TRANSFERS,
  words,
} from "./types";

const AGAIN_MS = 2_000;

function Counts({ report }: { report: Reconciliation }) {
  return (
    <table class="counts">
      <caption class="silent">What was found</caption>
      <thead>
        <tr>
          <th scope="col">Found</th>
          <th scope="col" class="count">
            Times
          </th>
        </tr>
      </thead>
      <tbody>
        {FINDINGS.map((kind) => (
          <tr key={kind}>
            <th scope="row">{capital(words(kind))}</th>
            <td class="count">{asNumber(report.counts[kind])}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface SideProps {
  title: string;
  lines: { key: string; amount: string; text: string }[];
}

function Side({ title, lines }: SideProps) {
  return (
    <div class="side">
      <h4>{title}</h4>
      {lines.length === 0 && <p class="hint">nothing</p>}
      <ul>
        {lines.map(({ key, amount, text }) => (
          <li key={key}>
            <strong>{amount}</strong> <span class="hint breakable">{text}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function FindingItem({ finding, currency }: { finding: Finding; currency: string }) {
  const ours = finding.ours.map(({ entry, amount, day, reference }) => ({
    key: entry,
    amount: money(amount, currency),
    text: [day, reference, entry].filter(Boolean).join(" · "),
  }));
  const theirs = finding.theirs.map((line) => ({
    key: String(line.line),
    amount: money(line.amount, line.currency),
    text: [line.day, line.reference, `line ${line.line}`].filter(Boolean).join(" · "),
  }));
  return (
    <li class="finding" data-kind={finding.kind}>
      <h3>{capital(words(finding.kind))}</h3>
      <div class="sides">
        <Side title="Ledger" lines={ours} />
        <Side title="Statement" lines={theirs} />
      </div>
    </li>
  );
}

function Findings({ report, currency }: { report: Reconciliation; currency: string }) {
  const path = at(RECONCILIATIONS, report.id, "/findings");
  const [kind, setKind] = useState("");
  const pages = useMemo(() => pagesOf<Finding>(path, () => ({ kind })), [path, kind]);
  return (
    <Listing
      key={kind}
      what="findings"
      title="Findings"
      pages={pages}
      nothing={
        kind ? "None of this kind." : "None but lines that match one to one, which are only counted."
      }
      tools={
        <Pick
          label="Kind"
          value={kind}
          options={[["", "Every kind"], ...FINDINGS.map((each) => [each, capital(words(each))] as const)]}
          onPick={setKind}
        />
      }
      item={(finding) => <FindingItem key={finding.n} finding={finding} currency={currency} />}
    />
  );
}

interface ProposalProps {
  proposal: Proposal;
  onMake: () => void;
}

function Proposed({ proposal, onMake }: ProposalProps) {
  return (
    <div class="note proposal">
      <p class="breakable">
        Until it is explained, {money(proposal.amount, proposal.currency)} could be put aside: debit{" "}
        <strong>{accountName(proposal.debit_account)}</strong>, credit{" "}
        <strong>{accountName(proposal.credit_account)}</strong>.
      </p>
      <button type="button" class="plain" onClick={onMake}>
        Make this transfer
      </button>
    </div>
  );
}

export function Report({ id }: { id: string }) {
  const path = at(RECONCILIATIONS, id);
  const { value: report, wrong, again } = useRead<Reconciliation>(path);
  const [made, setMade] = useState<Proposal | null>(null);
  const account = report?.account ?? "";

  useEffect(() => {
    const ends = report?.proposals.flatMap((each) => [each.debit_account, each.credit_account]);
    void introduce(account, ...(ends ?? []));
  }, [report]);
  useEffect(() => {
    if (report?.state !== "running") return undefined;
    const timer = setTimeout(again, AGAIN_MS);
    return () => clearTimeout(timer);
  }, [report]);

  const drift = Object.entries(report?.drift ?? {});
  const currency = known.value[account]?.currency ?? drift[0]?.[0] ?? "";
  const title = report ? `${account ? accountName(account) : report.source}, ${report.day}` : id;
  return (
    <Frame tab="reconciliations" title={title} one>
      <Wait wrong={wrong} ready={report !== null} again={again} />
      {report && (
        <>
          <section class="card about" aria-label="The report">
            <p>
              <Outcome of={report} />
            </p>
            {report.why && <p class="error">{report.why}</p>}
            {report.state === "running" && <p role="status">The statement is being held…</p>}
            {report.state === "done" && (
              <>
                {drift.map(([code, sum]) => (
                  <p key={code}>
                    The statement has <strong>{money(Math.abs(sum), code)}</strong>{" "}
                    {sum > 0 ? "more" : "less"} than the ledger.
                  </p>
                ))}
                <Counts report={report} />
                {report.proposals.map((proposal) => (
                  <Proposed
                    key={proposal.credit_account}
                    proposal={proposal}
                    onMake={() => setMade(proposal)}
                  />
                ))}
              </>
            )}
            <Facts
              rows={[
                ["Account", account && <AccountLink id={account} name={accountName(account)} />],
                ["Entries", asNumber(report.ours)],
                ["Lines", asNumber(report.theirs)],
                ["From", asMoment(report.from)],
                ["Until", asMoment(report.until)],
                ["Days apart at most", asNumber(report.window_days)],
                ["Closed the day", report.closes && "yes"],
                ["Read as", report.format],
                ["Asked for", asMoment(report.created_at)],
              ]}
            />
          </section>
          {report.state === "done" && <Findings report={report} currency={currency} />}
        </>
      )}
      {made && (
        <Question<Transfer>
          title="Put the drift aside?"
          action="Make the transfer"
          path={TRANSFERS}
          body={made}
          onClose={() => setMade(null)}
          onDone={(transfer) => {
            say(`Moved ${money(transfer.amount, transfer.currency)}`);
            go("payments", "transfers", transfer.id);
          }}
        >
          <p class="breakable">
            {money(made.amount, made.currency)} will be debited to{" "}
            <strong>{accountName(made.debit_account)}</strong> and credited to{" "}
            <strong>{accountName(made.credit_account)}</strong>. Entries are never undone; another
            transfer can move it back.
          </p>
        </Question>
      )}
    </Frame>
  );
}
