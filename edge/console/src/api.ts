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
  headers: Headers;
}

export interface Ask {
  method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
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

function problemOf(status: number, text: string): Problem {
  const bare = { type: "about:blank", title: `The edge answered ${status}`, status };
  try {
    return { ...bare, ...(JSON.parse(text) as Partial<Problem>) };
  } catch {
    return bare;
  }
}

/** What an answer that is no success means. */
function failed(status: number, text: string, ask: Ask): Failure {
  if (status === 401 && ask.key === undefined) {
    end("You were signed out: the key is no longer accepted.");
  }
  return new Failure(problemOf(status, text));
}

function headersOf(ask: Ask): Record<string, string> {
  const headers: Record<string, string> = { ...ask.headers };
  const bearer = ask.key ?? key.value;
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  if (ask.file) headers["Content-Type"] = ask.file.type;
  else if (ask.body !== undefined) headers["Content-Type"] = "application/json";
  return headers;
}

async function fetched(path: string, ask: Ask): Promise<Response> {
  const json = ask.body === undefined ? null : JSON.stringify(ask.body);
  let response: Response;
  try {
    response = await fetch(address(path, ask.query), {
      method: ask.method ?? "GET",
      headers: headersOf(ask),
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
  throw failed(response.status, await response.text().catch(() => ""), ask);
}

/** A call that answers JSON, or nothing. */
export async function call<T>(path: string, ask: Ask = {}): Promise<Answer<T>> {
  const response = await fetched(path, ask);
  const text = await response.text();
  const body = (text === "" ? undefined : JSON.parse(text)) as T;
  const { status, headers } = response;
  return { status, body, etag: headers.get("ETag"), headers };
}

/** A call that answers a file. */
export async function file(path: string, ask: Ask = {}): Promise<Blob> {
  return (await fetched(path, ask)).blob();
}

interface Sending extends Ask {
  file: Blob;
  /** Bytes of the file that have left. */
  onSent: (bytes: number) => void;
}

/** A call that sends a file and says how far it is, which `fetch` cannot. */
export function send(path: string, ask: Sending): Promise<{ headers: Headers }> {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    request.open(ask.method ?? "PUT", address(path, ask.query));
    for (const [name, value] of Object.entries(headersOf(ask))) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = ({ loaded }) => ask.onSent(loaded);
    request.onload = () => {
      const { status, responseText } = request;
      if (status < 200 || status > 299) return fail(failed(status, responseText, ask));
      const lines = request.getAllResponseHeaders().trim().split("\r\n");
      const pairs = lines.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]);
      done({ headers: new Headers(pairs) });
    };
    request.onerror = () => fail(new Failure(NO_ANSWER));
    request.onabort = () => fail(ask.signal?.reason);
    request.onloadend = () => ask.signal?.removeEventListener("abort", stop);
    ask.signal?.addEventListener("abort", stop);
    if (ask.signal?.aborted) return fail(ask.signal.reason);
    request.send(ask.file);
  });
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
