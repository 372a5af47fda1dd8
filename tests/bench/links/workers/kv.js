// KV in memory, in the same process as whoever asks: the platform's own protocol, and counters.
import { code, copy } from "links";

let all;
let counts = { gets: 0, misses: 0, puts: 0 };

function read(key) {
  const found = all.get(key);
  counts.gets += 1;
  if (found === undefined) counts.misses += 1;
  return found;
}

export default {
  async fetch(request, env) {
    if (!all) {
      const count = Number(env.LINKS);
      all = new Map(Array.from({ length: count }, (_, n) => [`links/0/${code(n)}`, copy(n)]));
    }
    const url = request.url;
    const path = url.slice(url.indexOf("/", 8) + 1);
    if (path === "counts") return Response.json(counts);
    if (path === "bulk/get") {
      const { keys } = await request.json();
      return Response.json(Object.fromEntries(keys.map((key) => [key, all.get(key) ?? null])));
    }
    const key = decodeURIComponent(path.split("?", 1)[0]);
    if (request.method === "GET") {
      const text = read(key);
      return text === undefined ? new Response(null, { status: 404 }) : new Response(text);
    }
    counts.puts += 1;
    all.set(key, await request.text());
    return new Response(null);
  },
};
