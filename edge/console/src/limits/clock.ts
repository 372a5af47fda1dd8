// The time, again and again until a moment: for what moves by itself.
//
// Invariant: it stands still after that moment. For those who asked for less motion it goes by
// whole seconds. Refused: timers that outlive what they are for.

import { useEffect, useState } from "preact/hooks";

/** Nearer than this the eye sees it move; further off, four times a second do. */
const SOON_MS = 30_000;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function useClock(until: number): number {
  const [now, setNow] = useState(Date.now);

  useEffect(() => {
    let frame = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = () => {
      const at = Date.now();
      setNow(at);
      const left = until - at;
      if (left <= 0) return;
      if (calm.matches) timer = setTimeout(turn, Math.min(1_000, left));
      else if (left > SOON_MS) timer = setTimeout(turn, 250);
      else frame = requestAnimationFrame(turn);
    };
    turn();
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [until]);
  return now;
}
