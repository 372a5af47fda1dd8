//! Both sides on state of their own: started, killed, started again.
//!
//! Invariant: ids of processes come from this stack's own `env` file and are used once; a stack
//! that is dropped stops what it started and keeps its state only when the test failed.

use crate::client::Client;
use crate::keeper::{Keeper, child_of, lives, signal, signal_group};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// `scripts/dev` gives up after 60.
const READY_MAX: Duration = Duration::from_secs(70);
/// So that what waits after a crash comes within seconds: a delivery that was under way counts as
/// failed after the timeout, a relay's lease ends after twice that.
const DURATIONS: [(&str, &str); 2] =
    [("SELVEDGE_ROAD_TIMEOUT_MS", "3000"), ("SELVEDGE_ROAD_BACKOFF_MAX_MS", "1000")];
const MEMORY: &str = "/dev/shm";
/// The largest test leaves 200 MiB.
const MEMORY_KIB_MIN: u64 = 2 << 20;
/// What must not stand in a log, whatever was killed.
const FAULTS: [&str; 6] =
    ["panicked", "unreachable", "RuntimeError", "Uncaught", "TypeError", "no such table"];

pub struct Stack {
    /// What assertions begin with: the test, the database, the seed.
    pub tag: String,
    /// Draws by the seed.
    pub rng: StdRng,
    /// The database's URL as the origin has it.
    pub database_url: String,
    keepers: Vec<Keeper>,
    with: Vec<(String, String)>,
    env: BTreeMap<String, String>,
    origin_pid: Option<u32>,
    edge_pid: Option<u32>,
    logs: String,
    dir: TempDir,
    database: TempDir,
    _turn: File,
}

/// The checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Where the lock is, and what is left of a test that failed.
fn kept() -> PathBuf {
    let kept = root().join("target/crash");
    fs::create_dir_all(&kept).unwrap();
    kept
}

/// Where the state is: in memory, where there is enough. A process that is killed leaves the pages
/// that it wrote, synced or not, so that no test here could tell; but a creation under local
/// emulation syncs some ten times, and 5,000 of them take minutes on a disk.
fn place() -> PathBuf {
    let free = Command::new("df").args(["--output=avail", "-k", MEMORY]).output();
    let said = free.map(|free| String::from_utf8_lossy(&free.stdout).into_owned());
    let kib = said.unwrap_or_default().lines().nth(1).and_then(|line| line.trim().parse().ok());
    if kib.unwrap_or(0) >= MEMORY_KIB_MIN { MEMORY.into() } else { kept() }
}

pub fn is_postgres() -> bool {
    std::env::var("TEST_DATABASE").as_deref() == Ok("postgres")
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The first of so many free ports in a row, below those that connections and port 0 get
/// (`ip_local_port_range`), which may be taken before we listen.
fn free_ports(count: u16) -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    loop {
        let first = rand::random_range(12_000..32_000);
        if (first..first + count).all(is_free) {
            return first;
        }
    }
}

impl Stack {
    /// Waits for its turn, then starts both sides. `name`: short, of `[a-z0-9_]`.
    pub async fn start(name: &str) -> Self {
        Self::start_with(name, &[]).await
    }

    /// The same, with more variables for `scripts/dev`, also when one side starts again.
    pub async fn start_with(name: &str, with: &[(&str, &str)]) -> Self {
        let turn = File::create(kept().join("lock")).unwrap();
        turn.lock().unwrap();
        let seed = match std::env::var("CRASH_SEED") {
            Ok(text) => text.parse().expect("CRASH_SEED is a number"),
            Err(_) => rand::random(),
        };
        let dir = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(place()).unwrap();
        // Not in memory: a commit that takes its time is one that a kill can meet.
        let database = tempfile::Builder::new().prefix("database-").tempdir_in(kept()).unwrap();
        let database_url = if is_postgres() {
            postgres(&format!("crash_{name}"))
        } else {
            format!("sqlite://{}/origin.sqlite?mode=rwc", database.path().display())
        };
        let engine = if is_postgres() { "postgres" } else { "sqlite" };
        let mut stack = Self {
            tag: format!("[{name} {engine} CRASH_SEED={seed}]"),
            rng: StdRng::seed_from_u64(seed),
            database_url,
            keepers: Vec::new(),
            with: with.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            env: BTreeMap::new(),
            origin_pid: None,
            edge_pid: None,
            logs: String::new(),
            dir,
            database,
            _turn: turn,
        };
        println!("{} begins", stack.tag);
        let isolates = with.iter().find(|(name, _)| *name == "EDGE_ISOLATES");
        let isolates = isolates.map_or(1, |(_, count)| count.parse().unwrap());
        let first = free_ports(isolates + 1);
        let ports = [("EDGE_PORT", first), ("ORIGIN_PORT", first + isolates)];
        for (name, port) in ports {
            stack.env.insert(name.into(), port.to_string());
        }
        stack.start_both().await;
        stack
    }

