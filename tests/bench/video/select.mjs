// The choice of renditions: a million random ones held against the laws, then how many a second.

import { execFileSync } from "node:child_process";
import path from "node:path";

export function select(run) {
  const args = ["build", "--release", "--locked", "--quiet", "-p", "shared", "--example", "select-video"];
  execFileSync("cargo", args, { stdio: ["ignore", "inherit", "inherit"], cwd: run.root });
  const binary = path.join(run.root, "target/release/examples/select-video");
  const said = JSON.parse(execFileSync(binary, [String(run.cases)], { encoding: "utf8" }));
  run.say("the choice");
  return said;
}
