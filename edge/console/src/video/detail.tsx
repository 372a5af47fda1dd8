// One video: its upload, how far it is made, the player, who is offered what, how it went, its cost.
//
// Invariant: it is read again, every second, until it is ready or has failed; what was shown stays
// when an answer is lost. Refused: to show a video that is gone.

import { useEffect, useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { go, href } from "../route";
import { say } from "../ui/announce";
import { Icon } from "../ui/icon";
import { Badge, Facts, Wait } from "../ui/read";
import { asMoment } from "../ui/when";
import { Captions } from "./captions";
import { Edit } from "./edit";
import { History } from "./history";
import { Tokens } from "./playback";
import { Player, useToken } from "./player";
import { Numbers } from "./quality";
import { Remove } from "./remove";
import { Renditions } from "./renditions";
import { changed } from "./store";
import { isPlayable, isUnderWay, nameOf, path, type Status, type Video } from "./types";
import { Bar, UploadCard } from "./upload";
import { Variants } from "./variants";
import { asBytes, asLength, failureWords, statusWords } from "./words";

const PAUSE_MS = 1_000;

function useVideo(id: string) {
  const [video, setVideo] = useState<Video | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);

  useEffect(() => {
    const own = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let before: Status | undefined;
    const look = async () => {
      let goesOn = true;
      try {
        const { body } = await call<Video>(path(id), { signal: own.signal });
        setVideo(body);
        setWrong(null);
        changed(body);
        if (before && before !== body.status) say(`The video is ${statusWords(body.status)}`);
        before = body.status;
        goesOn = isUnderWay(body) || body.status === "uploading";
      } catch (why) {
        if (own.signal.aborted) return;
        const problem = problemIn(why);
        goesOn = problem.status === 0 || problem.status >= 500;
        if (!goesOn) setVideo(null);
        setWrong(sentence(problem));
      }
      if (goesOn && !own.signal.aborted) timer = setTimeout(look, PAUSE_MS);
    };
    void look();
    return () => {
      own.abort();
      clearTimeout(timer);
    };
  }, [id, turn]);

  return { video, wrong, set: setVideo, again: () => setTurn((now) => now + 1) };
}

function Failed({ video }: { video: Video }) {
  const { reason } = video;
  if (!reason) return null;
  return (
    <div class="note wrong" role="alert">
      <p>{failureWords(reason.code)}</p>
      {reason.detail && <p class="hint breakable">{reason.detail}</p>}
    </div>
  );
}

interface AboutProps {
  video: Video;
  onEdit: () => void;
  onRemove: () => void;
}

function About({ video, onEdit, onRemove }: AboutProps) {
  return (
    <section class="card about" aria-label="The video">
      <p>
        <Badge state={video.status}>{statusWords(video.status)}</Badge>
      </p>
      <Failed video={video} />
      {isUnderWay(video) && <Bar name="Transcoding" part={video.progress / 100} />}
      <div class="row">
        <button type="button" class="plain" onClick={onEdit}>
          <Icon name="edit" />
          Edit
        </button>
        <button type="button" class="plain" onClick={onRemove}>
          <Icon name="trash" />
          Delete
        </button>
      </div>
      <Facts
        rows={[
          ["Length", video.duration_ms !== null && asLength(video.duration_ms)],
          ["Source", video.size !== null && asBytes(video.size)],
          ["Played", video.visibility === "signed" ? "with a token" : "by everybody"],
          ["Created", asMoment(video.created_at)],
          ["Ready", video.ready_at && asMoment(video.ready_at)],
          ["Id", video.id],
        ]}
      />
    </section>
  );
}

export function Detail({ id }: { id: string }) {
  const { video, wrong, set, again } = useVideo(id);
  const { query, token, wrong: denied } = useToken(video);
  const [open, setOpen] = useState<"edit" | "remove" | null>(null);
  const close = () => setOpen(null);
  const title = video ? nameOf(video) : id;
  useEffect(() => void (document.title = `${title} · Video · Selvedge`), [title]);

  return (
    <>
      <a class="back" href={href("video")}>
        <Icon name="back" />
        All videos
      </a>
      <h1 tabIndex={-1} class="breakable">
        {title}
      </h1>
      <Wait wrong={wrong} ready={video !== null} again={again} />
      {video && (
        <>
          <About video={video} onEdit={() => setOpen("edit")} onRemove={() => setOpen("remove")} />
          <UploadCard video={video} />
          <Player video={video} query={query} wrong={denied} />
          {isPlayable(video) && <Variants video={video} token={token} />}
          {video.visibility === "signed" && isPlayable(video) && <Tokens video={video} />}
          {video.renditions.length > 0 && <Renditions video={video} />}
          {isPlayable(video) && <Numbers id={id} />}
          <Captions video={video} onChanged={again} />
          <History id={id} status={video.status} />
        </>
      )}
      {video && open === "edit" && <Edit video={video} onClose={close} onSaved={set} />}
      {video && open === "remove" && (
        <Remove video={video} onClose={close} onDone={() => go("video")} />
      )}
    </>
  );
}
