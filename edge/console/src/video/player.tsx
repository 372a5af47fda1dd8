// The player, and where others find it; for a signed video with a token that is minted here.
//
// Invariant: the player is the page that viewers get, in a frame. A token stands in the frame's
// address and in this page's memory alone. Refused: to keep it.

import { useEffect, useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { Copy } from "../ui/copy";
import { isPlayable, nameOf, path, type Playback, type Video } from "./types";

/** How long the page's own token lives: an hour of looking at it. */
const TTL_S = 3_600;

/** The query with which this page plays; `null`: not known yet, or not to be had. */
export function useToken(video: Video | null) {
  const [token, setToken] = useState<string | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const id = video?.id;
  const isSigned = video?.visibility === "signed";

  useEffect(() => {
    if (!id || !isSigned) return setWrong(null);
    const own = new AbortController();
    const body = { ttl_s: TTL_S };
    call<Playback>(path(id, "playback"), { method: "POST", body, signal: own.signal }).then(
      (answer) => setToken(answer.body.token),
      (why: unknown) => {
        if (!own.signal.aborted) setWrong(sentence(problemIn(why)));
      },
    );
    return () => own.abort();
  }, [id, isSigned]);

  const query = isSigned ? token && `?token=${encodeURIComponent(token)}` : "";
  return { query: video ? query : null, token: isSigned ? token : null, wrong };
}

interface AddressesProps {
  of: readonly (readonly [name: string, url: string])[];
}

export function Addresses({ of }: AddressesProps) {
  return (
    <dl class="addresses">
      {of.map(([name, url]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <span class="short">{url}</span>
            <Copy text={url} what={`the address of ${name}`} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

interface PlayerProps {
  video: Video;
  /** With which it is played; `null`: not yet, or not at all. */
  query: string | null;
  wrong: string | null;
}

export function Player({ video, query, wrong }: PlayerProps) {
  if (!isPlayable(video)) return null;
  const { id } = video;
  const own = location.origin;
  return (
    <section class="numbers" aria-labelledby="player">
      <h2 id="player">Player</h2>
      <div role="alert">{wrong && <p class="error">{wrong}</p>}</div>
      {query !== null && (
        <iframe
          class="player"
          src={`/embed/${encodeURIComponent(id)}${query}`}
          title={`Player of ${nameOf(video)}`}
          allow="autoplay; fullscreen"
        />
      )}
      {video.visibility === "public" && (
        <Addresses
          of={[
            ["HLS", `${own}/v/${id}/master.m3u8`],
            ["DASH", `${own}/v/${id}/manifest.mpd`],
            ["Embed page", `${own}/embed/${id}`],
          ]}
        />
      )}
    </section>
  );
}
