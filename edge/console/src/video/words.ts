// Videos' states, reasons and measures as people read them.
//
// Invariant: every code of the API has words; one that is new here is shown as it is. Refused:
// numbers with more digits than they are good for.

import { asNumber } from "../ui/when";
import type { Rendition, Status } from "./types";

const STATUSES: Record<Status, string> = {
  uploading: "uploading",
  queued: "waiting for a slot",
  transcoding: "transcoding",
  ready: "ready",
  failed: "failed",
};
export const statusWords = (status: Status): string => STATUSES[status] ?? status;

const FAILURES: Record<string, string> = {
  empty: "The file is empty.",
  not_a_video: "The file is no video that can be read here.",
  playlist: "The file is a list of other files, not a video.",
  no_video_stream: "The file has no picture, only sound or text.",
  truncated: "The end of the file is missing.",
  too_long: "The video is longer than allowed.",
  too_large: "The pictures are larger, or more a second, than allowed.",
  undecodable: "The pictures cannot be decoded here.",
  exhausted: "Reading the file took more time or memory than it may.",
  upload_expired: "The upload was not whole when its time was over.",
  encoding_failed: "Encoding failed, again and again, for a reason of ours.",
};
export const failureWords = (code: string): string => FAILURES[code] ?? code;

const REASONS: Record<string, string> = {
  start: "to start with: the largest that the line carries",
  start_lightest: "to start with: the lightest, since the line carries none",
  alternative: "to switch to",
  only_one: "alone: nothing that the player decodes is within the cap",
  last_resort: "alone: the player is not known to decode anything that there is",
  sound: "sound",
  above_cap: "larger than the cap",
  codec: "not decoded by the player, as far as is known",
  not_yet: "without a segment yet",
};
export const reasonWords = (reason: string): string => REASONS[reason] ?? reason;

const SIGNALS: Record<string, string> = {
  none: "nothing said otherwise",
  max_height: "asked for",
  token: "by the token",
  policy: "by the video's policy",
  save_data: "by Save-Data",
  viewport: "by the window",
  measured: "measured by the player",
  starved: "after a stall",
  downlink: "by the browser's downlink",
  effective_type: "by the browser's type of line",
  round_trip: "by the round trip",
  network: "by the network",
  country: "by the country",
  user_agent: "by the browser",
};
export const signalWords = (signal: string): string => SIGNALS[signal] ?? signal;

const KINDS: Record<string, string> = {
  created: "Created",
  queued: "Uploaded; waiting for a slot",
  planned: "Looked at",
  playable: "Playable from here on",
  ready: "Ready",
  failed: "Failed",
  retried: "Tried again",
  changed: "Changed",
  deleted: "Deleted",
  purged: "Its objects are gone",
};
export const eventWords = (kind: string): string => KINDS[kind] ?? kind;

const PREFIXES = ["", "k", "M", "G", "T"];

/** With a decimal prefix, to two digits at least. */
function prefixed(value: number, unit: string): string {
  let [rest, at] = [value, 0];
  while (rest >= 999.5 && at < PREFIXES.length - 1) [rest, at] = [rest / 1000, at + 1];
  const digits = at > 0 && rest < 9.95 ? 1 : 0;
  return `${asNumber(Number(rest.toFixed(digits)))} ${PREFIXES[at]}${unit}`;
}

export const asBytes = (bytes: number): string => prefixed(bytes, "B");
/** Of bits per second. */
export const asRate = (bits: number): string => prefixed(bits, "bit/s");

/** A length of time: 0:07, 1:02:03. */
export function asLength(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const SPEAKERS: Record<number, string> = { 1: "mono", 2: "stereo", 6: "5.1" };

/** 720p, or a sound's speakers and language. */
export function renditionWords({ media, name }: Rendition): string {
  if (media.video) return `${Math.min(media.video.width, media.video.height)}p`;
  if (!media.audio) return name;
  const { channels, language } = media.audio;
  const places = SPEAKERS[channels] ?? `${channels} channels`;
  return `Sound, ${places}${language ? `, ${language}` : ""}`;
}