    /// Where the state is.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where SQLite's file is.
    pub fn database_dir(&self) -> &Path {
        self.database.path()
    }

    /// A value of the stack's `env` file.
    pub fn value(&self, name: &str) -> String {
        self.find(name).unwrap_or_else(|| panic!("{}: no {name}", self.tag))
    }

    /// The same, if it has one.
    #[allow(dead_code, reason = "the suite of nodes looks for what only it starts")]
    pub fn find(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }

    pub fn client(&self) -> Client {
        Client::new(&self.value("EDGE_URL"), &self.value("SERVICE_KEY"))
    }

    /// Both sides, on the state as it is.
    pub async fn start_both(&mut self) {
        self.keep_logs();
        self.launch(&[]).await;
    }

    pub async fn start_origin(&mut self) {
        self.launch(&["origin"]).await;
    }

    pub async fn start_edge(&mut self) {
        self.launch(&["edge"]).await;
    }

    async fn launch(&mut self, side: &[&str]) {
        let old = (self.value_of("ORIGIN_PID"), self.value_of("EDGE_PID"));
        let log = self.dir().join(format!("dev-{}.log", self.keepers.len()));
        let mut command = self.command("scripts/dev");
        let mut keeper = Keeper::start(command.args(side), &log);
        let until = Instant::now() + READY_MAX;
        loop {
            self.read_env();
            let now = (self.value_of("ORIGIN_PID"), self.value_of("EDGE_PID"));
            let started = match side {
                ["origin"] => now.0 != old.0,
                ["edge"] => now.1 != old.1,
                _ => now.0 != old.0 && now.1 != old.1,
            };
            if started {
                break;
            }
            if let Some(status) = keeper.status() {
                let said = fs::read_to_string(&log).unwrap_or_default();
                panic!("{}: scripts/dev {side:?} ended with {status}:\n{said}", self.tag);
            }
            assert!(Instant::now() < until, "{}: scripts/dev {side:?} is not ready", self.tag);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.keepers.push(keeper);
        if side != ["edge"] {
            self.origin_pid = self.value_of("ORIGIN_PID");
        }
        if side != ["origin"] {
            self.edge_pid = self.value_of("EDGE_PID");
        }
    }

    /// A command with the environment of this stack and nothing of another's.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(root().join(program));
        for name in ["PUBLIC_URL", "EDGE_URL", "ORIGIN_URL", "SERVICE_KEY", "ADMIN_KEY"] {
            command.env_remove(name);
        }
        command.current_dir(root()).env("SELVEDGE_BUILT", "1").envs(DURATIONS);
        command.envs(self.with.iter().map(|(name, value)| (name, value)));
        command.env("DATA_DIR", self.dir()).env("DATABASE_URL", &self.database_url);
        for name in ["EDGE_PORT", "ORIGIN_PORT"] {
            command.env(name, self.value(name));
        }
        command
    }

    /// The program `origin` with everything that `scripts/dev` would give it.
    pub fn origin(&self) -> Command {
        let mut command = self.command("target/release/origin");
        let secrets = fs::read_to_string(self.dir().join("secrets")).unwrap();
        command.envs(secrets.lines().filter_map(|line| line.split_once('=')));
        command.env("EDGE_URL", self.value("EDGE_URL")).env("PUBLIC_URL", self.value("PUBLIC_URL"));
        command
    }

    /// SIGKILL to the origin.
    pub async fn kill_origin(&mut self) {
        let pid = self.origin_pid.take().expect("the origin runs");
        signal("KILL", pid);
        self.until_gone(pid).await;
    }

    /// SIGTERM to the origin; how long it took.
    pub async fn stop_origin(&mut self) -> Duration {
        let (pid, began) = (self.origin_pid.take().expect("the origin runs"), Instant::now());
        signal("TERM", pid);
        self.until_gone(pid).await;
        began.elapsed()
    }

