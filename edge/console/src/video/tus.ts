// Resumable uploads by tus 1.0: how far the edge has it, then one part after the other.
//
// Invariant: a part begins where the edge says that the last one ended; what was acknowledged is
// never sent again. What may pass (no answer, 429, 5xx, a part that broke off) is tried again for
// ever, later and later; what does not pass is thrown. Refused: to hold more of the file in memory
// than the browser does by itself.

import { call, Failure, problemIn, type Problem, refusal, send } from "../api";

/** The API's bound on one part. */
const PART_BYTES_MAX = 64 * 2 ** 20;
/** Half a second of 64 Mbit/s: less would cost more in requests than in what is sent. */
const PART_BYTES_MIN = 4 * 2 ** 20;
/** Parts of a file that lies between the bounds: 256 MiB to 4 GiB. */
const PARTS = 64;
const BACKOFF_MS = 500;
const BACKOFF_MS_MAX = 30_000;

const VERSION = { "Tus-Resumable": "1.0.0" };
const NEVER = [401, 403, 404, 410, 412, 413, 415, 422];

export interface Course {
  signal: AbortSignal;
  onSent: (bytes: number) => void;
  /** Why it waits; `null`: it goes on. */
  onWait: (why: Problem | null) => void;
}

const isLost = ({ status, type }: Problem): boolean =>
  NEVER.includes(status) || type.endsWith("/problems/video/upload-closed");

export const partBytes = (size: number): number =>
  Math.min(PART_BYTES_MAX, Math.max(PART_BYTES_MIN, Math.ceil(size / PARTS)));

/** How many bytes are there; says how many there will be, where nobody did. */
async function offsetOf(path: string, size: number, signal: AbortSignal): Promise<number> {
  const { headers } = await call(path, { method: "HEAD", headers: VERSION, signal });
  const length = headers.get("Upload-Length");
  if (length === null) {
    const said = { ...VERSION, "Upload-Length": String(size) };
    await call(path, { method: "POST", headers: said, signal });
  } else if (Number(length) !== size) {
    const detail = `is not the one that was begun with: that had ${length} bytes`;
    throw refusal({ pointer: "/file", detail });
  }
  return Number(headers.get("Upload-Offset") ?? 0);
}

async function sendPart(path: string, file: File, offset: number, course: Course): Promise<number> {
  const end = Math.min(file.size, offset + partBytes(file.size));
  // A file that has changed on the disk reads as a line that is broken.
  await file.slice(offset, offset + 1).arrayBuffer().catch(() => {
    throw new Error("the file cannot be read any more: choose it again");
  });
  const { headers } = await send(path, {
    method: "PATCH",
    file: new Blob([file.slice(offset, end)], { type: "application/offset+octet-stream" }),
    headers: { ...VERSION, "Upload-Offset": String(offset) },
    signal: course.signal,
    onSent: (bytes) => course.onSent(offset + bytes),
  });
  return Number(headers.get("Upload-Offset") ?? end);
}

/** Sleeps, but not on when the line comes back or the upload is stopped. */
function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, stop) => {
    const over = () => {
      clearTimeout(timer);
      removeEventListener("online", over);
      signal.removeEventListener("abort", over);
      if (signal.aborted) stop(signal.reason);
      else done();
    };
    const timer = setTimeout(over, ms);
    addEventListener("online", over);
    signal.addEventListener("abort", over);
  });
}

/** Sends a file; returns when the edge has all of it. */
export async function upload(path: string, file: File, course: Course): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      let offset = await offsetOf(path, file.size, course.signal);
      course.onWait(null);
      course.onSent(offset);
      while (offset < file.size) {
        offset = await sendPart(path, file, offset, course);
        course.onSent(offset);
        tries = 0;
      }
      return;
    } catch (why) {
      course.signal.throwIfAborted();
      const problem = problemIn(why);
      if (!(why instanceof Failure) || isLost(problem)) throw why;
      course.onWait(problem);
      await rest(Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** tries), course.signal);
    }
  }
}
