// Ours beside Redis: one hot key that is never refused, one that is, and many keys.

import { median } from "../links/load.mjs";
import { POLICIES, check, redis, slot } from "./stack.mjs";

export const SCENES = {
  hot: "one key, all admitted",
  refused: "one key, 1,000 in 10 s",
  many: "many keys, uniformly",
};
const policyOf = { hot: "wide", refused: "thin", many: "many" };

// What the rule allows since it was full: as long as the clients measured, rounded down.
function allowed({ limit, window_ms }, us) {
  return Math.floor(limit + (limit * us) / 1000 / window_ms);
}

async function one(run, servers, who, scene, name) {
  const policy = policyOf[scene];
  const { ours, theirs } = servers;
  const template = who === "ours" ? check(ours.keys.unlimited, policy, name) : theirs.ask(policy, name);
  const options = { template, keys: scene === "many" ? run.keys : 1, seed: run.seed };
  const said = await slot(run, who === "ours" ? ours : theirs, options);
  const most = allowed(POLICIES[policy], said.us);
  // Of many keys each has its own; the sum says nothing.
  return scene === "refused" ? { ...said, allowed: most, over: Math.max(0, said.admitted - most) } : said;
}

function medians(rounds) {
  const of = (field) => median(rounds.map((round) => round[field]));
  const by = {};
  for (const round of rounds) for (const [who, count] of Object.entries(round.by)) by[who] = (by[who] ?? 0) + count;
  const all = rounds.reduce((sum, round) => sum + round.requests, 0);
  for (const who of Object.keys(by)) by[who] /= all;
  const said = { perSecond: of("perSecond"), p50Us: of("p50_us"), p99Us: of("p99_us"), cpuUs: of("cpuUs"), by };
  if (rounds[0].allowed === undefined) return said;
  const sum = (field) => rounds.reduce((total, round) => total + round[field], 0);
  return { ...said, admitted: sum("admitted"), allowed: sum("allowed"), over: sum("over") };
}

export async function compare(run, ours) {
  const theirs = await redis(run);
  const servers = { ours, theirs };
  const names = ["ours", "redis"];
  const result = { version: theirs.version, keys: run.keys, scenes: {} };
  for (const scene of Object.keys(SCENES)) {
    // Every key has its object before it is measured, as far as the time goes.
    const key = (n) => (scene === "many" ? "many" : `${scene}-${n}`);
    for (const who of names) {
      const warm = scene === "many" ? { requests: run.keys, ordered: 1, ms: 3 * run.warmMs } : { ms: run.warmMs };
      const template = who === "ours" ? check(ours.keys.unlimited, policyOf[scene], key(0)) : theirs.ask(policyOf[scene], key(0));
      await slot(run, who === "ours" ? ours : theirs, { template, keys: scene === "many" ? run.keys : 1, ...warm });
    }
    const rounds = { ours: [], redis: [] };
    for (let n = 1; n <= run.rounds; n += 1) {
      for (const who of n % 2 ? names : names.toReversed()) {
        rounds[who].push(await one({ ...run, seed: n * 1_000_003 }, servers, who, scene, key(n)));
      }
    }
    result.scenes[scene] = { rounds, ours: medians(rounds.ours), redis: medians(rounds.redis) };
    run.say(`beside Redis: ${SCENES[scene]}`);
  }
  theirs.child.kill("SIGTERM");
  return result;
}
