// The creation of a link: one field, and the options behind a button.
//
// Invariant: what was sent and got no clear answer is sent again under the same Idempotency-Key, so
// two presses make one link. Refused: to clear the form before there is a link.

import { useState } from "preact/hooks";
import { href } from "../route";
import { say } from "../ui/announce";
import { Copy } from "../ui/copy";
import { fieldErrors, useForm } from "../ui/form";
import { Icon } from "../ui/icon";
import { post } from "../ui/once";
import { Options, Target } from "./fields";
import { added, made } from "./store";
import type { Link } from "./types";
import { creation, EMPTY } from "./values";

function Made({ link }: { link: Link }) {
  return (
    <div class="made">
      <span class="label">Your short link</span>
      <a class="short" href={link.short_url} target="_blank" rel="noreferrer noopener">
        {link.short_url}
      </a>
      <Copy text={link.short_url} what={link.short_url} label="Copy" />
      <a class="button plain" href={href("links", link.short_code)}>
        <Icon name="chart" />
        Details
      </a>
    </div>
  );
}

export function Create() {
  const [open, setOpen] = useState(false);
  const form = useForm(EMPTY, (problem) => {
    // A field that is named must be there to be seen.
    if (fieldErrors(problem).some(({ pointer }) => pointer !== "/long_url")) setOpen(true);
    return problem;
  });

  const create = async () => {
    const answer = await post<Link>("/api/v1/shorten", { body: creation(form.values) });
    form.reset(EMPTY);
    setOpen(false);
    added(answer.body);
    say(`${answer.status === 200 ? "There already is" : "Created"} ${answer.body.short_url}`);
    form.ref.current?.querySelector<HTMLElement>("[data-first]")?.focus();
  };

  const shared = { request: "ShortenRequest", values: form.values, errors: form.errors };
  return (
    <section class="card create" aria-label="New link">
      <form ref={form.ref} onSubmit={form.submit(create)} noValidate>
        <div class="first-row">
          <Target {...shared} set={form.set} />
          <button type="submit" class="primary" aria-disabled={form.busy}>
            {form.busy ? "Creating…" : "Create link"}
          </button>
        </div>
        <button
          type="button"
          class="quiet disclose"
          aria-expanded={open}
          aria-controls="create-options"
          onClick={() => setOpen(!open)}
        >
          {open ? "Fewer options" : "More options"}
        </button>
        <div id="create-options" hidden={!open}>
          <Options {...shared} set={form.set} />
        </div>
        <div role="alert">{form.other && <p class="error">{form.other}</p>}</div>
      </form>
      {made.value && <Made link={made.value} />}
    </section>
  );
}
