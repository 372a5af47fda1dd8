// Creations at the origin: signed calls over HTTP, each answered after its commit is on the disk.

import path from "node:path";
import { wrk } from "./load.mjs";
import { creations, fsyncsPerSecond, origin } from "./origin.mjs";
import { cpuMs } from "./workerd.mjs";

const CLIENTS = 64;

// On one engine; `standIn` takes the projections that the relay pushes.
export async function creation(run, standIn, engine, databaseUrl) {
  const one = await origin(run, `origin-${engine}`, { databaseUrl, edgeUrl: standIn.url });
  const file = path.join(one.dir, "requests.lua");
  const env = { REQUESTS: file };
  const fsyncs = fsyncsPerSecond(one.dir, run.seconds > 1 ? 1_000 : 500);
  creations(run, one, file);
  await wrk(run, one.port, { seconds: 1, connections: CLIENTS, script: "creations.lua", env });
  const before = cpuMs(one.child);
  const said = await wrk(run, one.port, {
    seconds: run.creationSeconds, connections: CLIENTS, script: "creations.lua", env,
  });
  const cpuUs = ((cpuMs(one.child) - before) * 1000) / said.requests;
  return { origin: one, result: { engine, ...said, cpuUs, fsyncsPerSecond: fsyncs } };
}
