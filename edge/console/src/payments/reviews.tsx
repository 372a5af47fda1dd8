// Fraud reviews: the payments that a rule holds, and what somebody decides about each of them.
//
// Invariant: what was decided leaves the list, and nothing is decided without a press in a dialog that
// says what will happen. Refused: to decide about several at once.

import { useEffect, useState } from "preact/hooks";
import { href } from "../route";
import { say } from "../ui/announce";
import { Text } from "../ui/field";
import { FormDialog } from "../ui/form-dialog";
import { Listing } from "../ui/listing";
import { post } from "../ui/once";
import { asMoment } from "../ui/when";
import { money } from "./money";
import { called } from "./payments";
import { Frame } from "./read";
import { introduce, paid, reviews } from "./store";
import { at, type Payment, PAYMENTS, words } from "./types";

type Decision = "approve" | "reject";

interface DecideProps {
  payment: Payment;
  decision: Decision;
  onClose: () => void;
}

function Decide({ payment, decision, onClose }: DecideProps) {
  const isGood = decision === "approve";
  const submit = async (values: { reason: string }) => {
    const body: Record<string, unknown> = { decision };
    if (values.reason.trim()) body.reason = values.reason.trim();
    const { body: now } = await post<Payment>(at(PAYMENTS, payment.id, "/review"), { body });
    paid(now);
    reviews.items.value = reviews.items.value.filter(({ id }) => id !== now.id);
    onClose();
    say(`The payment is ${words(now.status)}`);
  };
  return (
    <FormDialog
      title={isGood ? "Approve this payment" : "Decline this payment"}
      start={{ reason: "" }}
      action={isGood ? "Approve" : "Decline"}
      submit={submit}
      onClose={onClose}
    >
      {({ values, errors, set }) => (
        <>
          <p>
            {money(payment.amount, payment.currency)}{" "}
            {isGood
              ? "goes on as it was asked for."
              : "is released, and the payment is canceled. This cannot be undone."}
          </p>
          <Text
            label="Reason"
            pointer="/reason"
            errors={errors}
            value={values.reason}
            onInput={(reason) => set({ reason })}
            hint="For the payment's history; it may stay empty."
            first
          />
        </>
      )}
    </FormDialog>
  );
}

interface ItemProps {
  payment: Payment;
  decide: (decision: Decision) => void;
}

function Item({ payment, decide }: ItemProps) {
  const name = payment.description || payment.id;
  return (
    <li class="item account" data-id={payment.id}>
      <div class="what">
        <h3>
          <a href={href("payments", "payments", payment.id)}>{name}</a>
        </h3>
        <p class="breakable">
          {payment.review?.rule}: {payment.review?.reason}
        </p>
        <p class="hint breakable">
          from {called(payment.source)} to {called(payment.destination)}
        </p>
      </div>
      <div class="sum">
        <strong>{money(payment.amount, payment.currency)}</strong>
        <span class="hint">{asMoment(payment.created_at)}</span>
        <span class="row">
          <button
            type="button"
            class="plain"
            aria-label={`Approve ${name}`}
            onClick={() => decide("approve")}
          >
            Approve
          </button>
          <button
            type="button"
            class="plain"
            aria-label={`Decline ${name}`}
            onClick={() => decide("reject")}
          >
            Decline
          </button>
        </span>
      </div>
    </li>
  );
}

export function Reviews() {
  const [open, setOpen] = useState<{ payment: Payment; decision: Decision } | null>(null);
  const items = reviews.items.value;
  useEffect(() => {
    const ends = items.flatMap(({ source, destination }) => [source, destination]);
    void introduce(...new Set(ends.filter((end) => typeof end === "string")));
  }, [items]);
  return (
    <Frame tab="reviews" title="Reviews">
      <Listing
        what="reviews"
        title="Waiting for a decision"
        pages={reviews}
        nothing="No payment waits for a review."
        item={(payment) => (
          <Item
            key={payment.id}
            payment={payment}
            decide={(decision) => setOpen({ payment, decision })}
          />
        )}
      >
        {open && <Decide {...open} onClose={() => setOpen(null)} />}
      </Listing>
    </Frame>
  );
}
