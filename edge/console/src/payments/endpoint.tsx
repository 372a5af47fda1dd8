// One webhook endpoint: what it wants, a message that tries it, what was sent to it and sent again.
//
// Invariant: what was tried is read anew after every step. Refused: to delete without a question.

import { useMemo, useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { pagesOf } from "../pages";
import { go } from "../route";
import { say } from "../ui/announce";
import { Dialog } from "../ui/dialog";
import { Listing } from "../ui/listing";
import { post } from "../ui/once";
import { Badge, Facts, useRead, Wait } from "../ui/read";
import { asMoment } from "../ui/when";
import { Frame } from "./read";
import { at, type Delivery, type Endpoint, ENDPOINTS } from "./types";
import { Enabled } from "./webhooks";

/** A delivery's standing in the badges' colours. */
const STATES = { pending: "pending", delivered: "settled", dead: "failed", canceled: "voided" };

function outcome({ attempts, response_status, error }: Delivery): string {
  const tried = attempts === 1 ? "tried once" : `tried ${attempts} times`;
  if (attempts === 0) return "not tried yet";
  return error ? `${tried}: ${error}` : `${tried}: answered ${response_status ?? "nothing"}`;
}

function Item({ delivery, again }: { delivery: Delivery; again: () => void }) {
  return (
    <li class="item account" data-id={delivery.id}>
      <div class="what">
        <h3 class="breakable">{delivery.event}</h3>
        <p class="hint breakable">
          {outcome(delivery)}
          {delivery.next_attempt_at && `, next ${asMoment(delivery.next_attempt_at)}`}
        </p>
        <p class="hint breakable">{delivery.message}</p>
      </div>
      <div class="sum">
        <Badge state={STATES[delivery.status]}>{delivery.status}</Badge>
        <span class="hint">{asMoment(delivery.created_at)}</span>
        <button
          type="button"
          class="plain"
          aria-label={`Send again: ${delivery.event}, ${delivery.message}`}
          onClick={again}
        >
          Send again
        </button>
      </div>
    </li>
  );
}

interface DeleteProps {
  endpoint: Endpoint;
  onClose: () => void;
}

function Delete({ endpoint, onClose }: DeleteProps) {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const remove = async () => {
    if (busy) return;
    setBusy(true);
    setWrong(null);
    try {
      await call(at(ENDPOINTS, endpoint.id), { method: "DELETE" });
      say("The endpoint was deleted");
      go("payments", "webhooks");
    } catch (why) {
      setBusy(false);
      setWrong(sentence(problemIn(why)));
    }
  };
  return (
    <Dialog title="Delete this endpoint?" onClose={onClose} busy={busy} alert>
      <p>What waits for it is not sent. This cannot be undone.</p>
      <div role="alert">{wrong && <p class="error">{wrong}</p>}</div>
      <footer>
        <button type="button" class="plain" data-first onClick={onClose} disabled={busy}>
          Back
        </button>
        <button type="button" class="danger" onClick={remove} aria-disabled={busy}>
          Delete endpoint
        </button>
      </footer>
    </Dialog>
  );
}

export function EndpointDetail({ id }: { id: string }) {
  const path = at(ENDPOINTS, id);
  const { value: endpoint, wrong, set, again } = useRead<Endpoint>(path);
  const deliveries = useMemo(() => pagesOf<Delivery>(`${path}/deliveries`), [path]);
  const [asked, setAsked] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);

  /** One step, and then the list as it is now. */
  const step = async (what: () => Promise<unknown>, said: string) => {
    setFailed(null);
    try {
      await what();
      say(said);
      await deliveries.load();
    } catch (why) {
      setFailed(sentence(problemIn(why)));
    }
  };
  const test = () => step(() => post(`${path}/test`, {}), "A message is on its way");
  const resend = ({ id: delivery }: Delivery) =>
    step(
      () => post(`${path}/deliveries/${encodeURIComponent(delivery)}/redeliver`, {}),
      "It is on its way again",
    );
  const enable = (enabled: boolean) =>
    step(async () => {
      set((await call<Endpoint>(path, { method: "PATCH", body: { enabled } })).body);
    }, enabled ? "The endpoint is enabled" : "The endpoint is disabled");
  return (
    <Frame tab="webhooks" title={endpoint ? new URL(endpoint.url).host : "Webhook endpoint"} one>
      <Wait wrong={wrong} ready={endpoint !== null} again={again} />
      {endpoint && (
        <>
          <section class="card about" aria-label="The endpoint">
            <p class="amount-line">
              <Enabled of={endpoint} />
              <span class="breakable">{endpoint.events.join(", ")}</span>
            </p>
            {endpoint.disabled_reason && <p class="error">{endpoint.disabled_reason}</p>}
            <div class="row">
              <button type="button" class="primary" onClick={test}>
                Send a test
              </button>
              <button type="button" class="plain" onClick={() => enable(!endpoint.enabled)}>
                {endpoint.enabled ? "Disable" : "Enable"}
              </button>
              <button type="button" class="plain" onClick={() => setAsked(true)}>
                Delete
              </button>
            </div>
            <div role="alert">{failed && <p class="error">{failed}</p>}</div>
            <Facts
              rows={[
                ["URL", endpoint.url],
                ["Id", endpoint.id],
                ["Made", asMoment(endpoint.created_at)],
              ]}
            />
          </section>
          <Listing
            what="deliveries"
            title="What was sent"
            pages={deliveries}
            nothing="Nothing was sent yet."
            tools={
              <button type="button" class="plain" onClick={() => void deliveries.load()}>
                Refresh
              </button>
            }
            item={(delivery) => (
              <Item key={delivery.id} delivery={delivery} again={() => void resend(delivery)} />
            )}
          />
        </>
      )}
      {endpoint && asked && <Delete endpoint={endpoint} onClose={() => setAsked(false)} />}
    </Frame>
  );
}
