// One payment: where it stands, what can be done with it, and all that happened to it.
//
// Invariant: after every step both are read anew. Refused: to cancel without a question.

import { useEffect, useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { href } from "../route";
import { say } from "../ui/announce";
import { Question } from "../ui/form-dialog";
import { Badge, Facts, useRead, Wait } from "../ui/read";
import { asMoment, capital } from "../ui/when";
import { AmountDialog } from "./forms";
import { money } from "./money";
import { called } from "./payments";
import { AccountLink, Frame } from "./read";
import { accountName, introduce, paid } from "./store";
import { at, type Party, type Payment, type PaymentEvent, PAYMENTS, words } from "./types";

/** Events of one question; a payment has a few hundred at most. */
const EVENTS = 200;

async function history(id: string): Promise<PaymentEvent[]> {
  const all: PaymentEvent[] = [];
  let cursor: string | null = null;
  do {
    const query: Record<string, string | number | null> = { limit: EVENTS, cursor };
    const { body } = await call<{ items: PaymentEvent[]; next_cursor: string | null }>(
      at(PAYMENTS, id, "/events"),
      { query },
    );
    all.push(...body.items);
    cursor = body.next_cursor;
  } while (cursor);
  return all;
}

function Timeline({ payment }: { payment: Payment }) {
  const [events, setEvents] = useState<PaymentEvent[] | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);

  useEffect(() => {
    let gone = false;
    history(payment.id).then(
      (all) => {
        if (gone) return;
        setWrong(null);
        setEvents(all);
      },
      (why: unknown) => {
        if (!gone) setWrong(sentence(problemIn(why)));
      },
    );
    return () => {
      gone = true;
    };
  }, [payment]);

  return (
    <section class="list" aria-labelledby="timeline-title">
      <h2 id="timeline-title">Timeline</h2>
      <div role="alert">{wrong && <p class="error">{wrong}</p>}</div>
      {!events && !wrong && <p role="status">Loading…</p>}
      <ol class="timeline">
        {events?.map((event) => (
          <li key={event.id} class={event.status}>
            <h3>{capital(words(event.type.replace(/^payment\./, "")))}</h3>
            <p>
              {money(event.amount, payment.currency)}{" "}
              <Badge state={event.status}>{words(event.status)}</Badge>
            </p>
            {event.detail && <p class="breakable">{event.detail}</p>}
            <p class="hint breakable">
              <time dateTime={event.at}>{asMoment(event.at)}</time> by {event.by}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

type Step = "capture" | "cancel" | "refund";

/** What a state lets one do; the API has the last word. */
function stepsOf(payment: Payment): Step[] {
  const { status, amount_captured, amount_refunded } = payment;
  if (status === "authorized" && payment.review?.status === "pending") return ["cancel"];
  if (status === "authorized") return ["capture", "cancel"];
  const refundable = ["captured", "settled", "partially_refunded"].includes(status);
  return refundable && amount_captured > amount_refunded ? ["refund"] : [];
}

function End({ party }: { party: Party }) {
  if (typeof party !== "string") return <>{called(party)}</>;
  return <AccountLink id={party} name={accountName(party)} />;
}

export function PaymentDetail({ id }: { id: string }) {
  const path = at(PAYMENTS, id);
  const { value: payment, wrong, set, again } = useRead<Payment>(path);
  const [open, setOpen] = useState<Step | null>(null);
  const close = () => setOpen(null);

  useEffect(() => {
    const ends = [payment?.source, payment?.destination, payment?.fee?.account];
    void introduce(...ends.filter((end) => typeof end === "string"));
  }, [payment?.id]);

  const done = (answer: unknown) => {
    const now = answer as Payment;
    set(now);
    paid(now);
    say(`The payment is ${words(now.status)}`);
    close();
  };
  const sum = (amount: number) => money(amount, payment?.currency ?? "");
  const steps = payment ? stepsOf(payment) : [];
  return (
    <Frame tab="payments" title={payment?.description || `Payment ${id}`} one>
      <Wait wrong={wrong} ready={payment !== null} again={again} />
      {payment && (
        <>
          <section class="card about" aria-label="The payment">
            <p class="amount-line">
              <strong class="figure">{sum(payment.amount)}</strong>{" "}
              <Badge state={payment.status}>{words(payment.status)}</Badge>
            </p>
            <p class="breakable">
              from <End party={payment.source} /> to <End party={payment.destination} />
            </p>
            {payment.failure && <p class="error">{payment.failure}</p>}
            {payment.review?.status === "pending" && (
              <p class="breakable">
                Waits for a review: {payment.review.rule}, {payment.review.reason}.{" "}
                <a href={href("payments", "reviews")}>Decide</a>
              </p>
            )}
            <div class="row">
              {steps.map((step) => (
                <button
                  key={step}
                  type="button"
                  class={step === "capture" ? "primary" : "plain"}
                  onClick={() => setOpen(step)}
                >
                  {capital(step)}
                </button>
              ))}
              <button type="button" class="plain" data-refuge onClick={again}>
                Refresh
              </button>
            </div>
            <Facts
              rows={[
                ["Id", payment.id],
                ["Captured", sum(payment.amount_captured)],
                ["Refunded", payment.amount_refunded > 0 && sum(payment.amount_refunded)],
                ["Fee", payment.fee && sum(payment.fee.amount)],
                ["The gateway's fee", payment.gateway_fee !== null && sum(payment.gateway_fee)],
                ["The gateway's name for it", payment.gateway_reference],
                ["Taken", payment.capture_method === "manual" ? "by a capture" : "at once"],
                ["Made", asMoment(payment.created_at)],
              ]}
            />
          </section>
          <Timeline payment={payment} />
        </>
      )}
      {payment && open === "capture" && (
        <AmountDialog
          title="Capture"
          action="Capture"
          path={`${path}/capture`}
          whole={payment.amount}
          currency={payment.currency}
          onClose={close}
          onDone={done}
        >
          <p>What is not captured is released.</p>
        </AmountDialog>
      )}
      {payment && open === "refund" && (
        <AmountDialog
          title="Refund"
          action="Refund"
          path={`${path}/refunds`}
          whole={payment.amount_captured - payment.amount_refunded}
          currency={payment.currency}
          reason
          onClose={close}
          onDone={done}
        >
          <p>Fees stay where they are. A refund cannot be undone.</p>
        </AmountDialog>
      )}
      {payment && open === "cancel" && (
        <Question<Payment>
          title="Cancel this payment?"
          action="Cancel payment"
          path={`${path}/cancel`}
          danger
          onClose={close}
          onDone={done}
        >
          <p>{sum(payment.amount)} will be released. This cannot be undone.</p>
        </Question>
      )}
    </Frame>
  );
}
