//! The messages between isolates and objects, declared once for both ends.
//!
//! Invariant: a message is a POST on its own path, of JSON but for a batch, which has a form of its
//! own so that nobody reads its events; anything but a 200 is "unavailable".
//! Two versions of the Worker may stand at the two ends: fields are only added, with defaults.

use crate::log;
use crate::platform::{Thrown, http, objects};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::limits::wire as limits;
use shared::roads::{self, Answer, Batch, Outcome, Register};
use worker::Env;

/// One sort of message.
pub(crate) trait Message: Serialize + DeserializeOwned {
    /// The object's method.
    const PATH: &'static str;
    /// What it answers.
    type Reply: Serialize + DeserializeOwned;
}

/// To a home: registers that come down the road.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Apply(pub(crate) Vec<Register>);

impl Message for Apply {
    const PATH: &'static str = "/apply";
    type Reply = Vec<Outcome>;
}

/// To a home: what is known of a key?
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// The product.
    pub(crate) product: String,
    /// The key.
    pub(crate) key: String,
    /// The request that wants to know.
    pub(crate) request_id: String,
}

impl Message for Ask {
    const PATH: &'static str = "/ask";
    type Reply = Answer;
}

/// To a home: spend one of the clicks that a link may have.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Spend {
    /// The product.
    pub(crate) product: String,
    /// The key.
    pub(crate) key: String,
    /// How many there are in all.
    pub(crate) max: u64,
}

impl Message for Spend {
    const PATH: &'static str = "/spend";
    /// Whether one was left.
    type Reply = bool;
}

/// To a home: have an object in the bucket, from the origin if need be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pull {
    /// The object, as the origin knows it.
    pub(crate) key: String,
    /// Which of its versions.
    pub(crate) generation: u32,
    /// The request that wants it.
    pub(crate) request_id: String,
}

impl Message for Pull {
    const PATH: &'static str = "/pull";
    /// Whether there is such a thing.
    type Reply = bool;
}

/// To a recorder: a batch to be kept, as [`Batch::encode`] writes it; answered with nothing.
pub(crate) const KEEP_PATH: &str = "/keep";

/// To a key's limiter: may so many units be spent?
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Check(pub(crate) limits::Ask);

impl Message for Check {
    const PATH: &'static str = "/check";
    type Reply = limits::Reply;
}

/// To a key's limiter: a hold's end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Settle(pub(crate) limits::Close);

impl Message for Settle {
    const PATH: &'static str = "/settle";
    /// Whether it had not ended before.
    type Reply = bool;
}

/// To a key's limiter: units that nobody used.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refund(pub(crate) limits::Spent);

impl Message for Refund {
    const PATH: &'static str = "/refund";
    /// Whether they came back.
    type Reply = bool;
}

/// To a key's limiter: what is different about the key from now on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Except(pub(crate) limits::Exception);

impl Message for Except {
    const PATH: &'static str = "/except";
    type Reply = ();
}

/// An object: its binding in `wrangler.toml` and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    binding: &'static str,
    name: String,
}

impl Address {
    /// The home of a key.
    pub(crate) fn home(product: &str, key: &str) -> Self {
        Self { binding: "HOME", name: roads::home_name(product, key) }
    }

    /// A recorder by its name.
    pub(crate) fn recorder(name: &str) -> Self {
        Self { binding: "RECORDER", name: name.into() }
    }

    /// The limiter of a key, by its name.
    pub(crate) fn limiter(name: &str) -> Self {
        Self { binding: "LIMITER", name: name.into() }
    }

    /// Sends a message and waits for its reply.
    pub(crate) async fn send<M: Message>(
        &self,
        env: &Env,
        message: &M,
        timeout_ms: u64,
    ) -> Result<M::Reply, Thrown> {
        let body = serde_json::to_string(message)?;
        let reply = self.post(env, M::PATH, &body, timeout_ms).await?;
        Ok(serde_json::from_str(&reply)?)
    }

    /// Hands a batch over, as [`Batch::encode`] wrote it.
    pub(crate) async fn keep(&self, env: &Env, batch: &str, timeout_ms: u64) -> Result<(), Thrown> {
        self.post(env, KEEP_PATH, batch, timeout_ms).await.map(|_| ())
    }

    async fn post(
        &self,
        env: &Env,
        path: &str,
        body: &str,
        timeout_ms: u64,
    ) -> Result<String, Thrown> {
        objects::post(env, (self.binding, &self.name), path, body, timeout_ms).await
    }
}

/// What arrived at an object.
pub(crate) struct Letter(String);

impl Letter {
    /// Takes it up.
    pub(crate) async fn open(request: worker::Request) -> Result<Self, Thrown> {
        Ok(Self(http::letter_of(request.inner()).await?))
    }

    /// Says which message it is.
    pub(crate) fn path(&self) -> &str {
        self.0.split_once('\n').map_or("", |(path, _)| path)
    }

    fn body(&self) -> &str {
        self.0.split_once('\n').map_or("", |(_, body)| body)
    }

    /// Reads it as `M`, has it handled, and writes the reply down.
    pub(crate) async fn handle<M: Message>(
        &self,
        handler: impl AsyncFnOnce(M) -> Result<M::Reply, Thrown>,
    ) -> Result<String, Thrown> {
        let reply = handler(serde_json::from_str(self.body())?).await?;
        Ok(serde_json::to_string(&reply)?)
    }

    /// Reads it as a batch.
    pub(crate) fn batch(&self) -> Result<Batch, Thrown> {
        Batch::decode(self.body()).ok_or_else(|| Thrown("this is no batch".into()))
    }
}

/// The object's response: 200 with the reply, or 500 with the reason, which only our own end sees.
pub(crate) fn response(
    name: &str,
    reply: Result<String, Thrown>,
) -> worker::Result<worker::Response> {
    let (status, text) = match reply {
        Ok(text) => (200, text),
        Err(why) => {
            log::fault(name, "object", &why);
            (500, why.0)
        }
    };
    match http::response(status, &[], Some(&text)) {
        Ok(response) => Ok(response.into()),
        Err(why) => Err(worker::Error::RustError(why.0)),
    }
}
