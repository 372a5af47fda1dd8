// What a careful author would write in JavaScript for the clicks: the same batches as the Worker in
// Rust (64 events, or 500 ms after the first), the same object with the same rows and the same
// signed deliveries, so that what is compared is the redirect.

const HANDOVER_MAX = 64;
const HANDOVER_MS = 500;
const DELIVERY_MAX = 500;
const DELIVERY_GAP_MS = 100;
const TEXT = new TextEncoder();

let open = [];
let n = 0;
let isolate;

const hex = (bytes) => [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, "0")).join("");

async function handOver(env) {
  const batch = JSON.stringify({ isolate, n: ++n, events: open });
  open = [];
  const stub = env.RECORDER.get(env.RECORDER.idFromName("recorder/local/0"));
  const response = await stub.fetch("http://object/keep", { method: "POST", body: batch });
  await response.text();
  if (response.status !== 200) throw new Error(`the recorder answered ${response.status}`);
}

// Reads the headers that a click is made of; edge/door.js reads the same.
export function facts(request) {
  const headers = request.headers;
  return {
    userAgent: headers.get("user-agent") ?? "",
    referrer: headers.get("referer") ?? "",
    gpc: headers.get("sec-gpc") ?? "",
    ip: headers.get("cf-connecting-ip") ?? "",
    country: request.cf?.country ?? "",
    colo: request.cf?.colo ?? "",
  };
}

export function push(env, context, link, { userAgent, referrer, country, ip, gpc }) {
  const click = { link, user_agent: userAgent, referrer, country, visitor: gpc === "1" ? "" : ip };
  open.push({ product: "links", at: Date.now(), body: JSON.stringify(click) });
  isolate ??= crypto.randomUUID();
  if (open.length >= HANDOVER_MAX) return context.waitUntil(handOver(env));
  if (open.length > 1) return;
  const mine = n;
  const later = async () => {
    await new Promise((done) => setTimeout(done, HANDOVER_MS));
    if (n === mine && open.length > 0) await handOver(env);
  };
  context.waitUntil(later());
}

export class Recorder {
  constructor({ storage }, env) {
    this.storage = storage;
    this.env = env;
    this.armed = false;
    this.key = crypto.subtle.importKey("raw", TEXT.encode(env.SIGNING_KEYS), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    for (const sql of [
      "create table if not exists recorder (one integer primary key, next_seq integer not null, due integer)",
      "insert or ignore into recorder values (1, 1, null)",
      "create table if not exists event (seq integer primary key, product text not null, at integer not null, body text not null)",
      "create table if not exists batch (isolate text not null, n integer not null, taken_at integer not null, primary key (isolate, n)) without rowid",
      "create index if not exists batch_taken_at on batch (taken_at)",
    ]) {
      storage.sql.exec(sql);
    }
  }

  async fetch(request) {
    const { isolate, n, events } = JSON.parse(await request.text());
    const { sql } = this.storage;
    if (sql.exec("select n from batch where isolate = ? and n = ?", isolate, n).toArray().length === 0) {
      const [[first]] = sql.exec("select next_seq from recorder").raw().toArray();
      this.storage.transactionSync(() => {
        sql.exec("insert into batch values (?, ?, ?)", isolate, n, Date.now());
        let seq = first;
        for (const { product, at, body } of events) {
          sql.exec("insert into event values (?, ?, ?, ?)", seq++, product, at, body);
        }
        sql.exec("update recorder set next_seq = ?, due = ?", seq, Date.now());
        if (!this.armed) this.storage.setAlarm(Date.now() + DELIVERY_GAP_MS);
        this.armed = true;
      });
    }
    return new Response("null");
  }

  async alarm() {
    this.armed = false;
    const { sql } = this.storage;
    const rows = sql.exec("select seq, product, at, body from event order by seq limit ?", DELIVERY_MAX).raw().toArray();
    if (rows.length === 0) return;
    const events = rows.map(([, product, at, body]) => ({ product, at, body }));
    const body = TEXT.encode(JSON.stringify({ recorder: "local", first_seq: rows[0][0], events }));
    const hash = hex(await crypto.subtle.digest("SHA-256", body));
    const text = `v1\nPOST\n/internal/events\n${hash}\n${Date.now()}`;
    const mac = hex(await crypto.subtle.sign("HMAC", await this.key, TEXT.encode(text)));
    const headers = { "content-type": "application/json", "x-selvedge-signature": mac };
    const response = await fetch(`${this.env.ORIGIN_URL}/internal/events`, { method: "POST", headers, body });
    const { applied_seq } = await response.json();
    this.storage.transactionSync(() => {
      sql.exec("delete from batch where taken_at < ?", Date.now() - 86_400_000);
      sql.exec("delete from event where seq <= ?", applied_seq);
      const [[next]] = sql.exec("select next_seq from recorder").raw().toArray();
      const rest = next - 1 - applied_seq;
      const due = rest === 0 ? null : Date.now() + (rest < DELIVERY_MAX ? DELIVERY_GAP_MS : 0);
      sql.exec("update recorder set due = ?", due);
      if (due !== null && !this.armed) this.storage.setAlarm(due);
      this.armed ||= due !== null;
    });
  }
}
