//! Backtests: rules held against the application's history, read page by page in its order.
//!
//! Invariant: nothing is written; at most [`ATTEMPTS_MAX`] attempts are read, or it is refused.
//! The history is two streams: what was judged, and the payments from before there was a rule.

use super::attempts::{self, Place, first_id};
use crate::app::App;
use crate::db::{self, Error};
use crate::respond::{Call, Failure};
use shared::body;
use shared::envelope::Envelope;
use shared::payments::error::INVALID;
use shared::payments::fraud::Attempt;
use shared::payments::fraud::backtest::{ATTEMPTS_MAX, Ask, Backtest, read};
use shared::problem::{FieldError, Problem};
use std::collections::VecDeque;

/// Attempts of one page: at 500 bytes each, 500 kB.
const PAGE: u64 = 1_000;

/// `POST /api/v1/fraud/backtest`
pub async fn run(app: &App, call: &Call) -> Result<Envelope, Failure> {
    body::check_media_type(call.header("content-type").as_deref())?;
    let ask = read(&call.body, db::now())?;
    let mut history = History::new(app, &call.context.app, &ask);
    let mut test = Backtest::new(ask);
    let mut count = 0;
    while let Some(attempt) = history.next().await? {
        count += 1;
        if count > ATTEMPTS_MAX {
            let detail = format!("more than {ATTEMPTS_MAX} payments: begin later, or end earlier");
            let error = FieldError { pointer: "/from".into(), detail };
            return Err(Problem::fields(&INVALID, vec![error]).into());
        }
        test.take(&attempt);
        if count % PAGE == 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(Envelope::json(200, &test.answer()))
}

/// An application's attempts, in order.
struct History<'a> {
    app: &'a App,
    owner: &'a str,
    ask: Ask,
    after: Place,
    from: u64,
    judged: VecDeque<Attempt>,
    unjudged: VecDeque<Attempt>,
    /// Which of the two has no further page.
    ended: (bool, bool),
}

impl<'a> History<'a> {
    fn new(app: &'a App, owner: &'a str, ask: &Ask) -> Self {
        let at = ask.reads_from();
        Self {
            app,
            owner,
            ask: ask.clone(),
            after: Place { at, seq: 0, id: 0 },
            from: first_id(at),
            judged: VecDeque::new(),
            unjudged: VecDeque::new(),
            ended: (false, false),
        }
    }

    async fn next(&mut self) -> Result<Option<Attempt>, Error> {
        self.fill().await?;
        let key = |one: &Attempt| (one.at, one.seq, one.id);
        let is_judged = match (self.judged.front(), self.unjudged.front()) {
            (Some(one), Some(other)) => key(one) < key(other),
            (one, _) => one.is_some(),
        };
        Ok(if is_judged { self.judged.pop_front() } else { self.unjudged.pop_front() })
    }

    async fn fill(&mut self) -> Result<(), Error> {
        let (db, to) = (&self.app.db, self.ask.to);
        if self.judged.is_empty() && !self.ended.0 {
            let page = attempts::judged(db, self.owner, self.after, to, PAGE).await?;
            self.ended.0 = (page.len() as u64) < PAGE;
            if let Some(Attempt { at, seq, id, .. }) = page.last() {
                self.after = Place { at: *at, seq: *seq, id: *id };
            }
            self.judged = page.into();
        }
        if self.unjudged.is_empty() && !self.ended.1 {
            let page = attempts::unjudged(db, self.owner, self.from, to, PAGE).await?;
            self.ended.1 = (page.len() as u64) < PAGE;
            if let Some(last) = page.last() {
                self.from = last.id + 1;
            }
            self.unjudged = page.into();
        }
        Ok(())
    }
}
