// (d) A redirect in JavaScript from KV: the same key, the same value, the same event.
import { facts, push } from "events";
export { Recorder } from "events";

export default {
  async fetch(request, env, context) {
    const url = request.url;
    const key = `links/0/${url.slice(url.lastIndexOf("/") + 1)}`;
    const text = await env.REGISTERS.get(key, { type: "text", cacheTtl: 60 });
    if (!text) return new Response("not found", { status: 404 });
    const found = JSON.parse(text.slice(text.indexOf("\n") + 1));
    const said = facts(request);
    if (request.method === "GET") push(env, context, found.link, said);
    const headers = { location: found.to, "cache-control": "private, no-store" };
    return new Response(null, { status: 302, headers });
  },
};
