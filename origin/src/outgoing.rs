//! How the origin calls a URL that somebody else named: the one way to do so.
//!
//! Invariant: the URL and every address that its name leads to are checked at each attempt
//! ([`shared::outgoing`]), and the connection is made to the addresses that were checked, since
//! the client resolves through `Guarded` and keeps no connection. No redirect is followed, no
//! proxy is used, no more of an answer is read than asked for.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use shared::outgoing::{Refused, check, is_public};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A connection is made within this, or not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What calls.
#[derive(Clone, Debug)]
pub struct Outgoing {
    http: reqwest::Client,
    /// Addresses inside and `http` are allowed.
    pub private: bool,
}

/// A request with a body.
#[derive(Debug)]
pub struct Post<'a> {
    pub url: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: Vec<u8>,
    pub timeout_ms: u64,
    /// Bytes of the answer's body that are read.
    pub read_bytes_max: usize,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The first bytes, as text.
    pub body: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the URL {}", .0.detail())]
    Refused(Refused),
    #[error("{0}")]
    Failed(&'static str),
}

impl Outgoing {
    /// # Errors
    /// The machine has no TLS roots.
    pub fn new(private: bool) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(Arc::new(Guarded { private }))
            .user_agent(concat!("Selvedge/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, private })
    }

    /// Posts once.
    ///
    /// # Errors
    /// The URL may not be called, or nobody answered in time.
    pub async fn post(&self, post: Post<'_>) -> Result<Answer, Error> {
        let url = check(post.url, self.private).map_err(Error::Refused)?;
        let mut request = self.http.post(url).timeout(Duration::from_millis(post.timeout_ms));
        for (name, value) in post.headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.body(post.body).send().await.map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        while body.len() < post.read_bytes_max {
            match answer.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                // The status is what counts.
                Ok(None) | Err(_) => break,
            }
        }
        body.truncate(post.read_bytes_max);
        let body = String::from_utf8_lossy(&body).replace('\0', "\u{fffd}");
        Ok(Answer { status, body })
    }
}

/// In a word: the URL, which the client's own text repeats, stays out of logs and rows.
fn failed(error: &reqwest::Error) -> Error {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(one) = source {
        if let Some(inside) = one.downcast_ref::<Inside>() {
            return Error::Refused(inside.0);
        }
        source = one.source();
    }
    Error::Failed(if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke off"
    })
}

/// Resolves names; refuses a name that leads inside, even if it leads outside as well.
#[derive(Clone, Copy, Debug)]
struct Guarded {
    private: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the name leads inside")]
struct Inside(Refused);

#[derive(Debug, thiserror::Error)]
#[error("the name leads nowhere")]
struct Nowhere;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            admit(found, private)
        })
    }
}

fn admit(
    found: Vec<SocketAddr>,
    private: bool,
) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
    if found.is_empty() {
        return Err(Box::new(Nowhere));
    }
    if !private && !found.iter().all(|address| is_public(address.ip())) {
        return Err(Box::new(Inside(Refused::Address)));
    }
    Ok(Box::new(found.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn post(url: &str) -> Post<'_> {
        let headers = &[("content-type", "application/json")];
        Post { url, headers, body: b"{}".to_vec(), timeout_ms: 2_000, read_bytes_max: 8 }
    }

    /// Answers every request with this, and counts them.
    async fn server(answer: &'static str) -> (u16, Arc<std::sync::atomic::AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let seen = Arc::clone(&count);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let mut buffer = [0; 4_096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        (port, count)
    }

    #[tokio::test]
    async fn p11_a_name_that_leads_inside_is_not_called() {
        let (port, count) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let guarded = Outgoing::new(false).unwrap();
        for url in ["https://127.0.0.1/", "https://localhost/", "http://example.com/"] {
            assert!(matches!(guarded.post(post(url)).await, Err(Error::Refused(_))), "{url}");
        }
        // As a public name whose record says 127.0.0.1: the check of the URL has passed.
        let resolved = Guarded { private: false }.resolve("localhost".parse().unwrap()).await;
        assert!(resolved.is_err());
        let http = guarded.http.post(format!("http://localhost:{port}/")).send().await;
        assert!(matches!(failed(&http.unwrap_err()), Error::Refused(Refused::Address)));
        assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 0, "nobody was called");
        let open = Outgoing::new(true).unwrap();
        let answer = open.post(post(&format!("http://localhost:{port}/"))).await.unwrap();
        assert_eq!((answer.status, count.load(std::sync::atomic::Ordering::SeqCst)), (200, 1));
    }

    #[test]
    fn p11_one_address_inside_among_many_refuses_the_name() {
        let of = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        assert!(admit(vec![of("1.1.1.1"), of("2606:4700::1")], false).is_ok());
        assert!(admit(vec![of("1.1.1.1"), of("::ffff:10.0.0.1")], false).is_err());
        assert!(admit(vec![of("169.254.169.254")], false).is_err());
        assert!(admit(vec![], true).is_err());
        assert!(admit(vec![of("127.0.0.1")], true).is_ok());
    }

    #[tokio::test]
    async fn p11_no_redirect_is_followed_and_little_is_read() {
        let away = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 20\r\n\
                    connection: close\r\n\r\n01234567890123456789";
        let (port, _) = server(away).await;
        let open = Outgoing::new(true).unwrap();
        let answer = open.post(post(&format!("http://127.0.0.1:{port}/"))).await.unwrap();
        assert_eq!(answer, Answer { status: 302, body: "01234567".into() });
    }
}
