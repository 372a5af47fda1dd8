// What the edge said about a key: in words, as a bucket, and what it said field by field.
//
// Invariant: an answer is read out once, and once more when what was refused fits again; the
// seconds in between are only shown. Refused: to ask again by itself.

import type { ComponentChildren } from "preact";
import { asNumber, asTime } from "../ui/when";
import type { Level } from "./ask";
import { Bucket } from "./bucket";
import { useClock } from "./clock";
import type { Answer } from "./types";
import { isBan, servedBy, verdict, wait } from "./words";

/** An answer, with when it came. */
export interface Said {
  answer: Answer;
  level: Level;
  /** Nothing was to be spent. */
  looked: boolean;
  /** Tells two answers that say the same apart. */
  turn: number;
}

function Countdown({ until }: { until: number }) {
  const left = Math.max(0, until - useClock(until));
  return <>{left > 0 ? wait(left) : "now"}</>;
}

function Words({ said: { answer, turn, looked }, until }: { said: Said; until: number }) {
  const over = useClock(until) >= until;
  const waits = !looked && !answer.allowed && !isBan(answer);
  const waited = waits && over;
  const kind = isBan(answer) || (waits && !over) ? "note wrong" : "note";
  return (
    <p class={kind} role="status">
      <span key={`${turn} ${waited}`}>
        {waited ? "It was refused, and fits again now." : verdict(answer, looked)}
      </span>
    </p>
  );
}

interface FieldsProps {
  answer: Answer;
  looked: boolean;
  until: number;
}

function Fields({ answer, looked, until }: FieldsProps) {
  const retry = answer.retry_after_ms === null ? "–" : <Countdown until={until} />;
  const decision: [string, ComponentChildren][] = [
    ["Allowed", answer.allowed ? "yes" : "no"],
    ["Retry after", retry],
  ];
  const again: [string, ComponentChildren][] = [["All again at", asTime(answer.reset_at)]];
  const rows: [string, ComponentChildren][] = [
    ...(looked ? [] : decision),
    ["Remaining", `${asNumber(answer.remaining)}, limit ${asNumber(answer.limit)}`],
    ...(answer.retry_after_ms === null ? [] : again),
    ["Answered by", servedBy(answer.served_by)],
  ];
  return (
    <dl class="said">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function AnswerShown({ said }: { said: Said }) {
  const { answer, level } = said;
  const until = level.from + (answer.retry_after_ms ?? 0);
  return (
    <div class="answer">
      <Words said={said} until={until} />
      <div class="drawn">
        <Bucket level={level} />
        <Fields answer={answer} looked={said.looked} until={until} />
      </div>
    </div>
  );
}
