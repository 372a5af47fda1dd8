// The page of videos: the list with the upload of a new one, or one video.
//
// Invariant: the place decides which. Refused: anything that the list or the video shows by itself.

import { useEffect } from "preact/hooks";
import { Learned } from "../ui/learned";
import { Create } from "./create";
import { Detail } from "./detail";
import { List } from "./list";

function Overview() {
  useEffect(() => void (document.title = "Video · Selvedge"), []);
  return (
    <>
      <h1 tabIndex={-1}>Video</h1>
      <Create />
      <List />
    </>
  );
}

export function Videos({ at }: { at: string[] }) {
  const [id] = at;
  return <Learned title="Video">{() => (id ? <Detail key={id} id={id} /> : <Overview />)}</Learned>;
}
