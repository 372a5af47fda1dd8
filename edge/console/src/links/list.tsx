// The application's links, newest first: search, filter by tag, one page after the other.
//
// Invariant: what is typed is asked after a pause, and only the last question counts. Refused: what
// every list does (`ui/listing`).

import { useRef, useState } from "preact/hooks";
import { href } from "../route";
import { Copy } from "../ui/copy";
import { Icon } from "../ui/icon";
import { Listing } from "../ui/listing";
import { asDay, asMoment } from "../ui/when";
import { Edit } from "./edit";
import { Remove } from "./remove";
import { isFiltered, pages, type Wanted, wanted } from "./store";
import { isExpired, type Link, nameOf } from "./types";

const PAUSE_MS = 250;

function Search() {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const want = (some: Partial<Wanted>, pause: number) => {
    wanted.value = { ...wanted.value, ...some };
    clearTimeout(timer.current);
    timer.current = setTimeout(pages.load, pause);
  };
  return (
    <form
      class="search"
      role="search"
      aria-label="Links"
      onSubmit={(event) => {
        event.preventDefault();
        want({}, 0);
      }}
    >
      <label class="silent" for="search-q">
        Search in code, destination and title
      </label>
      <span class="with-icon">
        <Icon name="search" />
        <input
          id="search-q"
          type="search"
          placeholder="Search"
          value={wanted.value.q}
          onInput={(event) => want({ q: event.currentTarget.value }, PAUSE_MS)}
        />
      </span>
      <label class="silent" for="search-tag">
        Only with the tag
      </label>
      <input
        id="search-tag"
        type="search"
        placeholder="Tag"
        value={wanted.value.tag}
        onInput={(event) => want({ tag: event.currentTarget.value.trim() }, PAUSE_MS)}
      />
    </form>
  );
}

interface ItemProps {
  link: Link;
  onEdit: () => void;
  onRemove: () => void;
}

export function Tags({ link }: { link: Link }) {
  if (link.tags.length === 0) return null;
  return (
    <ul class="tags" aria-label="Tags">
      {link.tags.map((tag) => (
        <li key={tag}>
          <button
            type="button"
            class="tag"
            title={`Only links with the tag ${tag}`}
            onClick={() => {
              wanted.value = { q: "", tag };
              if (location.hash !== href("links")) location.hash = href("links");
              void pages.load();
            }}
          >
            {tag}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Item({ link, onEdit, onRemove }: ItemProps) {
  const gone = isExpired(link);
  return (
    <li class="item" data-code={link.short_code}>
      <div class="what">
        <h3>
          <a href={href("links", link.short_code)}>{nameOf(link)}</a>
        </h3>
        <p class="short-line">
          <a class="short" href={link.short_url} target="_blank" rel="noreferrer noopener">
            {link.short_url.replace(/^https?:\/\//, "")}
          </a>
          <Copy text={link.short_url} what={link.short_url} />
        </p>
        <p class="long" title={link.long_url}>
          {link.long_url}
        </p>
        <Tags link={link} />
      </div>
      <p class="dates">
        <span>Created {asDay(link.created_at)}</span>
        {link.expires_at && (
          <span class={gone ? "gone" : ""} title={asMoment(link.expires_at)}>
            {gone ? "Expired" : "Expires"} {asDay(link.expires_at)}
          </span>
        )}
      </p>
      <div class="actions">
        <a
          class="button icon"
          href={href("links", link.short_code)}
          aria-label={`Details of ${nameOf(link)}`}
          title="Details"
        >
          <Icon name="chart" />
        </a>
        <button
          type="button"
          class="icon"
          onClick={onEdit}
          aria-label={`Edit ${nameOf(link)}`}
          title="Edit"
        >
          <Icon name="edit" />
        </button>
        <button
          type="button"
          class="icon"
          onClick={onRemove}
          aria-label={`Delete ${nameOf(link)}`}
          title="Delete"
        >
          <Icon name="trash" />
        </button>
      </div>
    </li>
  );
}

export function List() {
  const [edited, setEdited] = useState<Link | null>(null);
  const [doomed, setDoomed] = useState<Link | null>(null);
  const nothing = isFiltered()
    ? "No link matches this search."
    : "No links yet. Paste an address above to create the first.";
  return (
    <Listing
      what="links"
      title="All links"
      pages={pages}
      nothing={nothing}
      tools={<Search />}
      item={(link) => (
        <Item
          key={link.id}
          link={link}
          onEdit={() => setEdited(link)}
          onRemove={() => setDoomed(link)}
        />
      )}
    >
      {edited && <Edit code={edited.short_code} onClose={() => setEdited(null)} />}
      {doomed && (
        <Remove link={doomed} onClose={() => setDoomed(null)} onDone={() => setDoomed(null)} />
      )}
    </Listing>
  );
}
