// How long a decision by a key's object takes: a whole request, the first of its key and the next.

import { check, slot } from "./stack.mjs";

export async function object(run, { keys, ...edge }) {
  const result = [];
  for (const connections of [1, 16]) {
    const template = check(keys.unlimited, "exact", `cold-${connections}`);
    const options = { template, connections, requests: run.cold, keys: run.cold, ordered: 1, ms: 60_000 };
    for (const sort of ["cold", "warm"]) {
      const said = await slot(run, edge, options);
      if ((said.by.object ?? 0) !== said.requests) throw new Error(`not the objects decided: ${JSON.stringify(said.by)}`);
      result.push({ sort, connections, ...said });
    }
    run.say(`objects, ${connections} at once`);
  }
  return result;
}
