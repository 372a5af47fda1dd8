//! What a home asks on a miss: one register, from the truth.

use crate::app::App;
use crate::respond::{Call, Failure};
use crate::{keys, limits, links, payments, video};
use shared::envelope::Envelope;
use shared::limits::wire::PRODUCT as LIMITS;
use shared::links::wire::PRODUCT as LINKS;
use shared::page;
use shared::payments::fraud::wire::PRODUCT as FRAUD;
use shared::roads::Answer;
use shared::token;
use shared::video::presentation::PRODUCT as VIDEO;

/// `GET /internal/registers/{product}?key=`
pub async fn ask(app: &App, call: &Call) -> Result<Envelope, Failure> {
    let key = page::query(&call.query).remove("key").unwrap_or_default();
    let answer = match call.segment(0) {
        LINKS => links::store::ask(app, &key).await?,
        VIDEO => video::row::ask(app, &key).await?,
        LIMITS => limits::store::ask(app, &key).await?,
        FRAUD => payments::fraud::sets::ask(app, &key).await?,
        token::PRODUCT => match keys::register(app, &key).await? {
            Some(register) => Answer::Register(register),
            None => Answer::Absent,
        },
        _ => Answer::Absent,
    };
    Ok(Envelope::json(200, &answer))
}
