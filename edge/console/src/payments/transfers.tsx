// The transfer form: money moved at once, or held until the hold is posted or voided.
//
// Invariant: the currency is the debited account's until another is typed. Refused: an amount that
// would have to be rounded.

import { go } from "../route";
import { say } from "../ui/announce";
import { Check, Choice, Text } from "../ui/field";
import { FormDialog } from "../ui/form-dialog";
import { post } from "../ui/once";
import { capital } from "../ui/when";
import {
  AccountChoices,
  AccountField,
  AmountFields,
  accountId,
  amountOf,
  currencyOf,
} from "./forms";
import { money } from "./money";
import { introduce } from "./store";
import { type Transfer, TRANSFERS } from "./types";

const TYPES = ["payment", "refund", "fee", "payout", "exchange", "dispute", "adjustment"];

interface Values {
  debit: string;
  credit: string;
  amount: string;
  currency: string;
  type: string;
  reference: string;
  hold: boolean;
  minutes: string;
}

const EMPTY: Values = {
  debit: "",
  credit: "",
  amount: "",
  currency: "",
  type: "payment",
  reference: "",
  hold: false,
  minutes: "",
};

/** Seconds when it is a number; otherwise the text, for the API to refuse by its pointer. */
const seconds = (minutes: string): number | string =>
  /^\d+$/.test(minutes.trim()) ? Number(minutes) * 60 : minutes.trim();

function bodyOf(values: Values): Record<string, unknown> {
  const currency = currencyOf(values.currency, values.debit, values.credit);
  const body: Record<string, unknown> = {
    debit_account: accountId(values.debit),
    credit_account: accountId(values.credit),
    amount: amountOf(values.amount, currency),
    currency,
  };
  if (values.type !== "payment") body.type = values.type;
  if (values.reference.trim()) body.reference = values.reference.trim();
  if (values.hold) body.pending = true;
  if (values.hold && values.minutes.trim()) body.timeout_s = seconds(values.minutes);
  return body;
}

export function NewTransfer({ debit, onClose }: { debit?: string; onClose: () => void }) {
  const submit = async (values: Values) => {
    const { body } = await post<Transfer>(TRANSFERS, { body: bodyOf(values) });
    say(`${body.status === "pending" ? "Held" : "Moved"} ${money(body.amount, body.currency)}`);
    void introduce(body.debit_account, body.credit_account);
    onClose();
    go("payments", "transfers", body.id);
  };
  return (
    <FormDialog
      title="New transfer"
      start={{ ...EMPTY, debit: debit ?? "" }}
      action="Transfer"
      wide
      submit={submit}
      onClose={onClose}
    >
      {({ values, errors, set }) => (
        <>
          <AccountChoices />
          <div class="options">
            <AccountField
              label="Debit"
              pointer="/debit_account"
              errors={errors}
              value={values.debit}
              onInput={(debit) => set({ debit })}
              first
            />
            <AccountField
              label="Credit"
              pointer="/credit_account"
              errors={errors}
              value={values.credit}
              onInput={(credit) => set({ credit })}
            />
            <AmountFields {...{ values, errors, set }} accounts={[values.debit, values.credit]} />
            <Choice
              label="Type"
              pointer="/type"
              errors={errors}
              value={values.type}
              onInput={(type) => set({ type })}
              options={TYPES.map((type) => [type, capital(type)] as const)}
            />
            <Text
              label="Reference"
              pointer="/reference"
              errors={errors}
              value={values.reference}
              onInput={(reference) => set({ reference })}
              hint="Your own name for it."
            />
            <Check
              label="Only hold the amount, to be posted or voided later"
              checked={values.hold}
              onChange={(hold) => set({ hold })}
            />
            {values.hold && (
              <Text
                label="Ends by itself after"
                pointer="/timeout_s"
                errors={errors}
                value={values.minutes}
                onInput={(minutes) => set({ minutes })}
                hint="Minutes. Empty: it lasts until you end it."
                mode="numeric"
              />
            )}
          </div>
        </>
      )}
    </FormDialog>
  );
}
