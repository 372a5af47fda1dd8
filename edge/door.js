// The door of the Worker. A redirect that is at hand is asked for and answered synchronously; one
// whose copy must be read first is asked for again with it. Everything else, and whatever fails
// here, goes the whole way through Rust (src/door.rs says what may be answered here), with the key
// of a copy that there is none of.
import Worker from "./build/index.js";
export { Home, Limiter, Recorder } from "./build/index.js";

// worker-build hangs every export on the entry point.
const { follow, without_copy: withoutCopy } = Worker.prototype;
const WINDOW_S = 60; // as `Target`'s in src/registers.rs

// What src/door.rs reads as `Asked::of`.
function told({ url, headers, cf }) {
  const get = (name) => headers.get(name) ?? "";
  return `${url}\n${get("user-agent")}\n${get("referer")}\n${get("sec-gpc")}\n${
    get("cf-connecting-ip")}\n${cf?.country ?? ""}\n${cf?.colo ?? ""}`;
}

// A click that was taken is not taken again: after an answer nothing goes the whole way any more.
function away(said) {
  const [status, cacheControl, id, location] = said.split("\n");
  const headers = { location, "cache-control": cacheControl, "x-request-id": id };
  return new Response(null, { status: Number(status), headers });
}

async function fromCopy(facts, key, env, context, whole) {
  let said;
  try {
    const copy = await env.REGISTERS.get(key, { type: "text", cacheTtl: WINDOW_S });
    if (copy === null) return whole(key);
    said = follow(facts, copy, env, context);
  } catch {
    // The whole way meets it again, and logs it.
  }
  return said ? away(said) : whole();
}

export default {
  fetch(request, env, context) {
    const whole = (missing) => missing
      ? withoutCopy(request, missing, env, context)
      : new Worker(context, env).fetch(request);
    const { url, method } = request;
    // One segment: the only slash after the scheme's is the path's first.
    if (method !== "GET" || url.indexOf("/", 8) !== url.lastIndexOf("/")) return whole();
    let facts;
    let said;
    try {
      facts = told(request);
      said = follow(facts, undefined, env, context);
    } catch {
      // As above.
    }
    if (!said) return whole();
    return said[0] === "\n" ? fromCopy(facts, said.slice(1), env, context, whole) : away(said);
  },
};
