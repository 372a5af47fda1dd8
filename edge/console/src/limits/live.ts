// The usage of a policy as it becomes known: asked again every two seconds.
//
// Invariant: one question at a time; none while the page is hidden or the reader has paused it.
// Refused: to hide the last numbers because a question failed.

import { useEffect, useState } from "preact/hooks";
import { call, problemIn, sentence } from "../api";
import { filled, type Slot, SLOT_MS } from "./series";
import { type Usage, usagePath } from "./types";

const EVERY_MS = 2_000;

export interface Shown {
  usage: Usage;
  slots: Slot[];
}

async function ask(name: string, span: number, signal: AbortSignal): Promise<Shown> {
  const now = Date.now();
  const from = new Date(now - (now % SLOT_MS) - span + SLOT_MS).toISOString();
  const { body: usage } = await call<Usage>(usagePath(name), { query: { from }, signal });
  return { usage, slots: filled(usage.series, now, span) };
}

export function useUsage(name: string, span: number, paused: boolean) {
  const [shown, setShown] = useState<Shown | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);

  useEffect(() => {
    if (paused) return;
    const over = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = false;

    const turn = async () => {
      clearTimeout(timer);
      if (asking || document.hidden || over.signal.aborted) return;
      asking = true;
      try {
        setShown(await ask(name, span, over.signal));
        setWrong(null);
      } catch (why) {
        if (over.signal.aborted) return;
        setWrong(sentence(problemIn(why)));
      }
      asking = false;
      if (!over.signal.aborted) timer = setTimeout(turn, EVERY_MS);
    };
    document.addEventListener("visibilitychange", turn, { signal: over.signal });
    void turn();
    return () => {
      clearTimeout(timer);
      over.abort();
    };
  }, [name, span, paused]);

  return { shown, wrong };
}
