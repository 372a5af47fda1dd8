// One link: what it is, what can be done with it, and its numbers.
//
// Invariant: it is read anew whenever its place is entered. Refused: to show a link that is gone.

import { useEffect, useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { go, href } from "../route";
import { Copy } from "../ui/copy";
import { Icon } from "../ui/icon";
import { asMoment, asNumber } from "../ui/when";
import { Edit } from "./edit";
import { Tags } from "./list";
import { hasQr, Qr } from "./qr";
import { Remove } from "./remove";
import { RulesList } from "./rules";
import { Numbers } from "./stats";
import { isExpired, isProtected, type Link, nameOf, path } from "./types";

function Facts({ link }: { link: Link }) {
  const rows: [string, string | null | undefined | false][] = [
    ["Created", asMoment(link.created_at)],
    [isExpired(link) ? "Expired" : "Expires", link.expires_at ? asMoment(link.expires_at) : "never"],
    ["Redirect", String(link.redirect)],
    ["Clicks at most", link.max_clicks != null && asNumber(link.max_clicks)],
    ["Password", isProtected(link) && "asked for"],
    ["Fallback", link.fallback_url],
    ["External id", link.external_id],
  ];
  return (
    <dl class="facts">
      {rows
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="breakable">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

type Open = "edit" | "remove" | "qr" | null;

function Actions({ link, open }: { link: Link; open: (what: Open) => void }) {
  return (
    <div class="row">
      <Copy text={link.short_url} what={link.short_url} label="Copy" />
      {hasQr() && (
        <button type="button" class="plain" onClick={() => open("qr")}>
          <Icon name="code" />
          QR code
        </button>
      )}
      <button type="button" class="plain" onClick={() => open("edit")}>
        <Icon name="edit" />
        Edit
      </button>
      <button type="button" class="plain" onClick={() => open("remove")}>
        <Icon name="trash" />
        Delete
      </button>
    </div>
  );
}

export function Detail({ code }: { code: string }) {
  const [link, setLink] = useState<Link | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);

  useEffect(() => {
    document.title = `${code} · Links · Selvedge`;
    call<Link>(path(code)).then(
      ({ body }) => setLink(body),
      (why: unknown) => setWrong(sentence(problemIn(why))),
    );
  }, []);

  return (
    <>
      <a class="back" href={href("links")}>
        <Icon name="back" />
        All links
      </a>
      <h1 tabIndex={-1} class="breakable">
        {link ? nameOf(link) : code}
      </h1>
      <div role="alert">{wrong && <p class="empty">{wrong}</p>}</div>
      {!link && !wrong && <p role="status">Loading…</p>}
      {link && (
        <>
          <section class="card about" aria-label="The link">
            <p>
              <a class="short large" href={link.short_url} target="_blank" rel="noreferrer noopener">
                {link.short_url}
              </a>
            </p>
            <p class="leads breakable">
              leads to{" "}
              <a href={link.long_url} target="_blank" rel="noreferrer noopener">
                {link.long_url}
              </a>
            </p>
            <Tags link={link} />
            <Actions link={link} open={setOpen} />
            <Facts link={link} />
            <RulesList rules={link.rules ?? []} />
          </section>
          <Numbers code={code} />
        </>
      )}
      {link && open === "edit" && <Edit code={code} onClose={close} onSaved={setLink} />}
      {link && open === "qr" && <Qr link={link} onClose={close} />}
      {link && open === "remove" && (
        <Remove link={link} onClose={close} onDone={() => go("links")} />
      )}
    </>
  );
}
