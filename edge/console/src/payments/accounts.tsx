// The application's accounts with their balances, newest first; and the forms that lead on.
//
// Invariant: an amount is shown in its currency's own decimals. Refused: to add up several currencies.

import { useRef, useState } from "preact/hooks";
import { go, href } from "../route";
import { say } from "../ui/announce";
import { Check, Choice, Text } from "../ui/field";
import { FormDialog } from "../ui/form-dialog";
import { Icon } from "../ui/icon";
import { Listing } from "../ui/listing";
import { post } from "../ui/once";
import { asDay, capital } from "../ui/when";
import { LedgerCheck } from "./check";
import { money } from "./money";
import { Frame } from "./read";
import { accounts, name, opened } from "./store";
import { NewTransfer } from "./transfers";
import { type Account, ACCOUNTS, KINDS } from "./types";

const PAUSE_MS = 250;

function Item({ account }: { account: Account }) {
  const { id, currency, balance } = account;
  return (
    <li class="item account" data-id={id}>
      <div class="what">
        <h3>
          <a href={href("payments", "accounts", id)}>{account.name}</a>
        </h3>
        <p class="hint">
          {capital(account.kind)} in {currency}
          {account.closed_at && `, closed ${asDay(account.closed_at)}`}
        </p>
      </div>
      <p class="sum">
        <strong>{money(balance.posted, currency)}</strong>
        {balance.pending !== 0 && (
          <span class="hint">
            {money(balance.pending, currency)} held, {money(balance.available, currency)} available
          </span>
        )}
      </p>
    </li>
  );
}

function Search() {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  return (
    <form class="search" role="search" aria-label="Accounts" onSubmit={(e) => e.preventDefault()}>
      <label class="silent" for="account-name">
        Name begins with
      </label>
      <span class="with-icon">
        <Icon name="search" />
        <input
          id="account-name"
          type="search"
          placeholder="Name begins with"
          value={name.value}
          onInput={(event) => {
            name.value = event.currentTarget.value;
            clearTimeout(timer.current);
            timer.current = setTimeout(accounts.load, PAUSE_MS);
          }}
        />
      </span>
    </form>
  );
}

const EMPTY = { name: "", currency: "", kind: "asset", debit: false, credit: false };

function NewAccount({ onClose }: { onClose: () => void }) {
  const submit = async (values: typeof EMPTY) => {
    const limits = {
      ...(values.debit ? { no_debit_beyond_credit: true } : {}),
      ...(values.credit ? { no_credit_beyond_debit: true } : {}),
    };
    const body = {
      name: values.name.trim(),
      currency: values.currency.trim().toUpperCase(),
      kind: values.kind,
      ...(Object.keys(limits).length ? { limits } : {}),
    };
    const { body: account } = await post<Account>(ACCOUNTS, { body });
    opened(account);
    say(`Opened ${account.name}`);
    onClose();
    go("payments", "accounts", account.id);
  };
  return (
    <FormDialog
      title="New account"
      start={EMPTY}
      action="Open account"
      submit={submit}
      onClose={onClose}
    >
      {({ values, errors, set }) => (
        <>
          <Text
            label="Name"
            pointer="/name"
            errors={errors}
            value={values.name}
            onInput={(name) => set({ name })}
            first
          />
          <Text
            label="Currency"
            pointer="/currency"
            errors={errors}
            value={values.currency}
            onInput={(currency) => set({ currency })}
            hint="Three letters of ISO 4217."
            placeholder="EUR"
          />
          <Choice
            label="Kind"
            pointer="/kind"
            errors={errors}
            value={values.kind}
            onInput={(kind) => set({ kind })}
            options={KINDS.map((kind) => [kind, capital(kind)] as const)}
            hint="Debits raise assets and expenses; credits raise the others."
          />
          <Check
            label="Refuse debits beyond its credits"
            checked={values.debit}
            onChange={(debit) => set({ debit })}
          />
          <Check
            label="Refuse credits beyond its debits"
            checked={values.credit}
            onChange={(credit) => set({ credit })}
          />
        </>
      )}
    </FormDialog>
  );
}

export function Accounts() {
  const [open, setOpen] = useState<"account" | "transfer" | null>(null);
  const close = () => setOpen(null);
  const nothing = name.value
    ? "No account's name begins so."
    : "No accounts yet. Money moves between two: open the first.";
  return (
    <Frame tab="accounts" title="Accounts">
      <LedgerCheck />
      <Listing
        what="accounts"
        title="All accounts"
        pages={accounts}
        nothing={nothing}
        tools={
          <>
            <Search />
            <span class="row">
              <button type="button" class="plain" onClick={() => setOpen("transfer")}>
                New transfer
              </button>
              <button type="button" class="primary" onClick={() => setOpen("account")}>
                <Icon name="plus" />
                New account
              </button>
            </span>
          </>
        }
        item={(account) => <Item key={account.id} account={account} />}
      >
        {open === "account" && <NewAccount onClose={close} />}
        {open === "transfer" && <NewTransfer onClose={close} />}
      </Listing>
    </Frame>
  );
}
