//! The load of `scripts/bench payments`: signed calls of the ledger over many connections.
//!
//! Invariant: every request is signed and made before the clock starts, has a key of its own, and
//! counts only when its answer is the one that it asks for. Behind a rate, a request's time begins
//! when it is due, not when a connection was free for it. Prints one line of JSON.
//!
//! Environment: ORIGIN_URL, SIGNING_KEYS, APP. Arguments: `accounts N`, `singles|hot FILE
//! CONNECTIONS SECONDS RATE` (rate 0: as fast as it goes), `batches FILE CONNECTIONS COUNT SIZE`,
//! `balances FILE CONNECTIONS SECONDS RATE`; FILE has an account per line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use rand::Rng;
use shared::payments::request::BATCH_MAX;
use shared::sign::{self, CONTEXT_HEADER, Context, Keys, SIGNATURE_HEADER};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a machine of two cores will not exceed.
const PER_SECOND_MAX: u64 = 40_000;

struct Target {
    address: String,
    keys: Keys,
    context: String,
}

impl Target {
    fn of_env() -> Self {
        let var = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        let context = Context {
            principal: "service:0000001a2bc".into(),
            app: var("APP"),
            tier: "unlimited".into(),
            request_id: shared::id::random_id("req", rand::random()),
            ..Context::default()
        };
        Self {
            address: var("ORIGIN_URL").trim_start_matches("http://").into(),
            keys: Keys::parse(&var("SIGNING_KEYS")).unwrap(),
            context: context.encode(),
        }
    }

    /// A whole request, as it goes over the wire.
    fn request(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let content = sign::content(body.as_bytes());
        let signed = sign::Request {
            method,
            path_and_query: path,
            content: &content,
            context: &self.context,
        };
        let signature = self.keys.sign(signed, origin::db::now(), rand::random());
        let key = hex::encode(rand::random::<[u8; 16]>());
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             idempotency-key: {key}\r\n{CONTEXT_HEADER}: {}\r\n{SIGNATURE_HEADER}: {signature}\r\n\
             content-length: {}\r\n\r\n{body}",
            self.address,
            self.context,
            body.len()
        )
        .into_bytes()
    }
}

/// Reads one answer; its body.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Vec<u8> {
    buffer.clear();
    loop {
        assert!(stream.read_buf(buffer).await.unwrap() > 0, "the origin closed a connection");
        let Some(head) = buffer.windows(4).position(|part| part == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head]).unwrap().to_ascii_lowercase();
        let length: usize = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.trim().parse().unwrap());
        while buffer.len() < head + 4 + length {
            assert!(stream.read_buf(buffer).await.unwrap() > 0, "an answer broke off");
        }
        return buffer.split_off(head + 4);
    }
}

/// What a run counted.
#[derive(Default)]
struct Counted {
    times_us: Vec<u32>,
    wrong: u64,
    first_wrong: Option<String>,
}

