// The application's payouts, newest first; and the form that makes one.
//
// Invariant: of where money goes only the last four characters are shown once it is sent. Refused: to
// keep what was typed of a bank account longer than its form.

import { useEffect, useState } from "preact/hooks";
import { go, href } from "../route";
import { say } from "../ui/announce";
import { Choice, Text } from "../ui/field";
import { FormDialog, type Part } from "../ui/form-dialog";
import { Icon } from "../ui/icon";
import { Listing } from "../ui/listing";
import { post } from "../ui/once";
import { Badge } from "../ui/read";
import { asMoment } from "../ui/when";
import {
  AccountChoices,
  AccountField,
  AmountFields,
  accountId,
  amountOf,
  currencyOf,
} from "./forms";
import { money } from "./money";
import { Frame } from "./read";
import { accountName, introduce, payouts } from "./store";
import { type Payout, PAYOUTS, words } from "./types";

function Item({ payout }: { payout: Payout }) {
  return (
    <li class="item account" data-id={payout.id}>
      <div class="what">
        <h3>
          <a href={href("payments", "payouts", payout.id)}>{payout.id}</a>
        </h3>
        <p class="hint breakable">
          from {accountName(payout.account)} to …{payout.bank_last4} by {payout.gateway}
        </p>
      </div>
      <p class="sum">
        <strong>{money(payout.amount, payout.currency)}</strong>
        <span>
          <Badge state={payout.status}>{words(payout.status)}</Badge>{" "}
          <span class="hint">{asMoment(payout.created_at)}</span>
        </span>
      </p>
    </li>
  );
}

const EMPTY = {
  account: "",
  amount: "",
  currency: "",
  way: "iban",
  iban: "",
  name: "",
  bic: "",
  gateway: "",
  token: "",
};

const WAYS = [
  ["iban", "A bank account"],
  ["token", "A gateway's own account"],
] as const;

/** What is empty is not sent. */
const given = (some: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(some)
      .map(([name, value]) => [name, value.trim()] as const)
      .filter(([, value]) => value !== ""),
  );

function Bank({ values, errors, set }: Part<typeof EMPTY>) {
  if (values.way === "token") {
    return (
      <>
        <Text
          label="Gateway"
          pointer="/bank/gateway"
          errors={errors}
          value={values.gateway}
          onInput={(gateway) => set({ gateway })}
        />
        <Text
          label="Token"
          pointer="/bank/token"
          errors={errors}
          value={values.token}
          onInput={(token) => set({ token })}
          hint="The gateway's own name for the account."
        />
      </>
    );
  }
  return (
    <>
      <Text
        label="IBAN"
        pointer="/bank/iban"
        errors={errors}
        value={values.iban}
        onInput={(iban) => set({ iban })}
      />
      <Text
        label="Its owner"
        pointer="/bank/name"
        errors={errors}
        value={values.name}
        onInput={(name) => set({ name })}
      />
      <Text
        label="BIC"
        pointer="/bank/bic"
        errors={errors}
        value={values.bic}
        onInput={(bic) => set({ bic })}
        hint="Where the IBAN does not suffice."
      />
    </>
  );
}

function NewPayout({ onClose }: { onClose: () => void }) {
  const submit = async (values: typeof EMPTY) => {
    const currency = currencyOf(values.currency, values.account);
    const { iban, name, bic, gateway, token } = values;
    const bank = values.way === "token" ? given({ gateway, token }) : given({ iban, name, bic });
    const account = accountId(values.account);
    const amount = amountOf(values.amount, currency);
    const { body } = await post<Payout>(PAYOUTS, { body: { account, amount, currency, bank } });
    say("The amount is reserved, and the payout is on its way");
    onClose();
    go("payments", "payouts", body.id);
  };
  return (
    <FormDialog
      title="New payout"
      start={EMPTY}
      action="Pay out"
      wide
      submit={submit}
      onClose={onClose}
    >
      {(part) => (
        <>
          <AccountChoices />
          <div class="options">
            <AccountField
              label="From"
              pointer="/account"
              errors={part.errors}
              value={part.values.account}
              onInput={(account) => part.set({ account })}
              first
            />
            <AmountFields {...part} accounts={[part.values.account]} />
            <Choice
              label="To"
              pointer="/bank"
              errors={part.errors.filter(({ pointer }) => pointer === "/bank")}
              value={part.values.way}
              onInput={(way) => part.set({ way })}
              options={WAYS}
            />
            <Bank {...part} />
          </div>
        </>
      )}
    </FormDialog>
  );
}

export function Payouts() {
  const [open, setOpen] = useState(false);
  const items = payouts.items.value;
  useEffect(() => void introduce(...new Set(items.map(({ account }) => account))), [items]);
  return (
    <Frame tab="payouts" title="Payouts">
      <Listing
        what="payouts"
        title="All payouts"
        pages={payouts}
        nothing="No payouts yet."
        tools={
          <button type="button" class="primary" onClick={() => setOpen(true)}>
            <Icon name="plus" />
            New payout
          </button>
        }
        item={(payout) => <Item key={payout.id} payout={payout} />}
      >
        {open && <NewPayout onClose={() => setOpen(false)} />}
      </Listing>
    </Frame>
  );
}
