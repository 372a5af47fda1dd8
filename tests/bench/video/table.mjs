// The numbers as a table, each beside its promise.

const number = (n) => Math.round(n).toLocaleString("en");
const row = (...cells) => `| ${cells.join(" | ")} |\n`;

const ORDERS = { edge: "the edge's", apple: "2 Mbit/s", largest: "the largest", smallest: "the smallest" };

// Time that stands still and bits, on the lines of each kind, by what stands first in the manifest.
function lineRows(lines) {
  let out = "";
  for (const of of new Set(lines.map(({ lines: kind, film, of }) => `${kind} ${film} ${of}`))) {
    const [kind, film, length] = of.split(" ");
    for (const one of lines.filter((one) => one.lines === kind && one.film === film && one.of === length)) {
      const what = `${kind} lines, ${film.replace(".json", "")}, the ${length}, first ${ORDERS[one.first]}`;
      const said = `start ${number(one.start_ms)} ms, stands still ${one.still} %, after the start ${one.stalled} %, ${number(one.kbps)} kbit/s`;
      out += row(what, said, "");
    }
  }
  const sum = (first, key) => lines.filter((one) => one.of === "film" && one.first === first).reduce((all, one) => all + one[key], 0);
  const still = ["apple", "largest"].map((first) => (sum("edge", "still") / sum(first, "still")).toFixed(2));
  out += row("films, the edge's order: time that stands still, of 2 Mbit/s first and of the largest first", still.join(", "), "< 1");
  out += row("films, the edge's order: bitrate of 2 Mbit/s first", (sum("edge", "kbps") / sum("apple", "kbps")).toFixed(3), "≥ 0.97");
  return out;
}

function transcodeRows(of) {
  const s = (ms) => (ms / 1_000).toFixed(1);
  let out = row(`s to transcode ${s(of.plan.source_ms)} s of 1080p (${of.film}) to ${of.plan.renditions.length} pictures, ${of.places} cores`, s(of.ready_ms), "");
  out += row("s of one ffmpeg command with the same options", s(of.one_command_ms), "");
  out += row("of the one command's time", of.wall_ratio.toFixed(3), "≤ 1.05");
  out += row("s to the first segments", s(of.playable_ms), "");
  out += row("of the one command's time", of.playable_ratio.toFixed(3), "≤ 0.15");
  out += row("s of CPU a minute of source, ours and the one command's", [of.cpu_s_per_minute, of.one_command_cpu_s_per_minute].map((n) => n.toFixed(1)).join(", "), "");
  return out;
}

export function table({ select, lines, segments, startup, transcode }) {
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
  if (lines) out += lineRows(lines);
  if (transcode) out += transcodeRows(transcode);
  return out;
}
