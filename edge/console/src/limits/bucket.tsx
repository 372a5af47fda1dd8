// A key's bucket: what is left of it, filling up again until it is full.
//
// Invariant: its name says what the answer said; the level in between is drawn and not read out.
// Refused: to spend anything.

import { asNumber } from "../ui/when";
import { type Level, levelAt } from "./ask";
import { useClock } from "./clock";

const HEIGHT = 120;
const MARKS_MAX = 20;

/** Lines for units, as long as one can count them. */
function Marks({ full }: { full: number }) {
  if (full > MARKS_MAX) return null;
  const lines = Array.from({ length: full - 1 }, (_, unit) => (HEIGHT * (unit + 1)) / full);
  return <path class="marks" d={lines.map((y) => `M4 ${y}h14M82 ${y}h14`).join("")} />;
}

export function Bucket({ level }: { level: Level }) {
  const now = useClock(level.until);
  const units = levelAt(level, now);
  const height = (HEIGHT * units) / level.full;
  const name = `Bucket: ${asNumber(level.left)} of ${asNumber(level.full)} units left`;
  return (
    <div class="bucket" role="img" aria-label={name}>
      <svg viewBox="-2 -2 104 124" width="104" height="124" aria-hidden="true">
        <rect class="liquid" x="2" y={HEIGHT - height} width="96" height={height} />
        <Marks full={level.full} />
        <path class="wall" d="M1 0v112a8 8 0 008 8h82a8 8 0 008-8v-112" />
      </svg>
      <p aria-hidden="true">
        <strong>{asNumber(Math.floor(units))}</strong> of {asNumber(level.full)}
      </p>
    </div>
  );
}
