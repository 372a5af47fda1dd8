// The links of a run: a code, a destination and a copy in KV for every number. The load generator
// (requests.lua) makes the same codes.
export const code = (n) => `z${String(n).padStart(6, "0")}`;
export const to = (n) => `https://www.example.com/articles/2026/11/${n}/what-a-selvedge-is?utm_source=bench`;
export const link = (n) => `lnk_${String(n).padStart(13, "0")}`;
export const copy = (n) =>
  `1 1\n${JSON.stringify({ to: to(n), expires_at: 1_950_000_000_000, link: link(n), app: "app_0000000000001" })}`;
