// The report as a table for people.

import { VARIANTS } from "./redirects.mjs";

const whole = (n) => Math.round(n).toLocaleString("en-US");
const ms = (us) => (us / 1000).toFixed(2);
const verdict = (ok) => (ok ? "met" : "MISSED");
const goal = (name, value, bound, ok) =>
  `  ${name.padEnd(44)}${String(value).padStart(10)}   goal ${bound.padEnd(10)} ${verdict(ok)}`;

function ofRedirects({ medians, ratios, clicks, errors, zipf }) {
  const lines = ["", `${"redirects".padEnd(44)}${"requests/s".padStart(12)}${"CPU µs".padStart(9)}${"p50 ms".padStart(9)}${"p99 ms".padStart(9)}`];
  for (const [name, one] of Object.entries(medians)) {
    lines.push(`  (${name})`.padEnd(7) + VARIANTS[name].padEnd(37) + whole(one.perSecond).padStart(12) +
      one.cpuUs.toFixed(1).padStart(9) + ms(one.p50Us).padStart(9) + ms(one.p99Us).padStart(9));
  }
  const [ba, bbare, cd] = [ratios["b/a'"], ratios["b/a"], ratios["c/d"]];
  lines.push("",
    goal("(b)/(a') requests/s", ba.throughput.toFixed(3), "≥ 0.95", ba.throughput >= 0.95),
    goal("(a')/(b) CPU per request", ba.cpu.toFixed(3), "≥ 0.95", ba.cpu >= 0.95),
    goal("(c)/(d) requests/s", cd.throughput.toFixed(3), "≥ 1.00", cd.throughput >= 1),
    goal("(d)/(c) CPU per request", cd.cpu.toFixed(3), "≥ 1.00", cd.cpu >= 1),
    `  (b)/(a) requests/s ${bbare.throughput.toFixed(3)}, (a)/(b) CPU ${bbare.cpu.toFixed(3)}`,
    `  clicks that arrived of ${whole(clicks.served)}: ${whole(clicks.taken)}; errors: ${errors}`,
    "", `Zipf over ${whole(zipf.links)} links, half of ${whole(zipf.saturation)}/s`);
  for (const [name, one] of Object.entries(zipf.medians)) {
    lines.push(`  (${name})`.padEnd(7) + VARIANTS[name].padEnd(37) + whole(one.perSecond).padStart(12) +
      one.cpuUs.toFixed(1).padStart(9) + ms(one.p50Us).padStart(9) + ms(one.p99Us).padStart(9));
  }
  lines.push(goal("p99 (b)/(a')", zipf.p99Ratio.toFixed(3), "≤ 1.20", zipf.p99Ratio <= 1.2),
    goal("p99 of (b), ms", ms(zipf.medians.b.p99Us), "< 10", zipf.medians.b.p99Us < 10_000));
  return lines;
}

function ofCreation(all) {
  const lines = ["", "creation at the origin, 64 clients, on the disk before the answer"];
  for (const one of all) {
    lines.push(goal(`${one.engine}, links/s`, whole(one.perSecond), "≥ 2,000", one.perSecond >= 2000 && one.errors === 0),
      `    p50 ${ms(one.p50_us)} ms, p99 ${ms(one.p99_us)} ms, CPU ${one.cpuUs.toFixed(0)} µs, errors ${one.errors}; this disk: ${whole(one.fsyncsPerSecond)} fsync/s`);
  }
  return lines;
}

function ofMixed(all) {
  return ["", "redirects and creations through both sides, 180,000 links, memory for a fifth",
    ...all.map((one) => goal(`${one.ratio}:1, isolate and KV answer`, `${(100 * one.share).toFixed(2)} %`, "≥ 95 %", one.share >= 0.95) +
      `  (${whole(one.perSecond)}/s, ${one.databaseReads} reads at the origin, errors ${one.errors})`)];
}

function ofBytes({ links, origin, kv, parts, fiveYears }) {
  return ["", goal(`bytes per link at the origin, of ${whole(links)}`, whole(origin), "≤ 500", origin <= 500),
    `    ${Object.entries(parts).map(([name, bytes]) => `${name} ${whole(bytes)}`).join(", ")}`,
    `  bytes per link in KV, key and copy ${whole(kv)}`,
    `  five years of 100 M a day: ${(fiveYears.links / 1e9).toFixed(1)} G links × ${whole(origin)} B = ${fiveYears.originTB.toFixed(0)} TB (the bound: 500 B, 91 TB), KV ${fiveYears.kvTB.toFixed(0)} TB`];
}

export function table(report) {
  const { machine, versions, load } = report;
  const lines = [
    `${report.date}  ${versions.commit}  ${versions.workerd}`,
    `${machine.cores} × ${machine.cpu}, load ${load.before.join(" ")} before, ${load.after.join(" ")} after; ${report.seconds} s`,
  ];
  if (report.redirects) lines.push(...ofRedirects(report.redirects));
  if (report.creation) lines.push(...ofCreation(report.creation));
  if (report.mixed) lines.push(...ofMixed(report.mixed));
  if (report.bytes) lines.push(...ofBytes(report.bytes));
  return `${lines.join("\n")}\n`;
}
