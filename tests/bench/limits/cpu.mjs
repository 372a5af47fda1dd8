// What a decision in the isolate adds to the CPU of a request: the same request with and without it.

import { median } from "../links/load.mjs";
import { check, http, slot } from "./stack.mjs";

const ADDRESSES = 16_000; // as many as an isolate counts by itself; each may ask 300 times a minute

const redirect = (address) => ({ template: http({ target: "/z000007", address }), addresses: ADDRESSES });

// Each pair: what is compared, without and with.
export const PAIRS = {
  guard: "a check that is too dear (422): caller's tier without a limit / with a lease",
  decision: "a check: too dear (422), nothing decided / decided by a lease",
  address: "a redirect: own address, exempt / one of 16,000 addresses, spared",
};

const TOO_DEAR = { cost: 100_000_001 };
// One client: with more, those that come while a lease is renewed ask the object, which is not what
// a leased decision costs. The request that renews it does still: `addsUs` has that in it, of
// `leasedUs` its share is taken away, at the price of a decision by the object alone.
const ALONE = { connections: 1 };

function pairs({ keys }) {
  const dear = (key) => ({ template: check(key, "wide", "key", TOO_DEAR), ...ALONE });
  return {
    guard: [dear(keys.unlimited), dear(keys.wide)],
    decision: [dear(keys.unlimited), { template: check(keys.unlimited, "wide", "key", { cost: 1 }), ...ALONE },
      { template: check(keys.unlimited, "single", "key", { cost: 1 }), ...ALONE }],
    address: [redirect(false), redirect(true)],
  };
}

// What a leased decision alone adds: with = (1 − share) · leased + share · object.
function leased([without, added, object]) {
  const share = (added.by.object ?? 0) / added.requests;
  return (added.cpuUs - share * object.cpuUs) / (1 - share) - without.cpuUs;
}

export async function cpu(run, ours) {
  const result = {};
  for (const [name, pair] of Object.entries(pairs(ours))) {
    for (const options of pair) await slot(run, ours, { ...options, ms: run.warmMs / 2 });
    const rounds = [];
    for (let n = 0; n < run.cpuRounds; n += 1) {
      const said = [];
      for (const place of n % 2 ? [...pair.keys()].toReversed() : pair.keys()) {
        said[place] = await slot(run, ours, { ...pair[place], ms: run.ms / 2 });
      }
      rounds.push(said);
    }
    const of = (place) => median(rounds.map((round) => round[place].cpuUs));
    const leasedUs = pair.length > 2 ? median(rounds.map(leased)) : undefined;
    const addsUs = median(rounds.map(([without, added]) => added.cpuUs - without.cpuUs));
    result[name] = { withoutUs: of(0), withUs: of(1), addsUs, leasedUs, by: rounds.at(-1)[1].by, rounds };
    run.say(`CPU: ${name}`);
  }
  return result;
}
