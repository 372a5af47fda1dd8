// A new video: a file is chosen, named, and sent.
//
// Invariant: the video is made once, under one Idempotency-Key until a clear answer has come; then
// its page is opened, where the upload is seen. Refused: an empty file, before anything is made.

import { useRef, useState } from "preact/hooks";
import { refusal } from "../api";
import { go } from "../route";
import { Choice, Field, Text } from "../ui/field";
import { useForm } from "../ui/form";
import { post } from "../ui/once";
import { made } from "./store";
import { type Video, VIDEOS, type Visibility } from "./types";
import { begin } from "./uploads";
import { asBytes } from "./words";

const EMPTY = { title: "", visibility: "public" };
const TITLE_CHARS_MAX = 200;

export const VISIBILITIES = [
  ["public", "Everybody"],
  ["signed", "Only with a playback token"],
] as const satisfies readonly (readonly [Visibility, string])[];

/** A file's name as a title: without its ending. */
const titled = (name: string): string =>
  [...name.replace(/\.[^.]+$/, "")].slice(0, TITLE_CHARS_MAX).join("");

export function Create() {
  const form = useForm(EMPTY);
  const [file, setFile] = useState<File | null>(null);
  const input = useRef<HTMLInputElement>(null);

  const choose = () => {
    const chosen = input.current?.files?.[0] ?? null;
    const isOurs = form.values.title === "" || form.values.title === titled(file?.name ?? "");
    if (chosen && isOurs) form.set({ title: titled(chosen.name) });
    setFile(chosen);
  };
  const create = async () => {
    if (!file) throw refusal({ pointer: "/file", detail: "is missing" });
    if (file.size === 0) throw refusal({ pointer: "/file", detail: "is empty" });
    const { title, visibility } = form.values;
    const named = title.trim() ? { title: title.trim() } : {};
    const body = { ...named, visibility, size: file.size };
    const video = (await post<Video>(VIDEOS, { body })).body;
    made(video);
    void begin(video, file);
    go("video", video.id);
  };
  const { values, errors, set, busy } = form;
  return (
    <section class="card create" aria-labelledby="new-video">
      <h2 id="new-video">New video</h2>
      <form ref={form.ref} onSubmit={form.submit(create)} noValidate>
        <div class="options">
          <Field
            label="File"
            pointer="/file"
            errors={errors}
            hint={file ? asBytes(file.size) : "What ffmpeg reads. The upload can be resumed."}
          >
            {(tied) => (
              <input {...tied} ref={input} type="file" accept="video/*,.mkv" onChange={choose} />
            )}
          </Field>
          <Text
            label="Title"
            pointer="/title"
            errors={errors}
            value={values.title}
            onInput={(title) => set({ title })}
          />
          <Choice
            label="May be played by"
            pointer="/visibility"
            errors={errors}
            value={values.visibility}
            onInput={(visibility) => set({ visibility })}
            options={VISIBILITIES}
          />
        </div>
        <div role="alert">{form.other && <p class="error">{form.other}</p>}</div>
        <button type="submit" class="primary" aria-disabled={busy}>
          {busy ? "Creating…" : "Upload"}
        </button>
      </form>
    </section>
  );
}
