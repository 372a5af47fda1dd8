//! Passwords of links: hashed and verified by Argon2id, and what the edge is told of a try.
//!
//! Invariant: neither a password nor its hash is logged or answered; no more than [`AT_ONCE_MAX`]
//! are hashed at once, off the threads that serve, and whoever finds [`WAITING_MAX`] before him is
//! told to come back. Who may try how often is the edge's to say, before it asks here.
//! Source: OWASP, Password Storage Cheat Sheet (19 MiB, two passes, one lane); RFC 9106.

use super::store;
use crate::app::App;
use crate::db;
use crate::respond::{Call, Failure};
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use shared::body;
use shared::envelope::Envelope;
use shared::idempotency::Key;
use shared::links::machine::Name;
use shared::links::password::{Hash, Password, Plain, Try, Verdict};
use shared::problem::{INTERNAL, Problem, UNAVAILABLE};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Hashes at once: 4 × 19 MiB = 76 MiB.
pub const AT_ONCE_MAX: usize = 4;
/// Passwords that are hashed or wait for it: at 100 ms each, four at once, a second.
pub const WAITING_MAX: usize = 36;
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Who may hash now, and who may wait for it.
#[derive(Debug)]
pub struct Hashing {
    hashing: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Default for Hashing {
    fn default() -> Self {
        let hashing = Arc::new(Semaphore::new(AT_ONCE_MAX));
        Self { hashing, waiting: Semaphore::new(WAITING_MAX) }
    }
}

impl Hashing {
    /// Hashes a password under a salt of its own.
    ///
    /// # Errors
    /// 503 when too many wait.
    pub async fn hash(&self, plain: Plain) -> Result<Hash, Problem> {
        let salt: [u8; 16] = rand::random();
        let hashed = self.run(move || hash(&plain, &salt)).await?;
        hashed.map_err(|why| fault(&why))
    }

    /// Whether `plain` is what was hashed; in constant time.
    ///
    /// # Errors
    /// 503 when too many wait.
    pub async fn verify(&self, plain: Plain, hash: Hash) -> Result<bool, Problem> {
        let verified = self.run(move || verify(&plain, &hash)).await?;
        verified.map_err(|why| fault(&why))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let full =
            || Problem::new(&UNAVAILABLE, "too many passwords are being hashed").retry_after(1);
        let _waits = self.waiting.try_acquire().map_err(|_| full())?;
        let permit = Arc::clone(&self.hashing).acquire_owned().await.map_err(|_| full())?;
        // The permit goes along: who gave up waiting has not freed the memory.
        let worked = tokio::task::spawn_blocking(move || {
            let _until_done = permit;
            work()
        });
        worked.await.map_err(|why| fault(&why))
    }
}

fn fault(why: &impl std::fmt::Display) -> Problem {
    tracing::error!(error = %why, "a password could not be hashed");
    Problem::new(&INTERNAL, "the failure was logged under this request's id")
}

type Hashed<T> = Result<T, argon2::password_hash::Error>;

fn hasher() -> Hashed<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(plain: &Plain, salt: &[u8]) -> Hashed<Hash> {
    let salt = SaltString::encode_b64(salt)?;
    let hash = hasher()?.hash_password(plain.0.as_bytes(), &salt)?;
    Ok(Hash(hash.to_string()))
}

/// With the parameters that stand in the hash, so that others may be pinned later.
fn verify(plain: &Plain, hash: &Hash) -> Hashed<bool> {
    let read = PasswordHash::new(&hash.0)?;
    match hasher()?.verify_password(plain.0.as_bytes(), &read) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(why) => Err(why),
    }
}

/// The same password, hashed if it is not.
///
/// # Errors
/// 503 when too many wait.
pub async fn hashed(app: &App, password: Option<Password>) -> Result<Option<Password>, Problem> {
    match password {
        Some(Password::Plain(plain)) => Ok(Some(Password::Hashed(app.hashing.hash(plain).await?))),
        other => Ok(other),
    }
}

/// The key of a request with a password: its fingerprint is a quick hash of all that was sent, by
/// which a stolen database would be tried; under a secret it is none.
#[must_use]
pub fn guarded(app: &App, key: Option<Key>) -> Option<Key> {
    let secret = &app.config.key_mac.0;
    key.map(|key| {
        let text = format!("idempotency of a password\n{}", key.fingerprint);
        Key { fingerprint: hex::encode(shared::sign::mac(secret, &text)), ..key }
    })
}

/// `POST /internal/links/password`
pub async fn attempt(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let Try { domain, code, password } = body::parse(&call.body)?;
    let verdict = judge(app, &Name { domain, code }, password).await?;
    Ok(Envelope::json(200, &verdict))
}

async fn judge(app: &App, name: &Name, plain: Plain) -> Result<Verdict, Failure> {
    let Some((row, epoch)) = store::find_with_epoch(&app.db, name).await? else {
        return Ok(Verdict::Absent);
    };
    if row.deleted_at.is_some() || row.expires_at.is_some_and(|at| at <= db::now()) {
        return Ok(Verdict::Gone);
    }
    let Some(sealed) = row.password else { return Ok(Verdict::Open) };
    let version = sealed.version(epoch);
    let is_right = app.hashing.verify(plain, sealed.hash).await?;
    Ok(if is_right { Verdict::Right { version } } else { Verdict::Wrong })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Plain {
        Plain(text.into())
    }

    #[test]
    fn the_parameters_are_pinned_and_the_salt_is_its_own() {
        let one = hash(&plain("open sesame"), &[7; 16]).unwrap();
        assert!(one.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.0);
        assert_ne!(one, hash(&plain("open sesame"), &[8; 16]).unwrap());
        assert!(verify(&plain("open sesame"), &one).unwrap());
        for wrong in ["open sesam", "Open sesame", "", "open sesame "] {
            assert!(!verify(&plain(wrong), &one).unwrap(), "{wrong:?}");
        }
        assert!(verify(&plain("x"), &Hash("none".into())).is_err());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_finds_too_many_before_him_is_told_to_come_back() {
        let hashing = Arc::new(Hashing::default());
        let (open, wait) = std::sync::mpsc::channel::<()>();
        let wait = Arc::new(std::sync::Mutex::new(wait));
        let busy: Vec<_> = (0..WAITING_MAX)
            .map(|_| {
                let (hashing, wait) = (Arc::clone(&hashing), Arc::clone(&wait));
                tokio::spawn(async move {
                    hashing.run(move || wait.lock().unwrap().recv().unwrap()).await
                })
            })
            .collect();
        while hashing.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(hashing.hashing.available_permits(), 0);
        let refused = hashing.hash(plain("x")).await.unwrap_err();
        assert_eq!((refused.status(), refused.retry_after_s), (503, Some(1)));
        for _ in 0..WAITING_MAX {
            open.send(()).unwrap();
        }
        for one in busy {
            one.await.unwrap().unwrap();
        }
        assert!(hashing.hash(plain("x")).await.is_ok());
    }
}
