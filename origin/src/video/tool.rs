//! ffmpeg and ffprobe as subprocesses that can do little: one directory, no network, bounded time,
//! memory and processor.
//!
//! Invariant: a source is opened by the demuxers of [`FORMATS`] and the protocol `file` alone, so
//! that none opens anything but itself; a child dies with its worker. Refused: an ffmpeg that is
//! missing or too old, at start.

use shared::video::probe::{FORMATS, PIXELS_MAX};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

/// The oldest version that knows what is asked of it (`-fps_mode`).
const VERSION_MIN: (u32, u32) = (5, 1);
/// What says how to get one.
const INSTALL: &str = "install it (Debian, Ubuntu: apt-get install ffmpeg; version 5.1 or newer)";
/// Address space of one child: seven encoders up to 1080p take 1 GB, one of 2160p 1.5 GB.
const MEMORY_BYTES_MAX: u64 = 6 << 30;
/// The largest file that a child may write: a piece of 28 s at 40 Mbit/s is 140 MB; six hours of
/// six channels are 1 GB.
const FILE_BYTES_MAX: u64 = 4 << 30;
/// Of what a child says, so much is kept.
const SAID_BYTES_MAX: usize = 1 << 20;

/// How a child is confined.
#[derive(Clone, Debug)]
pub struct Tool {
    /// What stands before the program to take the network away, where that is allowed.
    unshare: Vec<&'static str>,
}

/// Why a child gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("it took more than {0:?}")]
    Late(Duration),
    /// Its status, and the last of what it said.
    #[error("it ended with {status}: {said}")]
    Failed { status: String, said: String },
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// What a child that succeeded said.
#[derive(Debug)]
pub struct Said {
    pub out: Vec<u8>,
    pub err: String,
    /// User and system time.
    pub cpu_ms: u64,
}

impl Tool {
    /// Looks for both programs and for what confines them.
    ///
    /// # Errors
    /// One is missing or too old, with the line that mends it.
    pub async fn find() -> Result<Self, String> {
        for name in ["ffmpeg", "ffprobe"] {
            let said = Command::new(name).arg("-version").output().await;
            let said = said.map_err(|_| format!("{name} is missing: {INSTALL}"))?;
            let text = String::from_utf8_lossy(&said.stdout).into_owned();
            if version(&text).is_none_or(|found| found < VERSION_MIN) {
                let first = text.lines().next().unwrap_or("it says nothing").to_owned();
                return Err(format!("{name} is too old ({first}): {INSTALL}"));
            }
        }
        for name in ["prlimit", "setpriv"] {
            let there = Command::new(name).arg("--version").output().await;
            there.map_err(|_| format!("{name} is missing: install util-linux"))?;
        }
        for way in [&["--net"][..], &["--map-root-user", "--net"]] {
            let tried = Command::new("unshare").args(way).args(["--", "true"]).output().await;
            if tried.is_ok_and(|tried| tried.status.success()) {
                return Ok(Self { unshare: [&["unshare"], way, &["--"]].concat() });
            }
        }
        tracing::warn!("no namespace without network can be made; protocols alone are confined");
        Ok(Self { unshare: Vec::new() })
    }

