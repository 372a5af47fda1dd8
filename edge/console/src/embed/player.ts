// The page with a player: plays the video of the page's address and tells how it goes.
//
// Invariant: HLS goes through Media Source Extensions where there are any, else natively (Safari);
// what is told are differences since the last report, so reports add up and one that is lost costs
// itself alone. Refused: cookies, storage, a name for the viewer beyond this page's life.

import Hls from "hls.js";
import "../styles/embed.css";
import { Quality } from "./quality";

const REPORT_MS = 30_000; // as shared/src/video/qoe.rs

const id = location.pathname.split("/").pop() ?? "";
const token = new URLSearchParams(location.search).get("token");
const suffix = token === null ? "" : `?token=${encodeURIComponent(token)}`;
const at = (path: string) => `/v/${id}/${path}${suffix}`;

const video = document.querySelector("video") as HTMLVideoElement;
const note = document.querySelector("[role=status]") as HTMLElement;
video.poster = at("poster.jpg");

const say = (text: string) => {
  note.textContent = text;
  note.hidden = text === "";
};
const quality = new Quality(video);

function send(): void {
  const report = quality.take();
  if (report === undefined) return;
  const body = new Blob([JSON.stringify(report)], { type: "application/json" });
  navigator.sendBeacon(at("report"), body);
}
setInterval(send, REPORT_MS);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") send();
});
video.addEventListener("ended", send);

function withMediaSource(): void {
  const hls = new Hls({
    enableWorker: false, // the page's policy has no place for a script of a blob
    autoStartLoad: false,
    capLevelToPlayerSize: true,
    cmcd: { sessionId: `page-${crypto.randomUUID()}`, contentId: id, useHeaders: false },
  });
  hls.on(Hls.Events.LEVEL_SWITCHED, (_, { level }) => {
    const { bitrate = 0, height = 0 } = hls.levels[level] ?? {};
    quality.rate(bitrate / 1_000);
    video.dataset.height = String(height); // for whoever watches the page
  });
  hls.on(Hls.Events.ERROR, (_, error) => {
    if (!error.fatal) return;
    const status = error.response?.code;
    if (status === 409) {
      say("The video is still being made.");
      setTimeout(() => hls.loadSource(at("master.m3u8")), 2_000);
    } else if (status === 403) {
      say("This video is played with a token, and this one does not open it.");
    } else if (error.type === Hls.ErrorTypes.MEDIA_ERROR) {
      hls.recoverMediaError();
    } else if (error.type === Hls.ErrorTypes.NETWORK_ERROR && hls.levels.length > 0) {
      hls.startLoad();
    } else {
      say("The video cannot be played.");
    }
  });
  hls.on(Hls.Events.MANIFEST_PARSED, () => {
    say("");
    hls.startLevel = hls.firstLevel; // the first variant: the edge ordered them
    hls.startLoad();
  });
  hls.loadSource(at("master.m3u8"));
  hls.attachMedia(video);
}

if (Hls.isSupported()) {
  withMediaSource();
} else if (video.canPlayType("application/vnd.apple.mpegurl") !== "") {
  video.src = at("master.m3u8");
  video.addEventListener("error", () => say("The video cannot be played."));
} else {
  say("This browser plays neither HLS nor Media Source Extensions.");
}
