// What a decision in the isolate adds to the CPU of a request: the same request with and without it.

import { median } from "../links/load.mjs";
import { check, http, slot } from "./stack.mjs";

const ADDRESSES = 16_000; // as many as an isolate counts by itself; each may ask 300 times a minute

const redirect = (address) => ({ template: http({ target: "/z000007", address }), addresses: ADDRESSES });

// Each pair: what is compared, without and with.
export const PAIRS = {
  guard: "check: a caller's tier without a limit / with a lease of it",
  decision: "check: refused as too dear (422), nothing decided / decided by a lease",
  address: "redirect: own address, exempt / of 16,000 addresses, spared",
};

function pairs({ keys }) {
  return {
    guard: [{ template: check(keys.unlimited, "wide") }, { template: check(keys.wide, "wide") }],
    decision: [
      { template: check(keys.unlimited, "wide", "key", { cost: 100_000_001 }) },
      { template: check(keys.unlimited, "wide", "key", { cost: 1 }) },
    ],
    address: [redirect(false), redirect(true)],
  };
}

export async function cpu(run, ours) {
  const result = {};
  for (const [name, pair] of Object.entries(pairs(ours))) {
    for (const options of pair) await slot(run, ours, { ...options, ms: run.warmMs / 2 });
    const rounds = [];
    for (let n = 0; n < run.cpuRounds; n += 1) {
      const said = [];
      for (const place of n % 2 ? [1, 0] : [0, 1]) {
        said[place] = await slot(run, ours, { ...pair[place], ms: run.ms / 2 });
      }
      rounds.push(said);
    }
    const of = (place) => median(rounds.map((round) => round[place].cpuUs));
    const addsUs = median(rounds.map(([without, added]) => added.cpuUs - without.cpuUs));
    result[name] = { withoutUs: of(0), withUs: of(1), addsUs, by: rounds.map((round) => round[1].by), rounds };
    run.say(`CPU: ${name}`);
  }
  return result;
}
