// The numbers as a table, each beside its promise.

const number = (n) => Math.round(n).toLocaleString("en");
const row = (...cells) => `| ${cells.join(" | ")} |\n`;

export function table({ select, segments, startup }) {
  let out = row("what", "measured", "promised") + row("---", "---", "---");
  if (select) {
    const { renditions, cases, invalid } = select;
    out += row(`choices a second, ${renditions} renditions`, number(select.choices_per_s), "≥ 1,000,000");
    out += row("µs from headers to the choice", (1e6 / select.from_headers_per_s).toFixed(1), "≤ 100");
    out += row("µs from headers to the manifest", (1e6 / select.manifests_per_s).toFixed(1), "≤ 100");
    out += row(`invalid of ${number(cases)} random cases`, invalid, "0");
  }
  if (segments) {
    const { edge, bare, ratio, bytes, cpu } = segments;
    out += row(`MB/s of segments of ${number(bytes)} bytes, the edge`, edge.toFixed(0), "");
    out += row("MB/s, a bare Worker on the same bucket", bare.toFixed(0), "");
    out += row("the edge of the bare Worker's", ratio.toFixed(2), "≥ 0.90");
    out += row("ms of CPU a gigabyte, the edge and the bare Worker", cpu.map(number).join(", "), "");
  }
  if (startup) {
    const { views, cold, cold_max, warm } = startup;
    out += row(`ms from opening the page to the first frame, a cold edge, median of ${views}`, number(cold), "≤ 400");
    out += row("the slowest of them; the median on a warm edge", `${number(cold_max)}; ${number(warm)}`, "");
  }
  return out;
}
