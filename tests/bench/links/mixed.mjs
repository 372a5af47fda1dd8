// Redirects and creations together, through the whole of both sides: which memory answers.

import { wrk } from "./load.mjs";
import { origin } from "./origin.mjs";
import { ours } from "./redirects.mjs";
import { freePort, idle, serve } from "./workerd.mjs";

// An isolate's memory holds 36,000 links (edge/src/registers.rs): a fifth of these.
const LINKS = 180_000;
const RATIOS = [100, 10];

async function databaseReads({ url }, admin) {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${admin}` } });
  const found = /^link_reads_total (\d+)/m.exec(await answer.text());
  if (!found) throw new Error(`the origin has no link_reads_total (${answer.status})`);
  return Number(found[1]);
}

export async function mixed(run) {
  const port = await freePort();
  const edgeUrl = `http://127.0.0.1:${port}`;
  const one = await origin(run, "origin-mixed", { edgeUrl });
  const here = { ...run, publicUrl: edgeUrl };
  const edge = await serve(here, "mixed", { ...ours(here, one.url), links: LINKS, port });
  const results = [];
  for (const ratio of RATIOS) {
    const env = { LINKS, RATIO: ratio, KEY: one.key };
    const [before, readsBefore] = [await edge.counts(), await databaseReads(one, run.secrets.ADMIN_KEY)];
    const said = await wrk(run, edge.port, { seconds: run.creationSeconds, script: "mixed.lua", env });
    await idle(edge.child);
    const [after, reads] = [await edge.counts(), await databaseReads(one, run.secrets.ADMIN_KEY)];
    const redirects = (said.requests * ratio) / (ratio + 1);
    const misses = after.misses - before.misses;
    results.push({
      ratio, ...said, kvReads: after.gets - before.gets, kvMisses: misses,
      share: 1 - misses / redirects, databaseReads: reads - readsBefore,
    });
    run.say(`mixed ${ratio}:1`);
  }
  edge.child.kill("SIGKILL");
  one.child.kill("SIGTERM");
  return results;
}
