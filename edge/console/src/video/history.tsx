// What happened to a video, from the first on.
//
// Invariant: it is read again whenever the video's state changes. Refused: more than the first
// events, of which a video has a dozen.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api";
import { asMoment } from "../ui/when";
import { path, type Status, type VideoEvent } from "./types";
import { eventWords } from "./words";

const ASKED_MAX = 200;

export function History({ id, status }: { id: string; status: Status }) {
  const [events, setEvents] = useState<VideoEvent[]>([]);

  useEffect(() => {
    const own = new AbortController();
    const asked = { query: { limit: ASKED_MAX }, signal: own.signal };
    call<{ items: VideoEvent[] }>(path(id, "events"), asked).then(
      ({ body }) => setEvents(body.items),
      () => {}, // what is shown above says that nobody answers
    );
    return () => own.abort();
  }, [id, status]);

  if (events.length === 0) return null;
  return (
    <section class="numbers" aria-labelledby="history">
      <h2 id="history">What happened</h2>
      <ol class="timeline">
        {events.map(({ n, at, kind, detail }) => (
          <li key={n} class={kind}>
            <strong>{eventWords(kind)}</strong>
            {detail && <span class="breakable">{detail}</span>}
            <span class="hint">{asMoment(at)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
