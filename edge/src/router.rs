//! The table of contents: which handler serves which operation.
//!
//! Invariant: what the route table does not have is not served, but for the console's files; what
//! the origin decides goes one way, and everything else has a line here.

use crate::api::through;
use crate::call::Call;
use crate::respond::{self, Answer};
use crate::video::manifest::Form;
use crate::{console, links, payments, system, video};
use crate::{guard, limits};
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
            let problem = Problem::new(&METHOD_NOT_ALLOWED, detail).with("allow", allow);
            respond::respond(call, None, Err(problem))
        }
        Found::Nothing => respond::respond(call, None, Err(system::not_found())),
    }
}

async fn handle(call: &Call, route: &'static Route, at: &[&str]) -> Result<Answer, Problem> {
    if route.side == Side::Through {
        return through(call, route, at).await.map(Answer::Whole);
    }
    match route.op {
        // links
        Op::Redirect => links::redirect(call, at).await,
        Op::LinkUnlock => links::password::unlock(call, route, at).await,
        Op::LinkImport => links::transfer::import(call, route).await,
        Op::LinkExport => links::transfer::export(call, route).await,
        Op::LinkQr => links::qr::code(call, route, at).await,

        // limits
        Op::LimitCheck => limits::check::check(call, route).await.map(Answer::Whole),
        Op::LimitPeek => limits::check::peek(call, route).await.map(Answer::Whole),
        Op::LimitRefund => limits::check::refund(call, route).await.map(Answer::Whole),
        Op::LimitExcept => limits::except::put(call, route, at).await.map(Answer::Whole),
        Op::LimitUnexcept => limits::except::delete(call, route, at).await.map(Answer::Whole),

        // payments
        Op::GatewayHook => payments::hooks::take(call, at).await.map(Answer::Whole),

        // video
        Op::VideoPlayback => video::play::mint(call, route, at).await.map(Answer::Whole),
        Op::VideoHls => video::manifest::master(call, at, Form::Hls).await,
        Op::VideoDash => video::manifest::master(call, at, Form::Dash).await,
        Op::VideoThumbnail => video::object::thumbnail(call, at).await,
        Op::VideoPicture => video::object::picture(call, at).await,
        Op::VideoFile => video::object::serve(call, at).await,
        Op::VideoReport => video::report::take(call, route, at).await.map(Answer::Whole),
        Op::VideoForget => video::forget::take(call).await.map(Answer::Whole),
        Op::VideoEmbed => video::embed::page(call, at).await,

        // ops
        Op::EdgeHealth => Ok(system::health(call).into()),
        Op::EdgeOpenapi => Ok(system::openapi().into()),
        Op::ProblemType => system::problem_type(call, at).map(Answer::Whole),
        Op::Projections => system::projections(call).await.map(Answer::Whole),

        // What the origin decides or serves is not asked for here; tests/http visits every route.
        _ => Err(system::not_found()),
    }
}