    fn child(&self, program: &str, dir: &Path, wall: Duration) -> Command {
        // Every thread of a child counts: eight would use eight times the wall time.
        let cpu_s = wall.as_secs().saturating_mul(8).max(10);
        let limits = [
            format!("--as={MEMORY_BYTES_MAX}"),
            format!("--cpu={cpu_s}"),
            format!("--fsize={FILE_BYTES_MAX}"),
            "--core=0".into(),
            "--nofile=64".into(),
        ];
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "prlimit"]).args(limits).arg("--");
        command.args(&self.unshare).arg(program);
        command.args(["-hide_banner", "-protocol_whitelist", "file"]);
        command.args(["-format_whitelist", FORMATS]);
        command.current_dir(dir).kill_on_drop(true);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs ffprobe on `source` in `dir`; each line of what it prints goes to `line`.
    ///
    /// # Errors
    /// It failed or was late.
    pub async fn probe(
        &self,
        dir: &Path,
        args: &[&str],
        wall: Duration,
        mut line: impl FnMut(&str),
    ) -> Result<(), Error> {
        let mut command = self.child("ffprobe", dir, wall);
        command.args(["-v", "error"]).args(args).args(["-i", "file:source"]);
        let mut child = command.spawn()?;
        let out = child.stdout.take();
        let work = async {
            let err = child.stderr.take();
            let lines = async {
                let Some(out) = out else { return Ok(()) };
                let mut lines = BufReader::new(out).lines();
                while let Some(text) = lines.next_line().await? {
                    line(&text);
                }
                Ok::<(), std::io::Error>(())
            };
            let (lines, err) = tokio::join!(lines, last(err));
            lines?;
            ended(&mut child, err?).await.map(|_| ())
        };
        tokio::time::timeout(wall, work).await.map_err(|_| Error::Late(wall))?
    }

    /// Runs ffmpeg in `dir`: options of the input, `source`, then the rest.
    ///
    /// # Errors
    /// It failed or was late.
    pub async fn encode(
        &self,
        dir: &Path,
        input: &[String],
        rest: &[String],
        wall: Duration,
    ) -> Result<Said, Error> {
        let mut command = self.child("ffmpeg", dir, wall);
        command.args(["-nostdin", "-y", "-v", "level+info", "-nostats", "-benchmark"]);
        command.args(["-max_pixels", &PIXELS_MAX.to_string()]);
        command.args(input).args(["-i", "file:source"]).args(rest);
        let mut child = command.spawn()?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let work = async {
            let all = async {
                let mut all = Vec::new();
                if let Some(out) = out {
                    out.take(SAID_BYTES_MAX as u64 * 16).read_to_end(&mut all).await?;
                }
                Ok::<_, std::io::Error>(all)
            };
            let (out, err) = tokio::join!(all, last(err));
            let err = ended(&mut child, err?).await?;
            Ok(Said { out: out?, cpu_ms: cpu_ms(&err), err })
        };
        tokio::time::timeout(wall, work).await.map_err(|_| Error::Late(wall))?
    }
}

/// Reads to the end, and keeps the last of it.
async fn last(from: Option<impl tokio::io::AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut kept = Vec::new();
    let Some(mut from) = from else { return Ok(String::new()) };
    let mut part = vec![0; 8_192];
    loop {
        let count = from.read(&mut part).await?;
        if count == 0 {
            return Ok(String::from_utf8_lossy(&kept).into_owned());
        }
        kept.extend(part.iter().take(count));
        if kept.len() > 2 * SAID_BYTES_MAX {
            kept.drain(..kept.len() - SAID_BYTES_MAX);
        }
    }
}

async fn ended(child: &mut Child, said: String) -> Result<String, Error> {
    let status = child.wait().await?;
    if status.success() {
        return Ok(said);
    }
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.len().saturating_sub(4);
    let said = lines.into_iter().skip(last).collect::<Vec<_>>().join(" | ");
    Err(Error::Failed { status: status.to_string(), said })
}

/// `ffmpeg version 5.1.9-0+deb12u1`, `n7.0`; a build from the sources' head (`N-…`) is new.
fn version(text: &str) -> Option<(u32, u32)> {
    let word = text.split(' ').nth(2)?;
    if word.starts_with("N-") {
        return Some((u32::MAX, 0));
    }
    let mut numbers = word.trim_start_matches('n').split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next().and_then(|n| n.parse().ok()).unwrap_or(0)))
}

/// `bench: utime=1.234s stime=0.056s rtime=0.9s`
fn cpu_ms(said: &str) -> u64 {
    let of = |name: &str| {
        let (_, rest) = said.rsplit_once(name)?;
        let seconds: f64 = rest.split('s').next()?.parse().ok()?;
        Some((seconds * 1_000.0) as u64)
    };
    of("utime=").unwrap_or(0) + of("stime=").unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_times_are_read() {
        assert_eq!(version("ffmpeg version 5.1.9-0+deb12u1 Copyright"), Some((5, 1)));
        assert_eq!(version("ffprobe version n7.0 Copyright"), Some((7, 0)));
        assert!(version("ffmpeg version N-112233-gabc Copyright") > Some(VERSION_MIN));
        assert_eq!(version("bash: no"), None);
        assert_eq!(cpu_ms("x\n[info] bench: utime=1.250s stime=0.050s rtime=0.7s\n"), 1_300);
        assert_eq!(cpu_ms(""), 0);
    }
}
