// The application's videos, newest first.
//
// Invariant: what is being made is read again until it is ready or has failed. Refused: what every
// list does (`ui/listing`).

import { useEffect, useState } from "preact/hooks";
import { call } from "../api";
import { href } from "../route";
import { Icon } from "../ui/icon";
import { Listing } from "../ui/listing";
import { Badge } from "../ui/read";
import { asDay } from "../ui/when";
import { Remove } from "./remove";
import { changed, pages } from "./store";
import { isUnderWay, nameOf, path, type Video } from "./types";
import { Bar } from "./upload";
import { uploads } from "./uploads";
import { asBytes, asLength, statusWords } from "./words";

const PAUSE_MS = 3_000;

/** Reads again what is under way, as long as the list is shown. */
function useNews(videos: Video[]): void {
  const waited = videos.filter(isUnderWay).map(({ id }) => id).join(" ");
  const uploading = Object.keys(uploads.value).length > 0;
  useEffect(() => {
    if (waited === "" && !uploading) return;
    const own = new AbortController();
    const look = () => {
      const ids = pages.items.value
        .filter((video) => isUnderWay(video) || video.status === "uploading")
        .map(({ id }) => id);
      for (const id of ids) {
        // What fails now is asked again in a moment.
        call<Video>(path(id), { signal: own.signal }).then(({ body }) => changed(body), () => {});
      }
    };
    const timer = setInterval(look, PAUSE_MS);
    return () => {
      clearInterval(timer);
      own.abort();
    };
  }, [waited, uploading]);
}

function Still({ video }: { video: Video }) {
  if (video.status !== "ready" || video.visibility !== "public") return <span class="still" />;
  const at = `/v/${encodeURIComponent(video.id)}/thumbnail.jpg?width=160`;
  return <img class="still" src={at} alt="" loading="lazy" width="160" height="90" />;
}

function Course({ video }: { video: Video }) {
  const now = uploads.value[video.id];
  if (now) return <Bar name={`Upload of ${nameOf(video)}`} part={now.sent / now.total} />;
  if (!isUnderWay(video)) return null;
  return <Bar name={`Transcoding of ${nameOf(video)}`} part={video.progress / 100} />;
}

function Item({ video, onRemove }: { video: Video; onRemove: () => void }) {
  const facts = [
    video.duration_ms !== null && asLength(video.duration_ms),
    video.size !== null && asBytes(video.size),
    video.visibility === "signed" && "with a token",
  ];
  return (
    <li class="item video" data-id={video.id}>
      <Still video={video} />
      <div class="what">
        <h3>
          <a href={href("video", video.id)}>{nameOf(video)}</a>
        </h3>
        <p class="hint">{facts.filter(Boolean).join(" · ")}</p>
        <Course video={video} />
      </div>
      <p class="dates">
        <Badge state={video.status}>{statusWords(video.status)}</Badge>
        <span>Created {asDay(video.created_at)}</span>
      </p>
      <div class="actions">
        <button
          type="button"
          class="icon"
          onClick={onRemove}
          aria-label={`Delete ${nameOf(video)}`}
          title="Delete"
        >
          <Icon name="trash" />
        </button>
      </div>
    </li>
  );
}

export function List() {
  const [doomed, setDoomed] = useState<Video | null>(null);
  const close = () => setDoomed(null);
  useNews(pages.items.value);
  return (
    <Listing
      what="videos"
      title="All videos"
      pages={pages}
      nothing="No videos yet. Choose a file above to upload the first."
      item={(video) => <Item key={video.id} video={video} onRemove={() => setDoomed(video)} />}
    >
      {doomed && <Remove video={doomed} onClose={close} onDone={close} />}
    </Listing>
  );
}
