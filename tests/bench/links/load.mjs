// wrk, and what it says: its last line is the JSON of our script.

import { spawn } from "node:child_process";
import path from "node:path";

// Runs it; `env` is for the script.
export async function wrk(run, port, { seconds, connections = 64, script = "requests.lua", env = {} }) {
  const args = ["-t", "1", "-c", String(connections), "-d", `${seconds}s`, "--timeout", "10s",
    "-s", path.join(import.meta.dirname, script), `http://127.0.0.1:${port}/`];
  const texts = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));
  const child = spawn("wrk", args, { env: { ...process.env, ...texts }, stdio: ["ignore", "pipe", "pipe"] });
  run.children.add(child);
  let out = "";
  child.stdout.on("data", (part) => (out += part));
  child.stderr.on("data", (part) => (out += part));
  const code = await new Promise((done) => child.once("exit", done));
  run.children.delete(child);
  const line = out.trim().split("\n").pop();
  if (code !== 0 || !line.startsWith("{")) throw new Error(`wrk failed (${code}):\n${out}`);
  const said = JSON.parse(line);
  return { ...said, perSecond: said.requests / (said.us / 1e6) };
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
