// The edge's API, as this page calls it.
//
// Invariant: every call goes to the page's own origin with the key as a header; what fails throws a
// `Failure` that carries the problem (RFC 9457). A 401 ends the session. Refused: to retry by itself
// (a creation carries an Idempotency-Key instead, so that the user may).

import { key, end } from "./session";

export interface FieldError {
  pointer: string;
  detail: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  instance?: string;
  errors?: FieldError[];
}

export class Failure extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }
}

/** What is wrong before anything is sent. */
export const refusal = (...errors: FieldError[]): Failure =>
  new Failure({ type: "about:blank", title: "Not acceptable", status: 422, errors });

export interface Answer<T> {
  status: number;
  body: T;
  etag: string | null;
}

export interface Ask {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Record<string, string | number | null | undefined>;
  body?: unknown;
  /** Instead of a body of JSON; its type is what it is sent as. */
  file?: Blob;
  headers?: Record<string, string>;
  /** Instead of the session's, to try one out. */
  key?: string;
  signal?: AbortSignal;
}

const NO_ANSWER: Problem = {
  type: "about:blank",
  title: "No answer",
  status: 0,
  detail: "The edge did not answer. Check the connection and try again.",
};

function address(path: string, query: Ask["query"]): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value != null && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${path}?${text}` : path;
}

async function problemOf(response: Response): Promise<Problem> {
  const bare = {
    type: "about:blank",
    title: `The edge answered ${response.status}`,
    status: response.status,
  };
  try {
    return { ...bare, ...((await response.json()) as Partial<Problem>) };
  } catch {
    return bare;
  }
}

async function send(path: string, ask: Ask): Promise<Response> {
  const headers: Record<string, string> = { ...ask.headers };
  const bearer = ask.key ?? key.value;
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  const json = ask.body === undefined ? null : JSON.stringify(ask.body);
  if (ask.file) headers["Content-Type"] = ask.file.type;
  else if (json !== null) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(address(path, ask.query), {
      method: ask.method ?? "GET",
      headers,
      body: ask.file ?? json,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: ask.signal ?? null,
    });
  } catch (why) {
    if (ask.signal?.aborted) throw why;
    throw new Failure(NO_ANSWER);
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (response.status === 401 && ask.key === undefined) {
    end("You were signed out: the key is no longer accepted.");
  }
  throw new Failure(problem);
}

/** A call that answers JSON, or nothing. */
export async function call<T>(path: string, ask: Ask = {}): Promise<Answer<T>> {
  const response = await send(path, ask);
  const text = await response.text();
  const body = (text === "" ? undefined : JSON.parse(text)) as T;
  return { status: response.status, body, etag: response.headers.get("ETag") };
}

/** A call that answers a file. */
export async function file(path: string, ask: Ask = {}): Promise<Blob> {
  return (await send(path, ask)).blob();
}

export const problemIn = (why: unknown): Problem =>
  why instanceof Failure
    ? why.problem
    : { type: "about:blank", title: "The page failed", status: 0, detail: String(why) };

/** A problem as one sentence or two. */
export function sentence(problem: Problem): string {
  const detail = problem.detail && problem.detail !== problem.title ? `: ${problem.detail}` : "";
  const asked = problem.status >= 500 && problem.instance ? ` (request ${problem.instance})` : "";
  return `${problem.title}${detail}${asked}`;
}
