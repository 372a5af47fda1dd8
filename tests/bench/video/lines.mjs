// What the order of a manifest is worth on lines that somebody measured: tests/sim/video, as a table.

import { execFileSync } from "node:child_process";

const LINE = /^(\S+) (\S+) (\S+)\s+(\S+)\s+start\s+(\d+) ms\s+with it still\s+([\d.]+) %\s+stalled\s+([\d.]+) %\s+(\d+) kbit\/s$/;

// One row for each kind of lines, film, length and order.
export function lines(run) {
  const args = ["test", "--release", "--locked", "--quiet", "-p", "shared", "--test", "sim", "v7_on_measured_lines", "--", "--nocapture"];
  const said = execFileSync("cargo", args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], cwd: run.root });
  const all = said.split("\n").map((line) => LINE.exec(line.trim())).filter(Boolean).map((found) => ({
    lines: found[1], film: found[2], of: found[3], first: found[4], start_ms: Number(found[5]), still: Number(found[6]),
    stalled: Number(found[7]), kbps: Number(found[8]),
  }));
  run.say("measured lines");
  return all;
}