/// Sends the requests over `connections`; each wants an envelope with `status`.
async fn run(
    target: &Target,
    requests: Vec<Vec<u8>>,
    (connections, rate): (usize, u64),
    (status, time_max): (u16, Duration),
) -> (Counted, Duration) {
    let wanted = format!("{{\"status\":{status},");
    let next = Rc::new(Cell::new(0));
    let requests = Rc::new(requests);
    let counted = Rc::new(RefCell::new(Counted::default()));
    let mut streams = vec![];
    for _ in 0..connections {
        let stream = TcpStream::connect(&target.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        streams.push(stream);
    }
    let began = Instant::now();
    let one = |mut stream: TcpStream| {
        let (next, requests) = (Rc::clone(&next), Rc::clone(&requests));
        let (counted, wanted) = (Rc::clone(&counted), wanted.clone());
        async move {
            let mut buffer = Vec::with_capacity(4_096);
            loop {
                let n = next.get();
                if n >= requests.len() || began.elapsed() > time_max {
                    return;
                }
                next.set(n + 1);
                let due = match (n as u64 * 1_000_000).checked_div(rate) {
                    Some(us) => began + Duration::from_micros(us),
                    None => Instant::now(),
                };
                if rate > 0 {
                    tokio::time::sleep_until(due.into()).await;
                }
                stream.write_all(&requests[n]).await.unwrap();
                let body = answer(&mut stream, &mut buffer).await;
                let mut counted = counted.borrow_mut();
                if body.starts_with(wanted.as_bytes()) {
                    counted.times_us.push(due.elapsed().as_micros() as u32);
                } else {
                    counted.wrong += 1;
                    let text = String::from_utf8_lossy(&body).chars().take(300).collect();
                    counted.first_wrong.get_or_insert(text);
                }
            }
        }
    };
    let local = tokio::task::LocalSet::new();
    let tasks: Vec<_> = streams.into_iter().map(|s| local.spawn_local(one(s))).collect();
    local.run_until(futures::future::join_all(tasks)).await;
    let took = began.elapsed();
    (counted.take(), took)
}

fn report(counted: Counted, took: Duration, weight: u64) {
    let Counted { mut times_us, wrong, first_wrong } = counted;
    times_us.sort_unstable();
    let at = |per_mille: usize| times_us.get(times_us.len() * per_mille / 1_000).unwrap_or(&0);
    let done = times_us.len() as u64;
    println!(
        "{}",
        serde_json::json!({
            "requests": done, "errors": wrong, "firstError": first_wrong,
            "seconds": took.as_secs_f64(),
            "perSecond": (done * weight) as f64 / took.as_secs_f64(),
            "p50Us": at(500), "p99Us": at(990), "p999Us": at(999),
        })
    );
}

fn order(accounts: &[String], hot: bool) -> String {
    let mut rng = rand::rng();
    let count = accounts.len();
    let debit = if hot { 0 } else { rng.random_range(0..count) };
    let credit = (debit + rng.random_range(1..count)) % count;
    format!(
        "{{\"debit_account\":\"{}\",\"credit_account\":\"{}\",\"amount\":{},\"currency\":\"EUR\"}}",
        accounts[debit],
        accounts[credit],
        rng.random_range(1..1_000)
    )
}

/// Opens accounts over 64 connections; prints their ids.
async fn open_accounts(target: &Target, count: usize) {
    let body = r#"{"name":"bench","currency":"EUR","kind":"asset"}"#;
    let some = |count: usize| async move {
        let mut stream = TcpStream::connect(&target.address).await.unwrap();
        let mut buffer = vec![];
        for _ in 0..count {
            let request = target.request("POST", "/internal/api/v1/accounts", body);
            stream.write_all(&request).await.unwrap();
            let body = answer(&mut stream, &mut buffer).await;
            let envelope: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let account = envelope["body"].as_str().unwrap();
            let account: serde_json::Value = serde_json::from_str(account).unwrap();
            println!("{}", account["id"].as_str().unwrap_or_else(|| panic!("{envelope}")));
        }
    };
    futures::future::join_all((0..64).map(|n| some((count + n) / 64))).await;
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let target = Target::of_env();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| args[at].parse::<u64>().unwrap();
    if args[0] == "accounts" {
        return open_accounts(&target, number(1) as usize).await;
    }
    let text = std::fs::read_to_string(&args[1]).unwrap();
    let accounts: Vec<String> = text.lines().map(Into::into).collect();
    let path = "/internal/api/v1/transfers";
    let (connections, third) = (number(2) as usize, number(3));
    let timed = |rate: u64| third * if rate == 0 { PER_SECOND_MAX } else { rate };
    let seconds = Duration::from_secs(third);
    match args[0].as_str() {
        kind @ ("singles" | "hot") => {
            let one = |_| target.request("POST", path, &order(&accounts, kind == "hot"));
            let requests = (0..timed(number(4))).map(one).collect();
            let how = (connections, number(4));
            let (counted, took) = run(&target, requests, how, (201, seconds)).await;
            report(counted, took, 1);
        }
        "batches" => {
            let size = (number(4) as usize).min(BATCH_MAX);
            let one = |_| {
                let orders: Vec<String> = (0..size).map(|_| order(&accounts, false)).collect();
                let body = format!("{{\"transfers\":[{}]}}", orders.join(","));
                target.request("POST", path, &body)
            };
            let requests = (0..third).map(one).collect();
            let (counted, took) =
                run(&target, requests, (connections, 0), (201, Duration::MAX)).await;
            report(counted, took, size as u64);
        }
        "balances" => {
            let one = |_| {
                let account = &accounts[rand::rng().random_range(0..accounts.len())];
                let path = format!("/internal/api/v1/accounts/{account}/balance");
                target.request("GET", &path, "")
            };
            let requests = (0..timed(number(4))).map(one).collect();
            let how = (connections, number(4));
            let (counted, took) = run(&target, requests, how, (200, seconds)).await;
            report(counted, took, 1);
        }
        other => panic!("no load is called {other}"),
    }
}
