// Workers under `workerd serve`, each in a process and a directory of its own; nothing in between.
//
// Invariant: every variant has the same binary, the same flags and the same stand-ins; what it costs
// is user + system time of its process from /proc, the work after the last answer included.

import { spawn } from "node:child_process";
import { cpSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, connect } from "node:net";
import path from "node:path";

const READY_MS_MAX = 20_000;
const TICK_MS = 10; // of /proc: USER_HZ is 100 on every Linux that Node runs on
const workers = path.join(import.meta.dirname, "workers");

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const quoted = (text) => JSON.stringify(text);
const list = (items) => `[ ${items.join(", ")} ]`;

function modules(files) {
  return list(files.map(([name, file]) => {
    const kind = file.endsWith(".wasm") ? "wasm" : "esModule";
    return `( name = ${quoted(name)}, ${kind} = embed ${quoted(file)} )`;
  }));
}

// The configuration of one variant. `worker`: files, texts, objects, its compatibility.
function configuration({ files, texts, objects, compatibility, links, port, countsPort }) {
  const { date, flags } = compatibility;
  const compatible = `compatibilityDate = ${quoted(date)}, compatibilityFlags = ${list(flags.map(quoted))}`;
  const bindings = [
    ...Object.entries(texts).map(([name, text]) => `( name = ${quoted(name)}, text = ${quoted(text)} )`),
    `( name = "REGISTERS", kvNamespace = "kv" )`,
    ...objects.map((name) => `( name = ${quoted(name.toUpperCase())}, durableObjectNamespace = ${quoted(name)} )`),
  ];
  const namespaces = objects.map((name) => `( className = ${quoted(name)}, uniqueKey = ${quoted(name)}, enableSql = true )`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ( name = "main", worker = (
      modules = ${modules(files)},
      ${compatible},
      bindings = ${list(bindings)},
      durableObjectNamespaces = ${list(namespaces)},
      durableObjectStorage = ( localDisk = "disk" ),
    ) ),
    ( name = "kv", worker = (
      modules = ${modules([["kv", "kv.js"], ["links", "links.js"]])},
      ${compatible},
      bindings = [ ( name = "LINKS", text = ${quoted(String(links))} ) ],
    ) ),
    ( name = "disk", disk = ( path = "objects", writable = true ) ),
    ( name = "internet", network = ( allow = ["private", "public"] ) ),
  ],
  sockets = [
    ( name = "main", address = "127.0.0.1:${port}", http = ( cfBlobHeader = "MF-CF-Blob" ), service = "main" ),
    ( name = "counts", address = "127.0.0.1:${countsPort}", http = (), service = "kv" ),
  ],
);
`;
}

function answers(port) {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => done(true)).on("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
}

// Starts a variant; `run` gives the scratch directory, the binary, the compatibility, the links that KV holds.
export async function serve(run, name, { files, texts = {}, objects = [], links, port }) {
  const dir = path.join(run.dir, name);
  mkdirSync(path.join(dir, "objects"), { recursive: true });
  for (const file of ["kv.js", "links.js"]) cpSync(path.join(workers, file), path.join(dir, file));
  for (const [, file, from] of files) cpSync(from ?? path.join(workers, file), path.join(dir, file));
  port ??= await freePort();
  const countsPort = await freePort();
  const { compatibility } = run;
  texts = { LINKS: String(links), ...texts };
  const text = configuration({ files, texts, objects, compatibility, links, port, countsPort });
  writeFileSync(path.join(dir, "config.capnp"), text, { mode: 0o600 });
  const log = openSync(path.join(dir, "log"), "a");
  const child = spawn(run.workerd, ["serve", "--experimental", "config.capnp"], {
    cwd: dir,
    stdio: ["ignore", log, log],
  });
  run.children.add(child);
  const until = Date.now() + READY_MS_MAX;
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > until) {
      throw new Error(`${name} does not start:\n${readFileSync(path.join(dir, "log"), "utf8").slice(-2000)}`);
    }
    await sleep(20);
  }
  const counts = async () => (await fetch(`http://127.0.0.1:${countsPort}/counts`)).json();
  return { name, port, child, counts, log: path.join(dir, "log") };
}

// User and system time of a process so far, in ms.
export function cpuMs({ pid }) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the command in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

// Waits until a process has nothing left to do.
export async function idle(child, msMax = 5_000) {
  const until = Date.now() + msMax;
  let [before, still] = [cpuMs(child), 0];
  while (still < 3 && Date.now() < until) {
    await sleep(100);
    const now = cpuMs(child);
    still = now - before <= TICK_MS / 2 ? still + 1 : 0;
    before = now;
  }
}
