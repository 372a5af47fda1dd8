// One account: its balance now and at any past moment, what is held of it, its entries.
//
// Invariant: an entry shows the balance after it, as the ledger keeps it. Refused: to close an account
// without a question, and to change an entry.

import { useEffect, useMemo, useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { pagesOf } from "../pages";
import { href } from "../route";
import { say } from "../ui/announce";
import { Field } from "../ui/field";
import { Question } from "../ui/form-dialog";
import { Listing } from "../ui/listing";
import { Badge, Facts, useRead, Wait } from "../ui/read";
import { asMoment, asNumber, capital, fromLocal } from "../ui/when";
import { money } from "./money";
import { Frame } from "./read";
import { accountName, changed, introduce, learned } from "./store";
import { NewTransfer } from "./transfers";
import {
  type Account,
  ACCOUNTS,
  at,
  type BalanceAt,
  type Entry,
  type Sums,
  type Transfer,
} from "./types";

function Figures({ sums, currency }: { sums: Sums; currency: string }) {
  const rows = [
    ["Posted", sums.posted],
    ["Held", sums.pending],
    ["Available", sums.available],
  ] as const;
  return (
    <dl class="sums">
      {rows.map(([name, amount]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{money(amount, currency)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The balance at a moment that is typed. */
function Past({ account }: { account: Account }) {
  const [typed, setTyped] = useState("");
  const [found, setFound] = useState<BalanceAt | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);

  const ask = async (event: Event) => {
    event.preventDefault();
    setWrong(null);
    setFound(null);
    try {
      const query = { at: typed ? fromLocal(typed) : null };
      setFound((await call<BalanceAt>(at(ACCOUNTS, account.id, "/balance"), { query })).body);
    } catch (why) {
      const problem = problemIn(why);
      const [first] = problem.errors ?? [];
      setWrong(first ? first.detail : sentence(problem));
    }
  };
  const errors = wrong ? [{ pointer: "?at", detail: wrong }] : [];
  return (
    <section class="card past" aria-labelledby="past-title">
      <h2 id="past-title">Balance at a moment</h2>
      <form class="first-row" onSubmit={ask} noValidate>
        <Field
          label="Moment"
          pointer="?at"
          errors={errors}
          hint="In your own time zone. Empty: now."
        >
          {(tied) => (
            <input
              {...tied}
              type="datetime-local"
              step="1"
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          )}
        </Field>
        <button type="submit" class="plain">
          Show
        </button>
      </form>
      <div role="status">
        {found && (
          <>
            <p class="hint">As of {asMoment(found.at)}</p>
            <Figures sums={found} currency={found.currency} />
          </>
        )}
      </div>
    </section>
  );
}

function Holds({ account }: { account: Account }) {
  const path = at(ACCOUNTS, account.id, "/holds");
  const pages = useMemo(() => pagesOf<Transfer>(path), [path]);
  const { items, next, problem } = pages;

  useEffect(() => void pages.load(), [path]);
  const others = items.value.flatMap((each) => [each.debit_account, each.credit_account]);
  useEffect(() => void introduce(...others), [items.value]);

  if (items.value.length === 0 && !problem.value) return null;
  return (
    <section class="list" aria-labelledby="holds-title">
      <h2 id="holds-title">Held</h2>
      <div role="alert">{problem.value && <p class="error">{sentence(problem.value)}</p>}</div>
      <ul class="items">
        {items.value.map((hold) => (
          <li key={hold.id} class="item account" data-id={hold.id}>
            <div class="what">
              <h3>
                <a href={href("payments", "transfers", hold.id)}>{hold.reference ?? hold.id}</a>
              </h3>
              <p class="hint breakable">
                from {accountName(hold.debit_account)} to {accountName(hold.credit_account)}
                {hold.expires_at && `, ends ${asMoment(hold.expires_at)}`}
              </p>
            </div>
            <p class="sum">
              <strong>{money(hold.amount, hold.currency)}</strong>
            </p>
          </li>
        ))}
      </ul>
      {next.value && (
        <button type="button" class="plain more" onClick={pages.more}>
          Show more holds
        </button>
      )}
    </section>
  );
}

function EntryItem({ entry, currency }: { entry: Entry; currency: string }) {
  return (
    <li class="item account" data-id={entry.id}>
      <div class="what">
        <h3>
          <a href={href("payments", "transfers", entry.transfer)}>
            {capital(entry.side)} {money(entry.amount, currency)}
          </a>
        </h3>
        <p class="hint breakable">
          {[`No. ${asNumber(entry.n)}`, entry.type, entry.reference].filter(Boolean).join(" · ")}
        </p>
      </div>
      <p class="sum">
        <strong>{money(entry.balance, currency)}</strong>
        <span class="hint">
          {asMoment(entry.at)} by {entry.by}
        </span>
      </p>
    </li>
  );
}

function Entries({ account }: { account: Account }) {
  const path = at(ACCOUNTS, account.id, "/entries");
  const pages = useMemo(() => pagesOf<Entry>(path), [path]);
  return (
    <Listing
      what="entries"
      title="Entries"
      pages={pages}
      nothing="No money has moved yet."
      item={(entry) => <EntryItem key={entry.id} entry={entry} currency={account.currency} />}
    />
  );
}

const refusals = ({ limits }: Account): string | false =>
  [
    limits.no_debit_beyond_credit && "debits beyond its credits",
    limits.no_credit_beyond_debit && "credits beyond its debits",
  ]
    .filter(Boolean)
    .join(", ") || false;

export function AccountDetail({ id }: { id: string }) {
  const path = at(ACCOUNTS, id);
  const { value: account, wrong, set, again } = useRead<Account>(path);
  const [open, setOpen] = useState<"transfer" | "close" | null>(null);
  const close = () => setOpen(null);

  useEffect(() => {
    if (account) learned(account);
  }, [account]);

  const closed = (answer: Account) => {
    set(answer);
    changed(answer);
    say(`Closed ${answer.name}`);
    close();
  };
  return (
    <Frame tab="accounts" title={account?.name ?? id} one>
      <Wait wrong={wrong} ready={account !== null} again={again} />
      {account && (
        <>
          <section class="card about" aria-label="The account">
            <Figures sums={account.balance} currency={account.currency} />
            {account.closed_at ? (
              <p>
                <Badge state="voided">closed</Badge>
              </p>
            ) : (
              <div class="row">
                <button type="button" class="primary" onClick={() => setOpen("transfer")}>
                  New transfer
                </button>
                <button type="button" class="plain" onClick={() => setOpen("close")}>
                  Close account
                </button>
              </div>
            )}
            <Facts
              rows={[
                ["Id", account.id],
                ["Kind", capital(account.kind)],
                ["Currency", account.currency],
                ["Refuses", refusals(account)],
                ["Opened", asMoment(account.created_at)],
                ["Closed", account.closed_at && asMoment(account.closed_at)],
              ]}
            />
          </section>
          <Past account={account} />
          <Holds account={account} />
          <Entries account={account} />
        </>
      )}
      {account && open === "transfer" && <NewTransfer debit={account.id} onClose={close} />}
      {account && open === "close" && (
        <Question<Account>
          title="Close this account?"
          action="Close account"
          path={`${path}/close`}
          danger
          onClose={close}
          onDone={closed}
        >
          <p>
            <strong class="breakable">{account.name}</strong> will take no more transfers, and is
            never opened again. Its entries stay. It must be empty.
          </p>
        </Question>
      )}
    </Frame>
  );
}
