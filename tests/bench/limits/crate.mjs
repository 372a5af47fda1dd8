// The two binaries of this directory's crate.

import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";

const target = (run) => path.join(run.root, "target/bench/crate");
const binary = (run, name) => path.join(target(run), "release", name);

export function build(run) {
  const manifest = path.join(import.meta.dirname, "Cargo.toml");
  const args = ["build", "--locked", "--release", "--quiet", "--manifest-path", manifest, "--target-dir", target(run)];
  execFileSync("cargo", args, { stdio: ["ignore", "inherit", "inherit"], cwd: run.root });
  run.say("the crate is built");
}

// Nanoseconds a decision by contestant.
export function decide(run) {
  const args = run.quick ? ["--quick"] : [];
  const said = JSON.parse(execFileSync(binary(run, "decide"), args, { encoding: "utf8" }));
  run.say("decisions");
  return said;
}

let templates = 0;

// A closed loop of clients; `template` is the bytes of a request (load/main.rs says what stands in it).
export async function load(run, { port, template, ...options }) {
  templates += 1;
  const file = path.join(run.dir, `request-${templates}`);
  writeFileSync(file, template, { mode: 0o600 });
  const all = { port, template: file, ms: run.ms, ...options };
  const args = Object.entries(all).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(binary(run, "load"), args, { stdio: ["ignore", "pipe", "inherit"] });
  run.children.add(child);
  let out = "";
  child.stdout.on("data", (part) => (out += part));
  const code = await new Promise((done) => child.once("close", done));
  run.children.delete(child);
  if (code !== 0) throw new Error(`load ended with ${code}`);
  const said = JSON.parse(out);
  if (said.errors > 0) throw new Error(`${said.errors} of ${said.requests} failed: ${said.error}`);
  return said;
}
