// The report as a table for people.

import { SCENES } from "./compare.mjs";
import { PAIRS } from "./cpu.mjs";

const whole = (n) => Math.round(n).toLocaleString("en-US");
const ms = (us) => (us / 1000).toFixed(2);
const percent = (part) => `${(100 * part).toFixed(1)} %`;
const goal = (name, value, bound, ok) =>
  `  ${name.padEnd(44)}${String(value).padStart(10)}   goal ${bound.padEnd(10)} ${ok ? "met" : "MISSED"}`;

function ofDecide(all) {
  const perSecond = (name) => 1000 / all[name].ns;
  const lines = ["", `${"one decision on one core".padEnd(44)}${"M/s".padStart(10)}${"ns".padStart(8)}${"admitted".padStart(10)}`];
  for (const [name, { ns, admitted }] of Object.entries(all)) {
    lines.push(`  ${name.padEnd(42)}${(1000 / ns).toFixed(1).padStart(10)}${ns.toFixed(2).padStart(8)}${percent(admitted).padStart(10)}`);
  }
  const others = Object.keys(all).filter((name) => !name.startsWith("ours"));
  const best = others.reduce((a, b) => (perSecond(a) > perSecond(b) ? a : b));
  for (const name of ["ours, token bucket (State)", "ours, GCRA (State)", "ours, token bucket", "ours, GCRA"]) {
    const ratio = perSecond(name) / perSecond(best);
    lines.push(goal(`${name}, M/s`, perSecond(name).toFixed(1), "≥ 20", perSecond(name) >= 20),
      goal(`  against ${best}`, ratio.toFixed(2), "≥ 1.00", ratio >= 1));
  }
  return lines;
}

function ofRedis({ version, keys, scenes }) {
  const lines = ["", `${`64 clients; redis-server ${version} + Lua, no persistence`.padEnd(58)}${"checks/s".padStart(10)}${"p50 ms".padStart(8)}${"p99 ms".padStart(8)}${"CPU µs".padStart(8)}`];
  for (const [scene, said] of Object.entries(scenes)) {
    const name = SCENES[scene].replace("many keys", `${whole(keys)} keys`);
    for (const who of ["ours", "redis"]) {
      const one = said[who];
      lines.push(`  ${name.padEnd(30)}${who.padEnd(26)}${whole(one.perSecond).padStart(10)}${ms(one.p50Us).padStart(8)}${ms(one.p99Us).padStart(8)}${one.cpuUs.toFixed(1).padStart(8)}`);
      if (who === "ours") lines.push(`    served by ${Object.entries(one.by).map(([by, part]) => `${by} ${percent(part)}`).join(", ")}`);
      if (one.allowed !== undefined) {
        lines.push(goal(`  ${who}: ${whole(one.admitted)} of ${whole(one.allowed)}; beyond the rule`, one.over, "0", one.over === 0));
      }
    }
  }
  return lines;
}

function ofCpu(all) {
  const lines = ["", "CPU that a decision in the isolate adds to a request, µs"];
  for (const [name, one] of Object.entries(all)) {
    lines.push(`  ${PAIRS[name]}: ${one.withoutUs.toFixed(1)} / ${one.withUs.toFixed(1)} (${Object.entries(one.by).map(([by, n]) => `${whole(n)} ${by}`).join(", ")})`,
      goal(`  ${name} adds`, one.addsUs.toFixed(1), "≤ 50", one.addsUs <= 50));
    if (one.leasedUs !== undefined) {
      lines.push(goal("  without the renewals' share", one.leasedUs.toFixed(1), "≤ 50", one.leasedUs <= 50));
    }
  }
  return lines;
}

function ofObjects(all) {
  const lines = ["", "a decision by the key's object, the whole request, ms"];
  for (const one of all) {
    const name = `${one.sort} of a key, ${one.connections} at once: p50 ${ms(one.p50_us)}, p99`;
    lines.push(goal(name, ms(one.p99_us), "≤ 5", one.p99_us <= 5_000));
  }
  return lines;
}

export function table(report) {
  const { machine, versions, load } = report;
  const lines = [
    `${report.date}  ${versions.commit}  ${versions.workerd}`,
    `${machine.cores} × ${machine.cpu}, load ${load.before.join(" ")} before, ${load.after.join(" ")} after; ` +
      `${whole(report.fsyncsPerSecond)} fsync/s; ${report.seconds} s`,
  ];
  if (report.decide) lines.push(...ofDecide(report.decide));
  if (report.redis) lines.push(...ofRedis(report.redis));
  if (report.cpu) lines.push(...ofCpu(report.cpu));
  if (report.object) lines.push(...ofObjects(report.object));
  return `${lines.join("\n")}\n`;
}
