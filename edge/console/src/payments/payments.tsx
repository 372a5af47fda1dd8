// The application's payments, newest first, by status; and the form that makes one between accounts.
//
// Invariant: an amount is shown in its currency's own decimals. Refused: a field for a card's number;
// what a gateway takes comes with the gateway's own token.

import { useEffect, useState } from "preact/hooks";
import { go, href } from "../route";
import { say } from "../ui/announce";
import { Choice, Text } from "../ui/field";
import { FormDialog } from "../ui/form-dialog";
import { Icon } from "../ui/icon";
import { Listing } from "../ui/listing";
import { post } from "../ui/once";
import { Pick } from "../ui/pick";
import { Badge } from "../ui/read";
import { asMoment, capital } from "../ui/when";
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
import { accountName, introduce, payments, status } from "./store";
import {
  type Party,
  partyName,
  type Payment,
  PAYMENTS,
  STATUSES,
  words,
} from "./types";

export const called = (party: Party): string =>
  typeof party === "string" ? accountName(party) : partyName(party);

function Item({ payment }: { payment: Payment }) {
  return (
    <li class="item account" data-id={payment.id}>
      <div class="what">
        <h3>
          <a href={href("payments", "payments", payment.id)}>
            {payment.description || payment.id}
          </a>
        </h3>
        <p class="hint breakable">
          from {called(payment.source)} to {called(payment.destination)}
        </p>
      </div>
      <p class="sum">
        <strong>{money(payment.amount, payment.currency)}</strong>
        <span>
          <Badge state={payment.status}>{words(payment.status)}</Badge>{" "}
          <span class="hint">{asMoment(payment.created_at)}</span>
        </span>
      </p>
    </li>
  );
}

function Filter() {
  return (
    <Pick
      label="Status"
      value={status.value}
      options={[["", "Any status"], ...STATUSES.map((each) => [each, capital(words(each))] as const)]}
      onPick={(next) => {
        status.value = next;
        void payments.load();
      }}
    />
  );
}

const EMPTY = {
  source: "",
  destination: "",
  amount: "",
  currency: "",
  capture: "automatic",
  description: "",
};

const CAPTURES = [
  ["automatic", "At once"],
  ["manual", "Later, by a capture"],
] as const;

function NewPayment({ onClose }: { onClose: () => void }) {
  const submit = async (values: typeof EMPTY) => {
    const currency = currencyOf(values.currency, values.source, values.destination);
    const body: Record<string, unknown> = {
      source: accountId(values.source),
      destination: accountId(values.destination),
      amount: amountOf(values.amount, currency),
      currency,
      capture_method: values.capture,
    };
    if (values.description.trim()) body.description = values.description.trim();
    const { body: payment } = await post<Payment>(PAYMENTS, { body });
    say(`The payment is ${words(payment.status)}`);
    onClose();
    go("payments", "payments", payment.id);
  };
  return (
    <FormDialog
      title="New payment"
      start={EMPTY}
      action="Pay"
      wide
      submit={submit}
      onClose={onClose}
    >
      {({ values, errors, set }) => (
        <>
          <AccountChoices />
          <div class="options">
            <AccountField
              label="From"
              pointer="/source"
              errors={errors}
              value={values.source}
              onInput={(source) => set({ source })}
              first
            />
            <AccountField
              label="To"
              pointer="/destination"
              errors={errors}
              value={values.destination}
              onInput={(destination) => set({ destination })}
            />
            <AmountFields
              {...{ values, errors, set }}
              accounts={[values.source, values.destination]}
            />
            <Choice
              label="Taken"
              pointer="/capture_method"
              errors={errors}
              value={values.capture}
              onInput={(capture) => set({ capture })}
              options={CAPTURES}
            />
            <Text
              label="Description"
              pointer="/description"
              errors={errors}
              value={values.description}
              onInput={(description) => set({ description })}
            />
          </div>
        </>
      )}
    </FormDialog>
  );
}

export function PaymentList() {
  const [open, setOpen] = useState(false);
  const ends = payments.items.value.flatMap(({ source, destination }) => [source, destination]);
  const ids = ends.filter((end) => typeof end === "string");
  useEffect(() => void introduce(...new Set(ids)), [payments.items.value]);
  return (
    <Frame tab="payments" title="Payments">
      <Listing
        what="payments"
        title="All payments"
        pages={payments}
        nothing={status.value ? "No payment has this status." : "No payments yet."}
        tools={
          <span class="row">
            <Filter />
            <button type="button" class="primary" onClick={() => setOpen(true)}>
              <Icon name="plus" />
              New payment
            </button>
          </span>
        }
        item={(payment) => <Item key={payment.id} payment={payment} />}
      >
        {open && <NewPayment onClose={() => setOpen(false)} />}
      </Listing>
    </Frame>
  );
}
