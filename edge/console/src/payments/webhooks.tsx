// Webhook endpoints: where the application is told what happened; and the form that makes one.
//
// Invariant: a secret is shown once, in the dialog that follows its making, and kept nowhere. Refused:
// to close that dialog by a press beside it.

import { useState } from "preact/hooks";
import { go, href } from "../route";
import { say } from "../ui/announce";
import { Dialog } from "../ui/dialog";
import { Text } from "../ui/field";
import { FormDialog } from "../ui/form-dialog";
import { Icon } from "../ui/icon";
import { Listing } from "../ui/listing";
import { post } from "../ui/once";
import { Badge } from "../ui/read";
import { asMoment } from "../ui/when";
import { Frame } from "./read";
import { endpoints } from "./store";
import { type Endpoint, ENDPOINTS } from "./types";

export function Enabled({ of }: { of: Endpoint }) {
  if (of.enabled) return <Badge state="settled">enabled</Badge>;
  return <Badge state="failed">disabled</Badge>;
}

function Item({ endpoint }: { endpoint: Endpoint }) {
  return (
    <li class="item account" data-id={endpoint.id}>
      <div class="what">
        <h3>
          <a href={href("payments", "webhooks", endpoint.id)}>{endpoint.url}</a>
        </h3>
        <p class="hint breakable">{endpoint.events.join(", ")}</p>
      </div>
      <p class="sum">
        <Enabled of={endpoint} />
        <span class="hint">{asMoment(endpoint.created_at)}</span>
      </p>
    </li>
  );
}

const EMPTY = { url: "", events: "*" };

function NewEndpoint({ onMade, onClose }: { onMade: (one: Endpoint) => void; onClose: () => void }) {
  const submit = async (values: typeof EMPTY) => {
    const body = {
      url: values.url.trim(),
      events: values.events.split(/[\s,]+/).filter((each) => each !== ""),
    };
    const { body: made } = await post<Endpoint>(ENDPOINTS, { body });
    say("The endpoint was made");
    onMade(made);
  };
  return (
    <FormDialog
      title="New webhook endpoint"
      start={EMPTY}
      action="Make endpoint"
      wide
      submit={submit}
      onClose={onClose}
    >
      {({ values, errors, set }) => (
        <>
          <Text
            label="URL"
            pointer="/url"
            errors={errors}
            value={values.url}
            onInput={(url) => set({ url })}
            hint="https, on the public network."
            placeholder="https://shop.example/hooks"
            first
          />
          <Text
            label="Events"
            pointer="/events"
            errors={errors}
            value={values.events}
            onInput={(events) => set({ events })}
            hint="Patterns such as payment.captured, payment.*, payout.* or *, with commas between."
          />
        </>
      )}
    </FormDialog>
  );
}

/** The one time that a secret is seen. */
export function Secret({ endpoint, onClose }: { endpoint: Endpoint; onClose: () => void }) {
  return (
    <Dialog title="The endpoint's secret" onClose={onClose} alert>
      <p>It signs every message, by Standard Webhooks. It is shown this once: keep it now.</p>
      <p class="breakable">
        <code>{endpoint.secret}</code>
      </p>
      <footer>
        <button type="button" class="primary" data-first onClick={onClose}>
          I have it
        </button>
      </footer>
    </Dialog>
  );
}

export function Webhooks() {
  const [open, setOpen] = useState(false);
  const [made, setMade] = useState<Endpoint | null>(null);
  return (
    <Frame tab="webhooks" title="Webhooks">
      <Listing
        what="endpoints"
        title="All endpoints"
        pages={endpoints}
        nothing="No webhook endpoints yet."
        tools={
          <button type="button" class="primary" onClick={() => setOpen(true)}>
            <Icon name="plus" />
            New endpoint
          </button>
        }
        item={(endpoint) => <Item key={endpoint.id} endpoint={endpoint} />}
      >
        {open && (
          <NewEndpoint
            onMade={(one) => {
              setOpen(false);
              setMade(one);
            }}
            onClose={() => setOpen(false)}
          />
        )}
        {made && (
          <Secret endpoint={made} onClose={() => go("payments", "webhooks", made.id)} />
        )}
      </Listing>
    </Frame>
  );
}
