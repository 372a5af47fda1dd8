// scripts/bench limits: what products/limits promises in numbers, measured, beside governor,
// throttlecrab and redis-server with a Lua script.
//
// Invariant: workerd and Redis are asked directly, by the same generator; every process is on
// 127.0.0.1 and ends with this one. `--only=decide,redis,cpu,object`.

import { compare } from "./limits/compare.mjs";
import { cpu } from "./limits/cpu.mjs";
import { build, decide } from "./limits/crate.mjs";
import { object } from "./limits/object.mjs";
import { stack } from "./limits/stack.mjs";
import { table } from "./limits/table.mjs";
import { fsyncsPerSecond } from "./links/origin.mjs";
import { bench } from "./run.mjs";

const numbers = (quick) => ({
  rounds: quick ? 1 : 5,
  cpuRounds: quick ? 3 : 7,
  ms: quick ? 800 : 3_000,
  warmMs: quick ? 600 : 4_000,
  keys: quick ? 500 : 10_000,
  // Of a key fewer than its limit of 1,000, or it would be refused.
  next: quick ? 2_000 : 15_000,
  first: quick ? 500 : 5_000,
});

async function measure(run, report, wanted) {
  build(run);
  if (wanted("decide")) report.decide = decide(run);
  report.fsyncsPerSecond = fsyncsPerSecond(run.dir);
  if (!["redis", "cpu", "object"].some(wanted)) return;
  const ours = await stack(run);
  if (wanted("cpu")) report.cpu = await cpu(run, ours);
  if (wanted("redis")) report.redis = await compare(run, ours);
  if (wanted("object")) report.object = await object(run, ours);
}

await bench("limits", { numbers, measure, table });
