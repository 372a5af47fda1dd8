// One payout: where it stands, what reserves it, and what came back of it.
//
// Invariant: it is read anew by a press, for it ends by itself. Refused: to end it by hand.

import { useEffect } from "preact/hooks";
import { href } from "../route";
import { Badge, Facts, useRead, Wait } from "../ui/read";
import { asMoment } from "../ui/when";
import { money } from "./money";
import { AccountLink, Frame } from "./read";
import { accountName, introduce } from "./store";
import { at, type Payout, PAYOUTS, words } from "./types";

function TransferLink({ id }: { id: string }) {
  return <a href={href("payments", "transfers", id)}>{id}</a>;
}

export function PayoutDetail({ id }: { id: string }) {
  const { value: payout, wrong, again } = useRead<Payout>(at(PAYOUTS, id));
  useEffect(() => void introduce(payout?.account ?? ""), [payout?.account]);
  const back = payout?.returned;
  return (
    <Frame tab="payouts" title={`Payout ${id}`} one>
      <Wait wrong={wrong} ready={payout !== null} again={again} />
      {payout && (
        <section class="card about" aria-label="The payout">
          <p class="amount-line">
            <strong class="figure">{money(payout.amount, payout.currency)}</strong>{" "}
            <Badge state={payout.status}>{words(payout.status)}</Badge>
          </p>
          <p class="breakable">
            from <AccountLink id={payout.account} name={accountName(payout.account)} /> to …
            {payout.bank_last4}
          </p>
          {payout.failure && <p class="error">{payout.failure}</p>}
          <div class="row">
            <button type="button" class="plain" data-refuge onClick={again}>
              Refresh
            </button>
          </div>
          <Facts
            rows={[
              ["Id", payout.id],
              ["Paid out by", payout.gateway],
              ["Reserved by", <TransferLink id={payout.transfer} />],
              ["Came back", back && money(back.amount, payout.currency)],
              ["The bank's reason", back?.reason],
              ["Credited by", back && <TransferLink id={back.transfer} />],
              ["Credited", back && asMoment(back.at)],
              ["Made", asMoment(payout.created_at)],
              ["Ended", payout.ended_at && asMoment(payout.ended_at)],
            ]}
          />
        </section>
      )}
    </Frame>
  );
}
