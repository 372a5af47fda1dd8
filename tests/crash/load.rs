//! Load: clients that create and clients that follow, until they are told to stop.
//!
//! Invariant: an operation is entered as acknowledged only after its whole answer was read, and as
//! in doubt when it was sent and no such answer came.

use crate::client::{CURL, Client, FIREFOX, Followed, Made};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Somebody who is not told within this time is not told at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of the creations.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Code → (target, id).
    pub acknowledged: BTreeMap<String, (String, String)>,
    /// Targets of creations that were given up without an answer.
    pub doubt: BTreeSet<String>,
    /// 503s, 409s, broken connections, refused connections, answers given again.
    pub unavailable: u64,
    pub in_progress: u64,
    pub broken: Vec<String>,
    pub not_sent: u64,
    pub replayed: u64,
    /// What must not happen.
    pub wrong: Vec<String>,
}

/// Clients that create.
pub struct Makers {
    next: AtomicU64,
    total: u64,
    stop: AtomicBool,
    pub acknowledged: AtomicU64,
    ledger: Mutex<Ledger>,
    /// Stands in keys and targets.
    name: String,
    /// Every so many operations, one is given up after its first failure; 0: none.
    impatient_every: u64,
    pause: Duration,
}

/// A running load; `end` waits for its clients.
pub struct Running<T> {
    pub of: Arc<T>,
    tasks: Vec<JoinHandle<()>>,
}

impl<T> Running<T> {
    async fn join(self) -> Arc<T> {
        for task in self.tasks {
            task.await.unwrap();
        }
        self.of
    }
}

pub struct Creating<'a> {
    pub name: &'a str,
    pub clients: u64,
    pub total: u64,
    pub impatient_every: u64,
    pub pause: Duration,
    pub seed: u64,
}

pub fn create(client: &Client, how: Creating<'_>) -> Running<Makers> {
    let of = Arc::new(Makers {
        next: AtomicU64::new(0),
        total: how.total,
        stop: AtomicBool::new(false),
        acknowledged: AtomicU64::new(0),
        ledger: Mutex::default(),
        name: how.name.into(),
        impatient_every: how.impatient_every,
        pause: how.pause,
    });
    let maker = |n: u64| {
        let (of, client) = (Arc::clone(&of), client.clone());
        let mut rng = StdRng::seed_from_u64(how.seed ^ n);
        tokio::spawn(async move {
            while !of.stop.load(Ordering::Relaxed) {
                let n = of.next.fetch_add(1, Ordering::Relaxed);
                if n >= of.total {
                    return;
                }
                of.make(&client, n, &mut rng).await;
                tokio::time::sleep(of.pause).await;
            }
        })
    };
    let tasks = (0..how.clients).map(maker).collect();
    Running { of, tasks }
}

impl Makers {
    async fn make(&self, client: &Client, n: u64, rng: &mut StdRng) {
        let target = format!("https://target.example/{}/{n}?x=1#end", self.name);
        let key = format!("{}-{n}", self.name);
        let impatient = self.impatient_every > 0 && n.is_multiple_of(self.impatient_every);
        let began = Instant::now();
        loop {
            let made = client.create(&target, &key).await;
            let again = {
                let mut ledger = self.ledger.lock().unwrap();
                match made {
                    Made::Link { id, code, long_url, replayed } => {
                        ledger.replayed += u64::from(replayed);
                        ledger.enter(code, id, &target, long_url);
                        self.acknowledged.fetch_add(1, Ordering::Relaxed);
                        false
                    }
                    Made::Unavailable(retry_after) => {
                        ledger.unavailable += 1;
                        if retry_after.is_none() {
                            ledger.wrong.push(format!("{key}: 503 without Retry-After"));
                        }
                        true
                    }
                    Made::InProgress => {
                        ledger.in_progress += 1;
                        true
                    }
                    Made::NotSent => {
                        ledger.not_sent += 1;
                        true
                    }
                    Made::Broken(why) => {
                        ledger.broken.push(why);
                        true
                    }
                    Made::Other(status, text) => {
                        ledger.wrong.push(format!("{key}: {status} {text}"));
                        true
                    }
                }
            };
            if !again {
                return;
            }
            let stopped = self.stop.load(Ordering::Relaxed);
            if impatient || stopped || began.elapsed() > PATIENCE {
                self.ledger.lock().unwrap().doubt.insert(target);
                return;
            }
            tokio::time::sleep(Duration::from_millis(rng.random_range(20..120))).await;
        }
    }
}

impl Ledger {
    /// What an answer said.
    pub fn enter(&mut self, code: String, id: String, target: &str, long_url: String) {
        if long_url != target {
            self.wrong.push(format!("{code} was asked for {target} and leads to {long_url}"));
        }
        if let Some((other, _)) = self.acknowledged.insert(code.clone(), (long_url, id)) {
            self.wrong.push(format!("{code} was given for {other} and for {target}"));
        }
    }

