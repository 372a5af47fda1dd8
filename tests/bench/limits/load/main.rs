//! A closed loop of clients over raw TCP: the same code asks our edge (HTTP/1.1) and Redis (RESP).
//!
//! A template holds the bytes of one request; `@@@@@@@@` in it becomes the key's eight digits,
//! `####` an address' four. The answer's last byte ends a request's time. Prints one line of JSON.
//! Refuses to pipeline: a client sends when it has its answer.
//!
//!   load --port=N --template=FILE [--connections=64] [--ms=3000] [--requests=N] [--keys=1]
//!        [--ordered] [--addresses=1] [--seed=1]

mod answer;

use answer::{Answer, Sort};
use shared::machine::mix;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS_MAX: u64 = 1_024;
const ANSWER_S_MAX: u64 = 10;

/// What is asked, shared by all clients.
struct Plan {
    port: u16,
    template: Vec<u8>,
    key_at: Vec<usize>,
    address_at: Vec<usize>,
    keys: u64,
    ordered: bool,
    addresses: u64,
    seed: u64,
    requests_max: u64,
    asked: Cell<u64>,
    until: Instant,
}

#[derive(Default)]
struct Tally {
    nanos: Vec<u64>,
    admitted: u64,
    errors: u64,
    by: BTreeMap<String, u64>,
    last_error: String,
}

fn places(text: &[u8], mark: &[u8]) -> Vec<usize> {
    let windows = text.windows(mark.len()).enumerate();
    windows.filter(|(_, window)| *window == mark).map(|(at, _)| at).collect()
}

impl Plan {
    /// The next request's bytes, or none when there are enough.
    fn next(&self, request: &mut [u8]) -> bool {
        let n = self.asked.get();
        if n >= self.requests_max || Instant::now() >= self.until {
            return false;
        }
        self.asked.set(n + 1);
        let draw = if self.ordered { n } else { mix(self.seed.wrapping_add(n)) };
        let key = format!("{:08}", draw % self.keys);
        let address = format!("{:04x}", n % self.addresses);
        for (places, text) in [(&self.key_at, &key), (&self.address_at, &address)] {
            for at in places {
                request[*at..*at + text.len()].copy_from_slice(text.as_bytes());
            }
        }
        true
    }
}

async fn client(plan: Rc<Plan>) -> io::Result<Tally> {
    let mut stream = TcpStream::connect(("127.0.0.1", plan.port)).await?;
    stream.set_nodelay(true)?;
    let sort = if plan.template.starts_with(b"*") { Sort::Resp } else { Sort::Http };
    let (mut request, mut tally) = (plan.template.clone(), Tally::default());
    let mut buffer = Vec::with_capacity(65_536);
    while plan.next(&mut request) {
        let began = Instant::now();
        stream.write_all(&request).await?;
        buffer.clear();
        let answer = loop {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(answer) = Answer::read(sort, &buffer) {
                break answer;
            }
        };
        tally.nanos.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        tally.admitted += u64::from(answer.admitted);
        if answer.failed {
            tally.errors += 1;
            tally.last_error = String::from_utf8_lossy(&buffer).into_owned();
        }
        *tally.by.entry(answer.by).or_default() += 1;
    }
    Ok(tally)
}

fn options() -> HashMap<String, String> {
    let pair = |arg: String| {
        let arg = arg.trim_start_matches('-').to_string();
        arg.split_once('=').map_or((arg.clone(), "1".into()), |(a, b)| (a.into(), b.into()))
    };
    std::env::args().skip(1).map(pair).collect()
}

fn plan(options: &HashMap<String, String>) -> io::Result<Plan> {
    let number = |name: &str, otherwise: u64| {
        options.get(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let template = std::fs::read(options.get("template").map_or("", String::as_str))?;
    Ok(Plan {
        port: u16::try_from(number("port", 0)).unwrap_or_default(),
        key_at: places(&template, b"@@@@@@@@"),
        address_at: places(&template, b"####"),
        template,
        keys: number("keys", 1).max(1),
        ordered: options.contains_key("ordered"),
        addresses: number("addresses", 1).clamp(1, 65_536),
        seed: number("seed", 1),
        requests_max: number("requests", u64::MAX),
        asked: Cell::new(0),
        until: Instant::now() + Duration::from_secs_f64(number("ms", 3_000) as f64 / 1e3),
    })
}

async fn run(options: HashMap<String, String>) -> io::Result<serde_json::Value> {
    let plan = Rc::new(plan(&options)?);
    let clients = options.get("connections").and_then(|text| text.parse().ok()).unwrap_or(64);
    let began = Instant::now();
    let clients: Vec<_> = (0..CONNECTIONS_MAX.min(clients))
        .map(|_| tokio::task::spawn_local(client(Rc::clone(&plan))))
        .collect();
    let mut all = Tally::default();
    for client in clients {
        let patience =
            plan.until.duration_since(Instant::now()) + Duration::from_secs(ANSWER_S_MAX);
        let one = tokio::time::timeout(patience, client).await??;
        let one = one?;
        all.nanos.extend(one.nanos);
        all.admitted += one.admitted;
        all.errors += one.errors;
        if one.errors > 0 {
            all.last_error = one.last_error;
        }
        one.by.into_iter().for_each(|(by, count)| *all.by.entry(by).or_default() += count);
    }
    let us = began.elapsed().as_secs_f64() * 1e6;
    all.nanos.sort_unstable();
    let part = |per_mille: usize| {
        let at = (all.nanos.len() * per_mille / 1_000).min(all.nanos.len().saturating_sub(1));
        all.nanos.get(at).map_or(0.0, |nanos| *nanos as f64 / 1e3)
    };
    let requests = all.nanos.len();
    Ok(serde_json::json!({
        "requests": requests, "us": us, "perSecond": requests as f64 / (us / 1e6),
        "p50_us": part(500), "p99_us": part(990), "p999_us": part(999),
        "admitted": all.admitted, "errors": all.errors, "by": all.by,
        "error": all.last_error.chars().take(1_000).collect::<String>(),
    }))
}

fn main() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let said = tokio::task::LocalSet::new().block_on(&runtime, run(options()))?;
    println!("{said}");
    Ok(())
}
