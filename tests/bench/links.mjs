// scripts/bench links: what products/links promises in numbers, measured.
//
// Invariant: workerd is asked directly, never through a development proxy; every process is on
// 127.0.0.1 and ends with this one. Environment: DATABASE_URL for PostgreSQL too.

import { bytes } from "./links/bytes.mjs";
import { creation } from "./links/creation.mjs";
import { mixed } from "./links/mixed.mjs";
import { standIn } from "./links/origin.mjs";
import { redirects } from "./links/redirects.mjs";
import { table } from "./links/table.mjs";
import { bench } from "./run.mjs";

const numbers = (quick) => ({
  rounds: quick ? 2 : 5,
  seconds: quick ? 1 : 3,
  // V8 compiles a function of wasm well after 13 MB of its code have run: a small one takes 200,000 calls.
  warmSeconds: quick ? 5 : 20,
  creationSeconds: quick ? 2 : 8,
});

async function measure(run, report, wanted) {
  const origin = await standIn();
  if (wanted("redirects")) report.redirects = await redirects(run, origin);
  if (wanted("creation") || wanted("bytes")) {
    report.creation = [];
    const engines = [["sqlite", undefined]];
    if (process.env.DATABASE_URL?.startsWith("postgres")) engines.push(["postgres", process.env.DATABASE_URL]);
    for (const [engine, url] of engines) {
      const { origin: one, result } = await creation(run, origin, engine, url);
      report.creation.push(result);
      run.say(`creation on ${engine}`);
      if (engine === "sqlite" && wanted("bytes")) report.bytes = await bytes(run, one);
      one.child.kill("SIGTERM");
    }
  }
  if (wanted("mixed")) report.mixed = await mixed(run);
  origin.stop();
}

await bench("links", { numbers, measure, table });
