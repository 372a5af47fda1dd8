//! The table itself: a file a product, in product order, then what is no product's.

mod fraud;
mod limits;
mod links;
mod ops;
mod origin;
mod payment;
mod payments;
mod payouts;
mod playback;
mod videos;
mod webhooks;

use super::Access::{self, Operator, Public, Scope, Service, Signed};
use super::{Op, Route, Side};
use crate::body;
use crate::limits::guard::Guard;
use crate::limits::policy::OnFailure;

/// What signs in, takes a password, makes a token or moves money (M19).
const CLOSED: Guard = Guard::Api(OnFailure::Closed);

const fn route(
    op: Op,
    method: &'static str,
    path: &'static str,
    side: Side,
    access: Access,
) -> Route {
    Route {
        op,
        method,
        path,
        product: "http",
        side,
        access,
        guard: match access {
            Public => Guard::Public,
            Scope(_) | Service => Guard::Api(OnFailure::Open),
            Operator | Signed => Guard::Free,
        },
        summary: "",
        request: None,
        response: (200, ""),
        query: &[],
        bytes_max: body::JSON_BYTES_MAX,
        problems: &[],
    }
}

/// Routes in several files.
#[derive(Clone, Copy, Debug)]
pub struct Table(&'static [&'static [Route]]);

/// Every route, in the order in which they are tried.
pub const ROUTES: Table = Table(&[
    links::ROUTES,
    limits::ROUTES,
    videos::ROUTES,
    playback::ROUTES,
    payments::ROUTES,
    payouts::ROUTES,
    payment::ROUTES,
    webhooks::ROUTES,
    fraud::ROUTES,
    ops::ROUTES,
    origin::ROUTES,
    webhooks::OPERATORS,
]);

impl Table {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &'static Route> + use<> {
        self.0.iter().flat_map(|routes| routes.iter())
    }
}
