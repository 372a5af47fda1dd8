// The list of videos.
//
// Invariant: what was made, changed or deleted here is in the list without asking again. Refused: to
// keep videos over a sign-out (`pages`).

import { pagesOf } from "../pages";
import { type Video, VIDEOS } from "./types";

export const pages = pagesOf<Video>(VIDEOS);

const videos = pages.items;

export function made(video: Video): void {
  videos.value = [video, ...videos.value.filter(({ id }) => id !== video.id)];
}

export function changed(video: Video): void {
  videos.value = videos.value.map((each) => (each.id === video.id ? video : each));
}

export function removed(gone: string): void {
  videos.value = videos.value.filter(({ id }) => id !== gone);
}
