//! One process that ends with us: whatever becomes of the test, it is told to stop.
//!
//! Invariant: between us and the process stands a shell that waits for our end of a pipe; when we
//! end, in whatever way, it sends TERM. It ends with the process's own status.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Reads from our pipe until we are gone; the process itself never sees the pipe.
const SHELL: &str = r#"
exec 3<&0
"$@" 3<&- </dev/null &
it=$!
echo "$it" >"$0"
{ read -r -u 3; kill -TERM "$it" 2>/dev/null; } &
wait "$it"
status=$?
kill "$!" 2>/dev/null
exit "$status"
"#;

/// `scripts/dev` needs ten seconds for a side that does not stop, and then kills it.
const STOP_MAX: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub struct Keeper {
    shell: Child,
    pid_file: PathBuf,
}

impl Keeper {
    /// Starts `command`, which writes into `log`.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let pid_file = log.with_extension("pid");
        let _ = std::fs::remove_file(&pid_file);
        let out = File::options().create(true).append(true).open(log).unwrap();
        let mut shell = Command::new("bash");
        shell.args(["-c", SHELL]).arg(&pid_file).arg(command.get_program());
        shell.args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            shell.current_dir(dir);
        }
        let err = out.try_clone().unwrap();
        let shell = shell.stdin(Stdio::piped()).stdout(out).stderr(err).spawn().unwrap();
        Self { shell, pid_file }
    }

    /// The process's own id, once it has one.
    pub fn pid(&self) -> Option<u32> {
        std::fs::read_to_string(&self.pid_file).ok()?.trim().parse().ok()
    }

    /// The status with which the process ended; as shells say it, 128 + n for a signal.
    pub fn status(&mut self) -> Option<i32> {
        self.shell.try_wait().unwrap().map(|status| status.code().unwrap_or(-1))
    }

    /// Sends TERM and waits.
    pub fn stop(&mut self) -> Option<i32> {
        drop(self.shell.stdin.take());
        let until = Instant::now() + STOP_MAX;
        while Instant::now() < until {
            if let Some(status) = self.status() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if self.stop().is_none() {
            if let Some(pid) = self.pid() {
                signal("KILL", pid);
            }
            let _ = self.shell.kill();
            let _ = self.shell.wait();
        }
    }
}

/// Sends a signal to a process that this test started.
pub fn signal(name: &str, pid: u32) {
    send(name, &pid.to_string());
}

/// Sends a signal to a whole process group that this test started.
pub fn signal_group(name: &str, leader: u32) {
    send(name, &format!("-{leader}"));
}

fn send(name: &str, target: &str) {
    let mut kill = Command::new("bash");
    kill.args(["-c", r#"kill -"$0" -- "$1" 2>/dev/null"#, name, target]);
    let _ = kill.status().unwrap();
}

/// Whether a process still has anything. A zombie has not, unless a thread of it is still ending:
/// until the last one is gone, its sockets stay open.
pub fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some((_, rest)) = stat.rsplit_once(") ") else { return false };
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    !rest.starts_with('Z') || threads > 1
}

/// The child of `parent` that is called `name`.
pub fn child_of(parent: u32, name: &str) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let Some((head, rest)) = stat.rsplit_once(") ") else { return false };
        let of = rest.split(' ').nth(1).and_then(|ppid| ppid.parse::<u32>().ok());
        of == Some(parent) && head.ends_with(&format!("({name}"))
    })
}
