// The deletion of a video.
//
// Invariant: the question says what is lost; an upload of it stops. Refused: to say that every copy
// is gone, which its events do.

import { say } from "../ui/announce";
import { ConfirmDelete } from "../ui/confirm";
import { removed } from "./store";
import { nameOf, path, type Video } from "./types";
import { forget } from "./uploads";

interface Props {
  video: Video;
  onClose: () => void;
  onDone: () => void;
}

export function Remove({ video, onClose, onDone }: Props) {
  const done = () => {
    forget(video.id);
    removed(video.id);
    say(`Deleted ${nameOf(video)}`);
    onDone();
  };
  return (
    <ConfirmDelete title="Delete this video?" path={path(video.id)} onClose={onClose} onDone={done}>
      <p>
        <strong class="breakable">{nameOf(video)}</strong> will play for nobody from now on. Its
        renditions, captions and numbers are deleted with it. This cannot be undone.
      </p>
    </ConfirmDelete>
  );
}
