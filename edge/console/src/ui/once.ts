// Creations that got no clear answer, and the keys that they went under.
//
// Invariant: the same body to the same path goes under the same Idempotency-Key until a clear answer
// has come, whatever was closed or opened meanwhile: two presses have one effect. Refused: to keep a
// key over a sign-out, or a body after its answer.

import { effect } from "@preact/signals";
import { type Answer, type Ask, call, problemIn } from "../api";
import { key as session } from "../session";

const pending = new Map<string, { body: string; key: string }>();

effect(() => {
  if (session.value === null) pending.clear();
});

/** 128 random bits; `randomUUID` is missing where the page is not secure. */
const draw = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");

/** Whether an answer leaves open what became of the request. */
function isUnclear({ status, type }: { status: number; type: string }): boolean {
  return status < 400 || status >= 500 || type.endsWith("/problems/http/in-progress");
}

/** A POST; `name` tells bodies apart that are no JSON. */
export async function post<T>(path: string, ask: Ask, name?: string): Promise<Answer<T>> {
  const body = name ?? JSON.stringify(ask.body ?? null);
  let known = pending.get(path);
  if (known?.body !== body) {
    known = { body, key: draw() };
    pending.set(path, known);
  }
  const settle = () => {
    if (pending.get(path) === known) pending.delete(path);
  };
  try {
    const headers = { ...ask.headers, "Idempotency-Key": known.key };
    const answer = await call<T>(path, { ...ask, method: "POST", headers });
    settle();
    return answer;
  } catch (why) {
    if (!isUnclear(problemIn(why))) settle();
    throw why;
  }
}
