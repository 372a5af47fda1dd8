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

export function table(report) {
  const { machine, versions, load } = report;
  const lines = [
    `${report.date}  ${versions.commit}  ${versions.workerd}`,
    `${machine.cores} × ${machine.cpu}, load ${load.before.join(" ")} before, ${load.after.join(" ")} after; ${report.seconds} s`,
  ];
  if (report.redirects) lines.push(...ofRedirects(report.redirects));
  if (report.creation) lines.push(...ofCreation(report.creation));
  return `${lines.join("\n")}\n`;
}