    /// SIGKILL to workerd alone; the rest of the edge then ends by itself.
    pub async fn kill_workerd(&mut self) {
        let leader = self.edge_pid.take().expect("the edge runs");
        let workerd = child_of(leader, "workerd").expect("workerd runs");
        signal("KILL", workerd);
        self.until_gone(workerd).await;
        self.until_gone(leader).await;
    }

    /// SIGTERM to the edge.
    pub async fn stop_edge(&mut self) {
        let pid = self.edge_pid.take().expect("the edge runs");
        signal("TERM", pid);
        self.until_gone(pid).await;
    }

    /// SIGKILL to everything at once, `scripts/dev` included.
    pub async fn kill_everything(&mut self) {
        let (origin, edge) = (self.origin_pid.take().unwrap(), self.edge_pid.take().unwrap());
        let workerd = child_of(edge, "workerd").expect("workerd runs");
        let scripts: Vec<u32> = self.keepers.iter().filter_map(Keeper::pid).collect();
        scripts.iter().filter(|pid| lives(**pid)).for_each(|pid| signal("KILL", *pid));
        signal_group("KILL", edge);
        signal("KILL", origin);
        for pid in [origin, edge, workerd] {
            self.until_gone(pid).await;
        }
        self.keepers.clear();
    }

    /// SIGTERM to `scripts/dev`; its status.
    pub fn stop_both(&mut self) -> Option<i32> {
        let pids: Vec<u32> =
            self.origin_pid.take().into_iter().chain(self.edge_pid.take()).collect();
        let status = self.keepers.last_mut().unwrap().stop();
        let left: Vec<&u32> = pids.iter().filter(|pid| lives(**pid)).collect();
        assert!(left.is_empty(), "{}: still running after scripts/dev: {left:?}", self.tag);
        status
    }

    async fn until_gone(&self, pid: u32) {
        let until = Instant::now() + Duration::from_secs(40);
        while lives(pid) {
            assert!(Instant::now() < until, "{}: process {pid} does not end", self.tag);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What the newest `scripts/dev` that ran the origin said of it, if it died.
    pub fn said_of_origin(&self) -> String {
        let said = |n: usize| fs::read_to_string(self.dir().join(format!("dev-{n}.log")));
        let all: Vec<String> = (0..self.keepers.len()).filter_map(|n| said(n).ok()).collect();
        let lines = all.iter().flat_map(|text| text.lines());
        lines.filter(|line| line.contains("the origin died")).collect::<Vec<_>>().join("\n")
    }

    fn value_of(&self, name: &str) -> Option<u32> {
        self.env.get(name)?.parse().ok()
    }

    fn read_env(&mut self) {
        let text = fs::read_to_string(self.dir().join("env")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once('='));
        self.env.extend(lines.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    /// `scripts/dev` for both sides begins new logs.
    fn keep_logs(&mut self) {
        for side in ["origin", "edge"] {
            let log = fs::read_to_string(self.dir().join(format!("{side}.log")));
            self.logs.push_str(&log.unwrap_or_default());
        }
    }

    /// Whatever was killed: neither side may have said any of these.
    pub fn end(mut self) {
        self.keep_logs();
        let faults: Vec<&str> = self
            .logs
            .lines()
            .filter(|line| FAULTS.iter().any(|fault| line.contains(fault)))
            .take(20)
            .collect();
        assert!(faults.is_empty(), "{}: in the logs:\n{}", self.tag, faults.join("\n"));
        println!("{} ends well", self.tag);
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        while let Some(keeper) = self.keepers.pop() {
            drop(keeper);
        }
        for pid in self.origin_pid.take().into_iter().chain(self.edge_pid.take()) {
            if lives(pid) {
                signal_group("KILL", pid);
            }
        }
        if std::thread::panicking() || std::env::var_os("CRASH_KEEP").is_some() {
            let kept = kept().join(self.dir().file_name().unwrap_or_default());
            let _ = Command::new("cp").arg("-r").args([self.dir(), &kept]).status();
            let _ = Command::new("cp").arg("-r").args([self.database_dir(), &kept]).status();
            println!("{}: the state and the logs are in {}", self.tag, kept.display());
        }
    }
}

fn postgres(name: &str) -> String {
    let made = Command::new(root().join("scripts/postgres")).args(["database", name]).output();
    let made = made.unwrap();
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success(), "scripts/postgres database {name}: {said}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}
