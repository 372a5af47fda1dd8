// The figures of quality: what each is called, where it stands, how it is read.
//
// Invariant: a figure that nobody gave is null, never nought. Refused: to compute a rate that the API
// has computed.

import { asNumber } from "../ui/when";
import type { Figures } from "./types";
import { asRate } from "./words";

export interface Figure {
  name: string;
  hint: string;
  of: (figures: Figures) => number | null;
  words: (value: number) => string;
}

const percent = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

export const FIGURES = [
  { name: "Plays", hint: "begun", of: ({ plays }) => plays, words: asNumber },
  {
    name: "Start-up",
    hint: "to the first frame",
    of: ({ startup_average_ms }) => startup_average_ms,
    words: (ms) => `${asNumber(ms)} ms`,
  },
  {
    name: "Stalled",
    hint: "of the time",
    of: ({ rebuffer_ratio }) => (rebuffer_ratio === null ? null : rebuffer_ratio * 100),
    words: (part) => `${percent.format(part)} %`,
  },
  {
    name: "Bitrate",
    hint: "of what was played",
    of: ({ bitrate_kbps }) => bitrate_kbps,
    words: (kbps) => asRate(kbps * 1000),
  },
] as const satisfies readonly Figure[];

export const worded = (figure: Figure, of: Figures): string => {
  const value = figure.of(of);
  return value === null ? "–" : figure.words(value);
};
