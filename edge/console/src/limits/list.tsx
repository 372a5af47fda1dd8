// The application's policies, by name.
//
// Invariant: a policy is shown as its rules in words. Refused: what every list does (`ui/listing`).

import { useState } from "preact/hooks";
import { go, href } from "../route";
import { Icon } from "../ui/icon";
import { Listing } from "../ui/listing";
import { asDay, asMoment } from "../ui/when";
import { Publish } from "./publish";
import { Remove } from "./remove";
import { pages } from "./store";
import { type Policy, rulesOf } from "./types";
import { algorithmName, numbers } from "./words";

/** What is unusual about a policy. */
export function Marks({ policy }: { policy: Policy }) {
  const tiers = Object.keys(policy.tiers ?? {});
  const marks = [
    policy.shadow && "shadow",
    policy.on_failure === "closed" && "closed on failure",
    policy.lease === false && "no leases",
    ...tiers.map((tier) => `tier ${tier}`),
  ].filter((mark) => mark !== false);
  if (marks.length === 0) return null;
  return (
    <ul class="tags" aria-label="Marks">
      {marks.map((mark) => (
        <li key={mark} class="tag">
          {mark}
        </li>
      ))}
    </ul>
  );
}

interface ItemProps {
  policy: Policy;
  onEdit: () => void;
  onRemove: () => void;
}

function Item({ policy, onEdit, onRemove }: ItemProps) {
  const { name, updated_at } = policy;
  return (
    <li class="item" data-policy={name}>
      <div class="what">
        <h3>
          <a href={href("limits", name)}>{name}</a>
        </h3>
        {rulesOf(policy).map((rule, index) => (
          <p class="hint" key={index}>
            {numbers(rule)} · {algorithmName(rule)}
          </p>
        ))}
        <Marks policy={policy} />
      </div>
      <p class="dates">
        <span title={asMoment(updated_at)}>Changed {asDay(updated_at)}</span>
      </p>
      <div class="actions">
        <a
          class="button icon"
          href={href("limits", name)}
          aria-label={`Details of ${name}`}
          title="Details"
        >
          <Icon name="chart" />
        </a>
        <button
          type="button"
          class="icon"
          onClick={onEdit}
          aria-label={`Edit ${name}`}
          title="Edit"
        >
          <Icon name="edit" />
        </button>
        <button
          type="button"
          class="icon"
          onClick={onRemove}
          aria-label={`Delete ${name}`}
          title="Delete"
        >
          <Icon name="trash" />
        </button>
      </div>
    </li>
  );
}

/** The policy that a dialog is about; `new`: one that is not there yet. */
type Open = { what: "new" } | { what: "edit" | "remove"; policy: Policy } | null;

export function List() {
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  return (
    <Listing
      what="policies"
      title="All policies"
      pages={pages}
      nothing="No policies yet. Make the first, and ask it with POST /api/v1/limits/check."
      tools={
        <button type="button" class="primary" onClick={() => setOpen({ what: "new" })}>
          <Icon name="plus" />
          New policy
        </button>
      }
      item={(policy) => (
        <Item
          key={policy.name}
          policy={policy}
          onEdit={() => setOpen({ what: "edit", policy })}
          onRemove={() => setOpen({ what: "remove", policy })}
        />
      )}
    >
      {open?.what === "new" && (
        <Publish onClose={close} onSaved={({ policy }) => go("limits", policy.name)} />
      )}
      {open?.what === "edit" && <Publish name={open.policy.name} onClose={close} />}
      {open?.what === "remove" && (
        <Remove policy={open.policy} onStale={pages.load} onClose={close} onDone={close} />
      )}
    </Listing>
  );
}
