// Which renditions a player is offered, in which order, and why: what the edge says of this browser.
//
// Invariant: it is the very choice that the manifest is made of (`?explain=1`), asked without the
// key, as a viewer asks. Refused: to guess what another browser would be offered.

import { useEffect, useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { Pick } from "../ui/pick";
import { Badge } from "../ui/read";
import { asNumber } from "../ui/when";
import type { Choice, Explained, Rendition, Video } from "./types";
import { asRate, reasonWords, renditionWords, signalWords } from "./words";

const HEIGHTS = [240, 360, 480, 720, 1080, 1440, 2160];
const CLASSES = 192;
const AGAIN_MS = 1_000;

function Item({ choice, of }: { choice: Choice; of: Rendition | undefined }) {
  const { name, codec, bandwidth, kept, reason } = choice;
  return (
    <li data-name={name} data-reason={reason}>
      <strong>{of ? renditionWords(of) : name}</strong>
      <Badge state={kept ? "ready" : "left"}>{kept ? "offered" : "left out"}</Badge>
      <span class="why">{reasonWords(reason)}</span>
      <span class="hint">
        up to {asRate(bandwidth)}, <code>{codec}</code>
      </span>
    </li>
  );
}

/** What the choice was made of. */
function Class({ said }: { said: Explained }) {
  const cap =
    said.max_height === null
      ? "Pictures of every size"
      : `Pictures up to ${asNumber(said.max_height)}p (${signalWords(said.max_height_by)})`;
  const codecs = said.codecs.length ? `, and decodes ${said.codecs.join(", ")} beside H.264` : "";
  return (
    <p class="hint">
      {cap}; the line is taken to carry {asRate(said.kbps * 1000)} (
      {signalWords(said.kbps_by)}){codecs}. Class {said.class} of {CLASSES}.
    </p>
  );
}

export function Variants({ video, token }: { video: Video; token: string | null }) {
  const [cap, setCap] = useState("");
  const [said, setSaid] = useState<Explained | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const isLocked = video.visibility === "signed" && token === null;
  const [turn, setTurn] = useState(0);
  // Asked again when there is more to choose from.
  const there = video.renditions.filter(({ progress }) => progress > 0).length;

  useEffect(() => {
    if (isLocked) return;
    const own = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const at = `/v/${encodeURIComponent(video.id)}/master.m3u8`;
    const query = { explain: 1, max_height: cap, token };
    call<Explained>(at, { query, key: "", signal: own.signal }).then(
      ({ body }) => {
        setSaid(body);
        setWrong(null);
      },
      (why: unknown) => {
        if (own.signal.aborted) return;
        const problem = problemIn(why);
        // The origin has a segment that the edge has not heard of yet.
        if (problem.status === 409) timer = setTimeout(() => setTurn(turn + 1), AGAIN_MS);
        else setWrong(sentence(problem));
      },
    );
    return () => {
      own.abort();
      clearTimeout(timer);
    };
  }, [video.id, cap, token, isLocked, there, turn]);

  return (
    <section class="numbers" aria-labelledby="variants">
      <div class="list-head">
        <h2 id="variants">What this browser is offered</h2>
        <Pick
          label="At most"
          value={cap}
          options={[["", "as it comes"], ...HEIGHTS.map((p) => [String(p), `${p}p`] as const)]}
          onPick={setCap}
        />
      </div>
      <div role="alert">{wrong && <p class="error">{wrong}</p>}</div>
      {said && (
        <>
          <Class said={said} />
          <ol class="variants">
            {said.renditions.map((choice) => (
              <Item
                key={choice.name}
                choice={choice}
                of={video.renditions.find(({ name }) => name === choice.name)}
              />
            ))}
          </ol>
        </>
      )}
    </section>
  );
}
