// The uploads of this page, and what is remembered of them over a reload.
//
// Invariant: an upload goes on whatever is shown; at most one runs for a video. What is remembered
// is the file's name, size and date, so that the same file is known when it is chosen again, and
// goes with the upload or the session. Refused: to remember a key or a file's bytes.

import { effect, signal } from "@preact/signals";
import { type Problem, problemIn, sentence } from "../api";
import { key } from "../session";
import { say, warn } from "../ui/announce";
import { upload } from "./tus";
import { nameOf, path, type Video } from "./types";

export interface Upload {
  name: string;
  sent: number;
  total: number;
  state: "sending" | "waiting" | "paused" | "failed";
  why: string | null;
}

/** What tells a file from another. */
interface Print {
  name: string;
  size: number;
  modified: number;
}

const NAME = "selvedge.uploads";

/** By the video's id. */
export const uploads = signal<Record<string, Upload>>({});

const files = new Map<string, File>();
const stops = new Map<string, AbortController>();

function remembered(): Record<string, Print> {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "{}") as Record<string, Print>;
  } catch {
    return {};
  }
}

function remember(prints: Record<string, Print>): void {
  try {
    if (Object.keys(prints).length === 0) localStorage.removeItem(NAME);
    else localStorage.setItem(NAME, JSON.stringify(prints));
  } catch {
    // The size alone then tells the file.
  }
}

export const printOf = (id: string): Print | undefined => remembered()[id];

function put(id: string, some: Partial<Upload>): void {
  const now = uploads.value[id];
  if (now) uploads.value = { ...uploads.value, [id]: { ...now, ...some } };
}

/** Why this is not the file that the upload began with; `null`: it is, as far as can be told. */
export function mismatch(video: Video, file: File): string | null {
  const print = printOf(video.id);
  if (video.size !== null && file.size !== video.size) {
    const sizes = `that had ${video.size} bytes, this has ${file.size}`;
    return `is not the one that was begun with: ${sizes}`;
  }
  if (print && (print.name !== file.name || print.modified !== file.lastModified)) {
    return `is not the one that was begun with: that was ${print.name}, unchanged since`;
  }
  return null;
}

/** Sends a file as a video's source, from where the edge has it on. */
export async function begin(video: Video, file: File): Promise<void> {
  const { id } = video;
  if (stops.has(id)) return;
  const stop = new AbortController();
  stops.set(id, stop);
  files.set(id, file);
  const print = { name: file.name, size: file.size, modified: file.lastModified };
  remember({ ...remembered(), [id]: print });
  const begun: Upload = { name: file.name, sent: 0, total: file.size, state: "sending", why: null };
  uploads.value = { ...uploads.value, [id]: { ...begun, sent: video.upload_offset } };
  try {
    await upload(path(id, "upload"), file, {
      signal: stop.signal,
      onSent: (sent) => put(id, { sent }),
      onWait: (problem: Problem | null) =>
        put(id, { state: problem ? "waiting" : "sending", why: problem && sentence(problem) }),
    });
    stops.delete(id);
    forget(id);
    say(`Uploaded ${nameOf(video)}`);
  } catch (why) {
    if (stops.get(id) === stop) stops.delete(id);
    if (stop.signal.aborted) return;
    const told = sentence(problemIn(why));
    put(id, { state: "failed", why: told });
    warn(`The upload of ${nameOf(video)} stopped: ${told}`);
  }
}

export function pause(id: string): void {
  stops.get(id)?.abort();
  stops.delete(id);
  put(id, { state: "paused", why: null });
}

export function goOn(video: Video): void {
  const file = files.get(video.id);
  if (file) void begin(video, file);
}

/** Stops it, and remembers nothing of it. */
export function forget(id: string): void {
  stops.get(id)?.abort();
  stops.delete(id);
  files.delete(id);
  const { [id]: _, ...others } = uploads.value;
  uploads.value = others;
  const { [id]: __, ...prints } = remembered();
  remember(prints);
}

let signedIn = key.peek() !== null;
effect(() => {
  const isIn = key.value !== null;
  if (signedIn && !isIn) {
    for (const stop of stops.values()) stop.abort();
    stops.clear();
    files.clear();
    uploads.value = {};
    remember({});
  }
  signedIn = isIn;
});
