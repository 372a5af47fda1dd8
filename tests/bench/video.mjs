// scripts/bench video: what products/video promises in numbers, measured.
//
// Invariant: the choice is measured natively and alone; segments are streamed by the Worker that
// scripts/build made beside a bare Worker with the same bucket, in the same process, in turns.
//
//   scripts/bench video [--quick] [--only=select,segments,startup,lines,transcode]

import { bench } from "./run.mjs";
import { select } from "./video/select.mjs";
import { lines } from "./video/lines.mjs";
import { segments } from "./video/segments.mjs";
import { startup } from "./video/startup.mjs";
import { table } from "./video/table.mjs";
import { transcode } from "./video/transcode.mjs";

await bench("video", {
  numbers: (quick) => ({ cases: quick ? 200_000 : 1_000_000, ms: quick ? 1_500 : 5_000, rounds: quick ? 2 : 4, views: quick ? 3 : 15 }),
  async measure(run, report, wanted) {
    if (wanted("select")) report.select = select(run);
    if (wanted("lines")) report.lines = lines(run);
    if (wanted("segments")) report.segments = await segments(run);
    if (wanted("startup")) report.startup = await startup(run);
    if (wanted("transcode")) report.transcode = transcode(run);
  },
  table,
});
