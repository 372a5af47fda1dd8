//! Files for the bank: each is released once, through any crash and from any replica.
//!
//! The directory is the bank's: what is in it may be taken away at any moment, so that a file that
//! is not there proves nothing. Beside it, in `.selvedge`, lies what was done:
//! 1. `{name}.{try}.xml` is written whole and made durable. The bank does not look here.
//! 2. `{name}.go`, which names that try, is linked into place: this is the one moment of decision.
//!    Of two tries one wins; the other's file is never released.
//! 3. The winner's file is renamed into the bank's directory: it is in one of both places, never in
//!    both. A crash before leaves it here, and whoever comes next renames it.
//!
//! Invariant: once `{name}.go` stands, the file is released or will be, exactly once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where the work lies.
const WORK: &str = ".selvedge";

#[derive(Debug)]
pub struct Outbox {
    out: PathBuf,
    work: PathBuf,
}

impl Outbox {
    #[must_use]
    pub fn new(out: PathBuf) -> Self {
        let work = out.join(WORK);
        Self { out, work }
    }

    /// Releases a file, unless one of this name was released before.
    ///
    /// # Errors
    /// As the file system says; another try does no harm.
    pub fn release(&self, name: &str, content: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.work)?;
        if self.resume(name)? {
            return Ok(());
        }
        let attempt = format!("{name}.{}.xml", hex::encode(rand::random::<[u8; 8]>()));
        durable(&self.work.join(&attempt), content)?;
        let note = self.work.join(format!("{attempt}.note"));
        durable(&note, attempt.as_bytes())?;
        sync(&self.work)?;
        let linked = fs::hard_link(&note, self.go(name));
        fs::remove_file(&note)?;
        match linked {
            Ok(()) => sync(&self.work)?,
            // Another try was faster: its file counts.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                fs::remove_file(self.work.join(&attempt))?;
            }
            Err(error) => return Err(error),
        }
        self.resume(name)?;
        Ok(())
    }

    /// Ends what was decided; `false`: nothing was.
    ///
    /// # Errors
    /// As the file system says.
    pub fn resume(&self, name: &str) -> io::Result<bool> {
        let attempt = match fs::read_to_string(self.go(name)) {
            Ok(attempt) => attempt,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match fs::rename(self.work.join(attempt), self.out.join(format!("{name}.xml"))) {
            Ok(()) => {
                sync(&self.out)?;
                sync(&self.work)?;
            }
            // It was renamed before, by us or by another replica.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    fn go(&self, name: &str) -> PathBuf {
        self.work.join(format!("{name}.go"))
    }
}

fn durable(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn released(dir: &Path) -> Vec<String> {
        let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|of| of == "xml"));
        files.map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    #[test]
    fn p8_a_file_that_the_bank_has_taken_is_not_released_again() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = Outbox::new(dir.path().into());
        assert!(!outbox.resume("a").unwrap());
        outbox.release("a", b"one").unwrap();
        assert_eq!(released(dir.path()), ["one"]);
        fs::remove_file(dir.path().join("a.xml")).unwrap();
        outbox.release("a", b"two").unwrap();
        assert!(outbox.resume("a").unwrap());
        assert_eq!(released(dir.path()), Vec::<String>::new());
    }

    /// Every prefix of the steps is what a kill may leave behind.
    #[test]
    fn p8_a_crash_at_any_step_leaves_one_file_or_none_and_never_a_second() {
        for step in 0..5 {
            let dir = tempfile::tempdir().unwrap();
            let outbox = Outbox::new(dir.path().into());
            fs::create_dir_all(&outbox.work).unwrap();
            let (file, note) = (outbox.work.join("a.1.xml"), outbox.work.join("a.1.xml.note"));
            if step > 0 {
                fs::write(&file, if step == 1 { "bro" } else { "first" }).unwrap();
            }
            if step > 1 {
                fs::write(&note, "a.1.xml").unwrap();
            }
            if step > 2 {
                fs::hard_link(&note, outbox.go("a")).unwrap();
            }
            if step > 3 {
                fs::rename(&file, dir.path().join("a.xml")).unwrap();
            }
            let decided = step > 2;
            assert_eq!(outbox.resume("a").unwrap(), decided, "step {step}");
            outbox.release("a", b"second").unwrap();
            let wanted = if decided { "first" } else { "second" };
            assert_eq!(released(dir.path()), [wanted], "step {step}");
        }
    }

    #[test]
    fn p8_of_many_tries_at_once_one_is_released() {
        let dir = tempfile::tempdir().unwrap();
        let taken = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (dir, taken) = (dir.path(), &taken);
                scope.spawn(move || {
                    let outbox = Outbox::new(dir.into());
                    outbox.release("a", format!("try {n}").as_bytes()).unwrap();
                    // The bank takes what it finds, while others still try.
                    if fs::remove_file(dir.join("a.xml")).is_ok() {
                        taken.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(taken.load(Ordering::SeqCst), 1);
    }
}
