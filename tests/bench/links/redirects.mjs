// Redirects: five variants in interleaved rounds, then Zipf's law at half of what is possible.

import { median, wrk } from "./load.mjs";
import { cpuMs, idle, serve } from "./workerd.mjs";

const HOT_LINKS = 100; // each is asked for anew every five seconds, which is part of the product
const ZIPF_LINKS = 100_000;
const CONNECTIONS = 64;
const ZIPF_CONNECTIONS = 256; // many that wait long come near to arrivals that nobody holds back

export const VARIANTS = {
  a: "JavaScript, constant 302",
  "a'": "JavaScript, Map + headers + event",
  b: "ours, from isolate memory",
  c: "ours, from KV",
  d: "JavaScript, KV get + headers + event",
};

const script = (file) => [["main", file], ["events", "events.js"], ["links", "links.js"]];

export function ours(run, originUrl, durations = {}) {
  const texts = {
    ORIGIN_URL: originUrl, PUBLIC_URL: run.publicUrl, CORS_ORIGINS: "", ...durations,
    SIGNING_KEYS: run.secrets.SIGNING_KEYS, KEY_MAC_SECRET: run.secrets.KEY_MAC_SECRET,
    VISITOR_SECRET: run.secrets.VISITOR_SECRET,
  };
  return { files: run.modules, texts, objects: ["Home", "Recorder"] };
}

async function start(run, originUrl) {
  const texts = { ORIGIN_URL: originUrl, SIGNING_KEYS: run.secrets.SIGNING_KEYS };
  const objects = ["Recorder"];
  const all = {
    a: { files: [["main", "bare.js"]] },
    "a'": { files: script("memory.js"), texts, objects },
    b: ours(run, originUrl),
    c: ours(run, originUrl, { SELVEDGE_LINK_FRESH_MS: "0" }),
    d: { files: script("kv-get.js"), texts, objects },
  };
  const started = {};
  for (const [name, worker] of Object.entries(all)) {
    const dir = { "a'": "memory" }[name] ?? name;
    started[name] = await serve(run, dir, { ...worker, links: ZIPF_LINKS });
  }
  return started;
}

// Both answer alike, or the comparison is void.
async function check(name, { port }) {
  const answer = await fetch(`http://127.0.0.1:${port}/z000007`, { redirect: "manual" });
  const location = answer.headers.get("location");
  const wanted = name === "a" ? "https://example.com/" : "https://www.example.com/articles/2026/11/7/";
  if (answer.status !== 302 || !location?.startsWith(wanted)) {
    throw new Error(`${name} answers ${answer.status} ${location}`);
  }
}

// One slot: load, then the time until nothing is left to do; all of its CPU belongs to its requests.
async function slot(run, variant, seconds, env, connections = CONNECTIONS) {
  const before = cpuMs(variant.child);
  const said = await wrk(run, variant.port, { seconds, connections, env });
  await idle(variant.child);
  const cpu = cpuMs(variant.child) - before;
  return { ...said, cpuUs: (cpu * 1000) / said.requests };
}

export async function redirects(run, standIn) {
  const variants = await start(run, standIn.url);
  const env = { LINKS: HOT_LINKS };
  for (const [name, variant] of Object.entries(variants)) {
    await check(name, variant);
    await slot(run, variant, run.warmSeconds, env);
  }
  const before = standIn.taken.events;
  const rounds = [];
  for (let n = 0; n < run.rounds; n += 1) {
    const round = {};
    // Every other round backwards, so that no variant always follows the same one.
    const names = Object.keys(variants);
    for (const name of n % 2 ? names.toReversed() : names) {
      round[name] = await slot(run, variants[name], run.seconds, env);
    }
    rounds.push(round);
    run.say(`round ${n + 1} of ${run.rounds}`);
  }
  const taken = standIn.taken.events - before;
  const result = { rounds, medians: {}, errors: 0, clicks: { taken, served: 0 } };
  for (const name of Object.keys(variants)) {
    const all = rounds.map((round) => round[name]);
    const of = (field) => median(all.map((one) => one[field]));
    result.medians[name] = { perSecond: of("perSecond"), cpuUs: of("cpuUs"), p50Us: of("p50_us"), p99Us: of("p99_us") };
    for (const one of all) {
      result.errors += one.errors;
      if (name !== "a") result.clicks.served += one.requests;
    }
  }
  // Of each round by itself, so that what slows a whole round down is in neither.
  const ratio = (field, one, other) => median(rounds.map((round) => round[one][field] / round[other][field]));
  result.ratios = {};
  for (const [one, other] of [["b", "a'"], ["b", "a"], ["c", "d"]]) {
    result.ratios[`${one}/${other}`] = {
      throughput: ratio("perSecond", one, other),
      cpu: ratio("cpuUs", other, one),
    };
  }
  result.zipf = await zipf(run, variants);
  for (const { child } of Object.values(variants)) child.kill("SIGKILL");
  return result;
}

async function zipf(run, variants) {
  const pair = ["a'", "b"].map((name) => [name, variants[name]]);
  const env = { LINKS: ZIPF_LINKS, ZIPF: 1 };
  for (const [, variant] of pair) await slot(run, variant, run.warmSeconds, env);
  const saturation = (await slot(run, variants.b, run.seconds, env)).perSecond;
  // A connection's turn: the pause, half of the longest on average, and the answer itself.
  const thinkMs = Math.round((2 * ZIPF_CONNECTIONS * 1000) / (saturation / 2));
  const rounds = [];
  for (let n = 0; n < run.rounds; n += 1) {
    const round = {};
    for (const [name, variant] of n % 2 ? pair.toReversed() : pair) {
      const paced = { ...env, THINK_MS: thinkMs, SEED: n + 2 };
      round[name] = await slot(run, variant, run.seconds, paced, ZIPF_CONNECTIONS);
    }
    rounds.push(round);
  }
  const of = (name, field) => median(rounds.map((round) => round[name][field]));
  const medians = {};
  for (const [name] of pair) {
    medians[name] = {
      perSecond: of(name, "perSecond"), cpuUs: of(name, "cpuUs"), p50Us: of(name, "p50_us"),
      p99Us: of(name, "p99_us"), p999Us: of(name, "p999_us"),
    };
  }
  const ratio = median(rounds.map((round) => round.b.p99_us / round["a'"].p99_us));
  return { links: ZIPF_LINKS, saturation, rounds, medians, p99Ratio: ratio };
}
