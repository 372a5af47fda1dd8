// How far an upload is, and what can be done with it; or the choice of its file, after a reload.
//
// Invariant: the bar is in bytes that the edge has or is being sent; its words say the same.
// Refused: to go on with another file than the one that was begun with.

import { refusal } from "../api";
import { Field } from "../ui/field";
import { useForm } from "../ui/form";
import { asMoment } from "../ui/when";
import type { Video } from "./types";
import { begin, goOn, mismatch, pause, printOf, type Upload, uploads } from "./uploads";
import { asBytes } from "./words";

const PERCENT = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });

interface BarProps {
  name: string;
  /** 0 to 1. */
  part: number;
}

export function Bar({ name, part }: BarProps) {
  // Less than whole is never shown as whole.
  const floored = part >= 1 ? 1 : Math.floor(part * 100) / 100;
  return (
    <span class="progress">
      <progress aria-label={name} max={1} value={floored} />
      <span class="figures">{PERCENT.format(floored)}</span>
    </span>
  );
}

function Sending({ video, now }: { video: Video; now: Upload }) {
  const isOn = now.state === "sending" || now.state === "waiting";
  return (
    <>
      <Bar name={`Upload of ${now.name}`} part={now.sent / now.total} />
      <p class="hint">
        {asBytes(now.sent)} of {asBytes(now.total)}, {now.name}
        {now.state === "paused" && ", paused"}
      </p>
      <div role="status">
        {now.state === "waiting" && <p class="note">{now.why} It is tried again by itself.</p>}
      </div>
      <div role="alert">{now.state === "failed" && <p class="error">{now.why}</p>}</div>
      <div class="row">
        {isOn ? (
          <button type="button" class="plain" onClick={() => pause(video.id)}>
            Pause
          </button>
        ) : (
          <button type="button" class="primary" onClick={() => goOn(video)}>
            Continue
          </button>
        )}
      </div>
    </>
  );
}

function Choose({ video, isBegun }: { video: Video; isBegun: boolean }) {
  const form = useForm({});
  const known = printOf(video.id);

  const choose = async (file: File | undefined) => {
    if (!file) return;
    const detail = mismatch(video, file);
    if (detail) throw refusal({ pointer: "/file", detail });
    void begin(video, file);
  };
  return (
    <form ref={form.ref} onSubmit={(event) => event.preventDefault()} noValidate>
      {video.size !== null && !isBegun && (
        <>
          <Bar name="What has arrived" part={video.upload_offset / video.size} />
          <p class="hint">
            {asBytes(video.upload_offset)} of {asBytes(video.size)} have arrived. Until{" "}
            {asMoment(video.upload_expires_at)} the upload goes on where it stopped.
          </p>
        </>
      )}
      <Field
        label={known ? "Choose the file again" : "Choose the file"}
        pointer="/file"
        errors={form.errors}
        hint={known && <span class="breakable">It was {known.name}.</span>}
      >
        {(tied) => (
          <input
            {...tied}
            type="file"
            accept="video/*,.mkv"
            onChange={(event) => form.run(() => choose(event.currentTarget.files?.[0]))}
          />
        )}
      </Field>
    </form>
  );
}

export function UploadCard({ video }: { video: Video }) {
  const now = uploads.value[video.id];
  if (!now && video.status !== "uploading") return null;
  return (
    <section class="card upload" aria-labelledby="upload-title">
      <h2 id="upload-title">Upload</h2>
      {now && <Sending video={video} now={now} />}
      {(!now || now.state === "failed") && <Choose video={video} isBegun={now !== undefined} />}
    </section>
  );
}