    /// Code → target.
    pub fn targets(&self) -> BTreeMap<String, String> {
        self.acknowledged.iter().map(|(code, (to, _))| (code.clone(), to.clone())).collect()
    }
}

impl Running<Makers> {
    /// Waits until all are made.
    pub async fn done(self) -> Ledger {
        let of = self.join().await;
        std::mem::take(&mut of.ledger.lock().unwrap())
    }

    /// Tells the clients to stop; what is under way is tried once more at most.
    pub async fn stop(self) -> Ledger {
        self.of.stop.store(true, Ordering::Relaxed);
        self.done().await
    }

    pub async fn until_acknowledged(&self, count: u64) {
        let until = Instant::now() + PATIENCE;
        while self.of.acknowledged.load(Ordering::Relaxed) < count && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// What became of the redirects, per code.
#[derive(Debug, Default)]
pub struct Tally {
    pub humans: BTreeMap<String, u64>,
    pub bots: BTreeMap<String, u64>,
    /// GETs that were sent and broke off.
    pub doubt: BTreeMap<String, u64>,
    pub heads: u64,
    pub not_sent: u64,
    /// Why they broke off.
    pub broken: Vec<String>,
    /// What must not happen.
    pub wrong: Vec<String>,
}

impl Tally {
    pub fn served(&self) -> u64 {
        self.humans.values().chain(self.bots.values()).sum()
    }

    pub fn doubts(&self) -> u64 {
        self.doubt.values().sum()
    }

    fn add(&mut self, other: Self) {
        let all = [
            (&mut self.humans, other.humans),
            (&mut self.bots, other.bots),
            (&mut self.doubt, other.doubt),
        ];
        for (sum, more) in all {
            for (code, count) in more {
                *sum.entry(code).or_default() += count;
            }
        }
        self.heads += other.heads;
        self.not_sent += other.not_sent;
        self.broken.extend(other.broken);
        self.wrong.extend(other.wrong);
    }
}

/// Clients that follow links.
pub struct Followers {
    stop: AtomicBool,
    pub served: AtomicU64,
    tally: Mutex<Tally>,
    links: Vec<(String, String)>,
    pause: Duration,
}

pub fn follow(
    client: &Client,
    links: &BTreeMap<String, String>,
    clients: u64,
    pause: Duration,
    seed: u64,
) -> Running<Followers> {
    let of = Arc::new(Followers {
        stop: AtomicBool::new(false),
        served: AtomicU64::new(0),
        tally: Mutex::default(),
        links: links.clone().into_iter().collect(),
        pause,
    });
    let follower = |n: u64| {
        let (of, client) = (Arc::clone(&of), client.clone());
        let mut rng = StdRng::seed_from_u64(seed ^ (n << 32));
        tokio::spawn(async move {
            let mut tally = Tally::default();
            while !of.stop.load(Ordering::Relaxed) {
                of.one(&client, &mut rng, &mut tally).await;
                tokio::time::sleep(of.pause).await;
            }
            of.tally.lock().unwrap().add(tally);
        })
    };
    let tasks = (0..clients).map(follower).collect();
    Running { of, tasks }
}

impl Followers {
    /// Of ten requests, one is a HEAD, two are a bot's, the others a person's.
    async fn one(&self, client: &Client, rng: &mut StdRng, tally: &mut Tally) {
        let (code, target) = &self.links[rng.random_range(0..self.links.len())];
        let draw = rng.random_range(0..10);
        let (is_head, is_bot) = (draw == 0, draw < 3);
        let method = if is_head { reqwest::Method::HEAD } else { reqwest::Method::GET };
        let agent = if is_bot { CURL } else { FIREFOX };
        match client.follow(method, code, agent).await {
            Followed::Answer(302, to) if to == *target => {
                if is_head {
                    tally.heads += 1;
                    return;
                }
                let kind = if is_bot { &mut tally.bots } else { &mut tally.humans };
                *kind.entry(code.clone()).or_default() += 1;
                self.served.fetch_add(1, Ordering::Relaxed);
            }
            Followed::Answer(status, to) => {
                tally.wrong.push(format!("{code}: {status} to {to:?} instead of {target}"));
            }
            Followed::NotSent => {
                tally.not_sent += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Followed::Broken(why) => {
                tally.broken.push(why);
                if !is_head {
                    *tally.doubt.entry(code.clone()).or_default() += 1;
                }
            }
        }
    }
}

impl Running<Followers> {
    pub fn served(&self) -> u64 {
        self.of.served.load(Ordering::Relaxed)
    }

    /// How many were served within half a second: what an isolate holds at most by time.
    pub async fn half_a_second(&self) -> u64 {
        let before = self.served();
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.served() - before
    }

    /// Tells the clients to stop, and waits for what is under way.
    pub async fn stop(self) -> Tally {
        self.of.stop.store(true, Ordering::Relaxed);
        let of = self.join().await;
        std::mem::take(&mut of.tally.lock().unwrap())
    }
}
