// The page of payments: accounts with the ledger's check, transfers, payments, reviews, payouts,
// reconciliations, webhooks.
//
// Invariant: the place decides which. Refused: anything that the views show by themselves.

import { Learned } from "../ui/learned";
import { AccountDetail } from "./account";
import { Accounts } from "./accounts";
import { EndpointDetail } from "./endpoint";
import { PaymentDetail } from "./payment";
import { PaymentList } from "./payments";
import { PayoutDetail } from "./payout";
import { Payouts } from "./payouts";
import { Reconciliations } from "./reconciliations";
import { Report } from "./report";
import { Reviews } from "./reviews";
import { TransferDetail } from "./transfer";
import { Webhooks } from "./webhooks";

function View({ area, id }: { area: string | undefined; id: string | undefined }) {
  switch (area) {
    case "transfers":
      return id ? <TransferDetail key={id} id={id} /> : <Accounts />;
    case "payments":
      return id ? <PaymentDetail key={id} id={id} /> : <PaymentList />;
    case "reviews":
      return <Reviews />;
    case "payouts":
      return id ? <PayoutDetail key={id} id={id} /> : <Payouts />;
    case "webhooks":
      return id ? <EndpointDetail key={id} id={id} /> : <Webhooks />;
    case "reconciliations":
      return id ? <Report key={id} id={id} /> : <Reconciliations />;
    default:
      return id ? <AccountDetail key={id} id={id} /> : <Accounts />;
  }
}

export function Payments({ at }: { at: string[] }) {
  const [area, id] = at;
  return <Learned title="Payments">{() => <View area={area} id={id} />}</Learned>;
}
