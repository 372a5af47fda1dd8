// (a) The least that a Worker can do: a constant 302.
export default {
  fetch: () => new Response(null, { status: 302, headers: { location: "https://example.com/" } }),
};
