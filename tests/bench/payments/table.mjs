// The report as a table for people.

const whole = (n) => Math.round(n).toLocaleString("en-US");
const ms = (us) => (us / 1000).toFixed(2);
const verdict = (ok) => (ok ? "met" : "MISSED");
const goal = (name, value, bound, ok) =>
  `  ${name.padEnd(46)}${String(value).padStart(12)}   goal ${bound.padEnd(12)} ${verdict(ok)}`;

export function table({ engines, accounts, machine, load, reconcile }) {
  const lines = [`${machine.cores} cores, load before ${load.before[0].toFixed(1)}; ${whole(accounts)} accounts`];
  const { lines: count, faults, matchMs, csvMs, camtMs } = reconcile;
  lines.push(
    goal(`reconcile ${whole(count)} lines, ${whole(faults)} at fault, s`, (matchMs / 1000).toFixed(2), "< 5", matchMs < 5_000),
    `    read from CSV in ${(csvMs / 1000).toFixed(2)} s, from camt.053 in ${(camtMs / 1000).toFixed(2)} s`,
  );
  for (const one of engines) {
    lines.push("", `${one.engine}; this disk: ${whole(one.fsyncsPerSecond)} fsync/s`);
    const best = one.rounds.reduce((a, b) => (a.uniform.perSecond > b.uniform.perSecond ? a : b));
    const hot = Math.max(...one.rounds.map((round) => round.hot.perSecond / round.uniform.perSecond));
    const { uniform } = best;
    lines.push(
      goal("single transfers, requests/s", whole(uniform.perSecond), "≥ 10,000", uniform.perSecond >= 10_000 && !uniform.errors),
      `    p50 ${ms(uniform.p50Us)} ms, p99 ${ms(uniform.p99Us)} ms, CPU of the origin ${uniform.cpuUs.toFixed(0)} µs each, errors ${uniform.errors}`,
    );
    if (one.pgbench) {
      const tps = Math.max(...one.pgbench.map(({ perSecond }) => perSecond));
      lines.push(goal(`of pgbench TPC-B-like (${whole(tps)} tps)`, (uniform.perSecond / tps).toFixed(2), "≥ 3", uniform.perSecond >= 3 * tps));
    }
    lines.push(
      goal("one hot account, of the uniform rate", hot.toFixed(2), "≥ 0.8", hot >= 0.8),
      goal(`p99 at ${whole(one.half.rate)} requests/s, ms`, ms(one.half.p99Us), "≤ 50", one.half.p99Us <= 50_000),
      goal("batches of 8,000, transfers/s", whole(one.batches.perSecond), "≥ 50,000", one.batches.perSecond >= 50_000),
      goal(`balance read p99, ${whole(one.check.entries)} entries, ms`, ms(one.balances.p99Us), "≤ 2", one.balances.p99Us <= 2_000),
      `    check of the whole ledger: ${one.check.ok ? "it adds up" : "FAULTS"}, ${one.check.seconds.toFixed(1)} s`,
    );
  }
  return `${lines.join("\n")}\n`;
}
