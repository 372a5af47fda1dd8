// The least that streams an object of a bucket: what the edge is held against.

export default {
  async fetch(request, env) {
    const object = await env.OBJECTS.get(new URL(request.url).pathname.slice(1));
    if (object === null) return new Response(null, { status: 404 });
    const headers = { "content-length": String(object.size), "content-type": "video/iso.segment" };
    return new Response(object.body, { headers });
  },
};
