// What a link weighs: its row and indexes in a database of 100,000, its copy in KV.

import { DatabaseSync } from "node:sqlite";
import { signed } from "./origin.mjs";

const LINKS = 100_000;
const LINKS_QUICK = 10_000;
const PER_CALL = 1_000;
const DAYS = 5 * 365.25;
const A_DAY = 100e6;

async function call(run, one, target, fields) {
  const body = JSON.stringify(fields);
  const headers = signed(run, one.app, "POST", target, body);
  const answer = await fetch(`${one.url}${target}`, { method: "POST", headers, body });
  return answer.json();
}

const url = (n) => `https://www.example.com/articles/2026/11/${n}/what-a-selvedge-is?utm_source=bench`;

// On the SQLite database of an origin that runs; fills it up.
export async function bytes(run, one) {
  const count = () => {
    const database = new DatabaseSync(one.database, { readOnly: true });
    const links = database.prepare("select count(*) as n from link").get().n;
    const sizes = database.prepare("select name, sum(pgsize) as bytes from dbstat where name = 'link' or name like 'link\\_%' escape '\\' or name like 'sqlite_autoindex_link_%' group by name").all();
    const tables = database.prepare("select name, tbl_name from sqlite_schema").all();
    database.close();
    const own = new Set(tables.filter((one) => one.tbl_name === "link").map((one) => one.name));
    return { links, sizes: sizes.filter(({ name }) => own.has(name)) };
  };
  const wanted = run.quick ? LINKS_QUICK : LINKS;
  for (let { links } = count(); links < wanted; links += PER_CALL) {
    const items = Array.from({ length: PER_CALL }, (_, n) => ({ long_url: url(links + n) }));
    await call(run, one, "/internal/api/v1/links/bulk", { links: items });
  }
  const answer = await call(run, one, "/internal/api/v1/shorten", { long_url: url(0) });
  const copies = (answer.projections ?? []).map(({ product, key, epoch, version, value }) =>
    `${product}/${key}`.length + Buffer.byteLength(`${epoch} ${version}\n${value ?? ""}`));
  const { links, sizes } = count();
  const rows = sizes.reduce((sum, one) => sum + one.bytes, 0);
  const perLink = rows / links;
  return {
    links, parts: Object.fromEntries(sizes.map((one) => [one.name, one.bytes / links])),
    origin: perLink, kv: copies[0], fiveYears: { links: A_DAY * DAYS, originTB: (perLink * A_DAY * DAYS) / 1e12, kvTB: (copies[0] * A_DAY * DAYS) / 1e12 },
  };
}
