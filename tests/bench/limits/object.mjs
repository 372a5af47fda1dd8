// How long a decision by a key's object takes: a whole request. The first of a key makes its object
// and writes; the next ones spend from memory, and one in fifty writes.

import { check, slot } from "./stack.mjs";

const NEXT_KEYS = 20;

export async function object(run, { keys, ...edge }) {
  const result = [];
  const measure = async (sort, connections, options) => {
    const template = check(keys.unlimited, "exact", `${sort}-${connections}`);
    const said = await slot(run, edge, { template, connections, ordered: 1, ...options });
    if ((said.by.object ?? 0) !== said.requests) throw new Error(`not the objects decided: ${JSON.stringify(said.by)}`);
    return { sort, connections, ...said };
  };
  for (const connections of [1, 16]) {
    // An object is put away after ten seconds of rest, so its next decisions follow at once.
    const some = { keys: NEXT_KEYS, requests: NEXT_KEYS * 2 };
    await measure("next", connections, some);
    result.push(await measure("next", connections, { ...some, requests: run.next, ms: 2 * run.ms }));
    result.push(await measure("first", connections, { keys: run.first, requests: run.first, ms: 2 * run.ms }));
    run.say(`objects, ${connections} at once`);
  }
  return result;
}
