// The change of a video's title and of who may play it.
//
// Invariant: the change is sent with the version that the form began with, so that nobody's change is
// overwritten unseen. Refused: to send what did not change.

import { call, refusal } from "../api";
import { say } from "../ui/announce";
import { Choice, Text } from "../ui/field";
import { FormDialog } from "../ui/form-dialog";
import { VISIBILITIES } from "./create";
import { changed } from "./store";
import { nameOf, path, type Video } from "./types";

interface Props {
  video: Video;
  onClose: () => void;
  onSaved: (video: Video) => void;
}

const STALE =
  "The video was changed elsewhere in the meantime. " +
  "Close this and look at it again before you save.";

export function Edit({ video, onClose, onSaved }: Props) {
  const start = { title: video.title ?? "", visibility: video.visibility as string };
  const submit = async (values: typeof start) => {
    const title = values.title.trim() || null;
    const body = {
      ...(title === video.title ? {} : { title }),
      ...(values.visibility === video.visibility ? {} : { visibility: values.visibility }),
    };
    if (Object.keys(body).length === 0) return onClose();
    // The form is about two fields: the version counts segments, too, and would be stale at once.
    const { body: now, etag } = await call<Video>(path(video.id));
    if (now.title !== video.title || now.visibility !== video.visibility) {
      throw refusal({ pointer: "", detail: STALE });
    }
    const headers: Record<string, string> = etag ? { "If-Match": etag } : {};
    const saved = await call<Video>(path(video.id), { method: "PATCH", body, headers });
    changed(saved.body);
    say(`Saved ${nameOf(saved.body)}`);
    onSaved(saved.body);
    onClose();
  };
  return (
    <FormDialog
      title="Edit the video"
      start={start}
      action="Save"
      submit={submit}
      onClose={onClose}
    >
      {({ values, errors, set }) => (
        <>
          <Text
            label="Title"
            pointer="/title"
            errors={errors}
            value={values.title}
            onInput={(title) => set({ title })}
            first
          />
          <Choice
            label="May be played by"
            pointer="/visibility"
            errors={errors}
            value={values.visibility}
            onInput={(visibility) => set({ visibility })}
            options={VISIBILITIES}
          />
        </>
      )}
    </FormDialog>
  );
}
