//! The table of contents: which handler serves which operation.
//!
//! Invariant: the compiler holds every [`Op`] to a line here; what the route table does not have
//! is not served, but for the console's files.

use crate::api::through;
use crate::call::Call;
use crate::limits::{self, guard};
use crate::respond::{self, Answer};
use crate::{console, links, system};
use shared::problem::{METHOD_NOT_ALLOWED, Problem};
use shared::route::{self, Found, Op, Route, Side};
use web_sys::Response;

/// Serves a request.
pub(crate) async fn serve(call: &Call) -> Response {
    if console::owns(&call.facts.path) {
        return console::serve(call).await;
    }
    match route::find(&call.facts.method, &call.facts.path, |side| side != Side::Origin) {
        Found::Route(route, segments) => {
            let answer = match guard::address(call, route).await {
                Ok(()) => handle(call, route, &segments).await,
                Err(problem) => Err(problem),
            };
            respond::respond(call, Some(route), answer)
        }
        Found::OtherMethod(allow) if call.facts.method == "OPTIONS" => {
            respond::respond(call, None, Ok(respond::options(call, &allow).into()))
        }
        Found::OtherMethod(allow) => {
            let detail = format!("{} is not one of {allow}", call.facts.method);
            let problem = Problem::new(&METHOD_NOT_ALLOWED, detail);
            let allow = Some(allow);
            respond::respond(call, None, Err(Problem { allow, ..problem }))
        }
        Found::Nothing => respond::respond(call, None, Err(system::not_found())),
    }
}

async fn handle(call: &Call, route: &'static Route, at: &[&str]) -> Result<Answer, Problem> {
    match route.op {
        // links
        Op::Redirect => links::redirect(call, at).await,
        Op::LinkUnlock => links::password::unlock(call, route, at).await,
        Op::Shorten => through(call, route, at).await.map(Answer::Whole),
        Op::LinkList => through(call, route, at).await.map(Answer::Whole),
        Op::LinkGet => through(call, route, at).await.map(Answer::Whole),
        Op::LinkPatch => through(call, route, at).await.map(Answer::Whole),
        Op::LinkDelete => through(call, route, at).await.map(Answer::Whole),
        Op::LinkStats => through(call, route, at).await.map(Answer::Whole),
        Op::LinkBulk => through(call, route, at).await.map(Answer::Whole),
        Op::LinkImport => links::transfer::import(call, route).await,
        Op::LinkExport => links::transfer::export(call, route).await,
        Op::LinkQr => links::qr::code(call, route, at).await,

        // limits
        Op::LimitCheck => limits::check::check(call, route).await.map(Answer::Whole),
        Op::LimitPeek => limits::check::peek(call, route).await.map(Answer::Whole),
        Op::LimitRefund => limits::check::refund(call, route).await.map(Answer::Whole),
        Op::LimitExcept => limits::except::put(call, route, at).await.map(Answer::Whole),
        Op::LimitUnexcept => limits::except::delete(call, route, at).await.map(Answer::Whole),
        Op::LimitPolicyPut => through(call, route, at).await.map(Answer::Whole),
        Op::LimitPolicyGet => through(call, route, at).await.map(Answer::Whole),
        Op::LimitPolicyDelete => through(call, route, at).await.map(Answer::Whole),
        Op::LimitPolicyList => through(call, route, at).await.map(Answer::Whole),
        Op::LimitUsage => through(call, route, at).await.map(Answer::Whole),
        Op::LimitBacktest => through(call, route, at).await.map(Answer::Whole),

        // payments
        Op::AccountOpen => through(call, route, at).await.map(Answer::Whole),
        Op::AccountGet => through(call, route, at).await.map(Answer::Whole),
        Op::AccountEntries => through(call, route, at).await.map(Answer::Whole),
        Op::AccountBalance => through(call, route, at).await.map(Answer::Whole),
        Op::AccountClose => through(call, route, at).await.map(Answer::Whole),
        Op::TransferCreate => through(call, route, at).await.map(Answer::Whole),
        Op::TransferGet => through(call, route, at).await.map(Answer::Whole),
        Op::TransferPost => through(call, route, at).await.map(Answer::Whole),
        Op::TransferVoid => through(call, route, at).await.map(Answer::Whole),

        // ops
        Op::TokenMint => through(call, route, at).await.map(Answer::Whole),
        Op::PrivacyExport => through(call, route, at).await.map(Answer::Whole),
        Op::PrivacyExportGet => through(call, route, at).await.map(Answer::Whole),
        Op::PrivacyExportItems => through(call, route, at).await.map(Answer::Whole),
        Op::PrivacyErase => through(call, route, at).await.map(Answer::Whole),
        Op::PrivacyErasureGet => through(call, route, at).await.map(Answer::Whole),
        Op::EdgeHealth => Ok(system::health(call).into()),
        Op::EdgeOpenapi => Ok(system::openapi().into()),
        Op::ProblemType => system::problem_type(call, at).map(Answer::Whole),
        Op::Projections => system::projections(call).await.map(Answer::Whole),

        // the origin's own, which the edge's table does not find
        Op::OriginHealth
        | Op::OriginReady
        | Op::OriginMetrics
        | Op::OriginOpenapi
        | Op::Events
        | Op::RegisterAsk
        | Op::PasswordTry
        | Op::AppCreate
        | Op::AppList
        | Op::KeyCreate
        | Op::KeyRevoke
        | Op::PublicKeyCreate
        | Op::PublicKeyList
        | Op::PublicKeyRevoke
        | Op::OutboxList
        | Op::OutboxRetry
        | Op::DeadLetterList
        | Op::BlockPut
        | Op::BlockDelete
        | Op::BlockList
        | Op::LimitOwnUsage
        | Op::ReservePut
        | Op::ReserveDelete
        | Op::ReserveList
        | Op::LedgerCheck
        | Op::LedgerProof => Err(system::not_found()),
    }
}
