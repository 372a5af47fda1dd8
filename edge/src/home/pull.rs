//! A home pulls an object that the bucket lacks: once, whoever waits for it.
//!
//! Invariant: of one object there is one call to the origin at a time in all the world, because it
//! has one home; whoever asks meanwhile waits for that. An object that lies in the bucket is never
//! asked for again.

use super::Inner;
use crate::objects::Pull;
use crate::origin;
use crate::platform::{Thrown, bucket};
use futures_channel::oneshot;
use shared::video::presentation::{bucket_key, object_path};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Who waits, by the object's key in the bucket.
pub(super) type Pulling = BTreeMap<String, Vec<oneshot::Sender<Result<bool, Thrown>>>>;

impl Inner {
    pub(super) async fn pull(self: &Rc<Self>, pull: Pull) -> Result<bool, Thrown> {
        let lies_at = bucket_key(&pull.key, pull.generation);
        let (sender, receiver) = oneshot::channel();
        let first = {
            let mut pulling = self.pulling.borrow_mut();
            let waiting = pulling.entry(lies_at.clone()).or_default();
            waiting.push(sender);
            waiting.len() == 1
        };
        if first {
            // Its own task: whoever asked first may go away, those behind it still wait.
            let inner = Rc::clone(self);
            self.state.wait_until(async move {
                let answer = inner.have(&pull, &lies_at).await;
                let waiting = inner.pulling.borrow_mut().remove(&lies_at).unwrap_or_default();
                for one in waiting {
                    // Who does not wait any more needs no answer.
                    let _ = one.send(answer.clone());
                }
            });
        }
        receiver.await.unwrap_or_else(|_| Err(Thrown("the object was dropped".into())))
    }

    async fn have(&self, pull: &Pull, lies_at: &str) -> Result<bool, Thrown> {
        if bucket::has(&self.env, lies_at).await? {
            return Ok(true);
        }
        let (settings, _) = self.opened.as_ref().map_err(Clone::clone)?;
        let path = object_path(&pull.key, pull.generation);
        origin::pull(settings, &self.env, lies_at, &path, &pull.request_id).await
    }
}
