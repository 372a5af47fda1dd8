// One transfer; a held one is posted, whole or in part, or voided.
//
// Invariant: what can be done is what its state allows; the API has the last word. Refused: to void
// without a question.

import { useEffect, useState } from "preact/hooks";
import { say } from "../ui/announce";
import { Question } from "../ui/form-dialog";
import { Icon } from "../ui/icon";
import { Badge, Facts, useRead, Wait } from "../ui/read";
import { asMoment, capital } from "../ui/when";
import { AmountDialog } from "./forms";
import { money } from "./money";
import { AccountLink, Frame } from "./read";
import { accountName, introduce } from "./store";
import { at, type Transfer, TRANSFERS } from "./types";

export function TransferDetail({ id }: { id: string }) {
  const path = at(TRANSFERS, id);
  const { value: transfer, wrong, set, again } = useRead<Transfer>(path);
  const [open, setOpen] = useState<"post" | "void" | null>(null);
  const close = () => setOpen(null);

  useEffect(() => {
    if (transfer) void introduce(transfer.debit_account, transfer.credit_account);
  }, [transfer?.id]);

  const ended = (answer: Transfer) => {
    set(answer);
    say(`The hold is ${answer.status}`);
    close();
  };
  const link = (account: string) => <AccountLink id={account} name={accountName(account)} />;
  const held = transfer?.status === "pending";
  return (
    <Frame tab="accounts" title={transfer?.reference ?? `Transfer ${id}`} one>
      <Wait wrong={wrong} ready={transfer !== null} again={again} />
      {transfer && (
        <section class="card about" aria-label="The transfer">
          <p class="amount-line">
            <strong class="figure">{money(transfer.amount, transfer.currency)}</strong>{" "}
            <Badge state={transfer.status}>{transfer.status}</Badge>
          </p>
          <p class="breakable">
            debits {link(transfer.debit_account)}, credits {link(transfer.credit_account)}
          </p>
          {held && (
            <div class="row">
              <button
                type="button"
                class="primary"
                data-refuge
                onClick={() => setOpen("post")}
              >
                <Icon name="check" />
                Post
              </button>
              <button type="button" class="plain" onClick={() => setOpen("void")}>
                Void
              </button>
            </div>
          )}
          <Facts
            rows={[
              ["Id", transfer.id],
              ["Type", capital(transfer.type)],
              ["Reference", transfer.reference],
              [
                "Posted",
                transfer.posted_amount !== null && money(transfer.posted_amount, transfer.currency),
              ],
              ["Made", asMoment(transfer.created_at)],
              ["Made by", transfer.created_by],
              [held ? "Ends" : "Would have ended", transfer.expires_at && asMoment(transfer.expires_at)],
              ["Ended", transfer.settled_at && asMoment(transfer.settled_at)],
              ["Ended by", transfer.settled_by],
            ]}
          />
        </section>
      )}
      {transfer && open === "post" && (
        <AmountDialog
          title="Post the hold"
          action="Post"
          path={`${path}/post`}
          whole={transfer.amount}
          currency={transfer.currency}
          onClose={close}
          onDone={(answer) => ended(answer as Transfer)}
        >
          <p>What is not posted is released.</p>
        </AmountDialog>
      )}
      {transfer && open === "void" && (
        <Question<Transfer>
          title="Void this hold?"
          action="Void"
          path={`${path}/void`}
          danger
          onClose={close}
          onDone={ended}
        >
          <p>
            {money(transfer.amount, transfer.currency)} will be released to{" "}
            <strong class="breakable">{accountName(transfer.debit_account)}</strong>. This cannot be
            undone.
          </p>
        </Question>
      )}
    </Frame>
  );
}
