// A video and its numbers, as the API answers them.
//
// Invariant: times are RFC 3339, sizes bytes, rates bits per second unless the name says otherwise.
// Refused: anything that is computed here.

export type Status = "uploading" | "queued" | "transcoding" | "ready" | "failed";
export type Visibility = "public" | "signed";

export interface Cost {
  cpu_s: number;
  bytes_stored: number;
  bytes_served: number;
}

export interface Picture {
  width: number;
  height: number;
  frame_rate: [number, number];
}

export interface Sound {
  track: number;
  channels: number;
  sample_rate: number;
  language: string | null;
}

export interface Rendition {
  name: string;
  media: { video?: Picture; audio?: Sound };
  codec: string;
  bandwidth: number;
  average_bandwidth: number;
  progress: number;
  cost: Cost;
}

export interface Caption {
  language: string;
  label: string;
}

export interface Video {
  id: string;
  title: string | null;
  visibility: Visibility;
  status: Status;
  progress: number;
  reason: { code: string; detail: string } | null;
  upload_offset: number;
  size: number | null;
  upload_expires_at: string;
  duration_ms: number | null;
  renditions: Rendition[];
  captions?: Caption[];
  cost: Cost;
  created_at: string;
  ready_at: string | null;
}

export interface VideoEvent {
  n: number;
  at: string;
  kind: string;
  detail: string;
}

export interface Explained {
  class: number;
  max_height: number | null;
  max_height_by: string;
  kbps: number;
  kbps_by: string;
  codecs: string[];
  renditions: Choice[];
}

export interface Choice {
  name: string;
  height: number | null;
  codec: string;
  bandwidth: number;
  kept: boolean;
  reason: string;
}

export interface Playback {
  token: string;
  expires_at: string;
  hls_url: string;
  dash_url: string;
  embed_url: string;
}

export interface Figures {
  plays: number;
  startup_ms: number;
  watched_ms: number;
  stalled_ms: number;
  stalls: number;
  kbits: number;
  startup_average_ms: number | null;
  rebuffer_ratio: number | null;
  bitrate_kbps: number | null;
}

export interface Slot extends Figures {
  at: string;
}

export interface Quality extends Figures {
  series: Slot[];
  by_country: Record<string, Figures>;
  by_device: Record<string, Figures>;
}

export const VIDEOS = "/api/v1/videos";
export const path = (id: string, ...more: string[]): string =>
  [VIDEOS, ...[id, ...more].map(encodeURIComponent)].join("/");
export const nameOf = (video: Video): string => video.title ?? video.id;
export const isUnderWay = ({ status }: Video): boolean =>
  status === "queued" || status === "transcoding";
/** Whether there is a picture to be played. */
export const isPlayable = ({ status, renditions }: Video): boolean =>
  status !== "failed" && renditions.some(({ media, progress }) => media.video && progress > 0);
