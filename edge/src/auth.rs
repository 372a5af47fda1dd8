//! Who calls: a service key or a user token becomes a [`Caller`], or the call ends here.
//!
//! Invariant: what fails its MAC, or names no key that could exist, costs no question. Refused: to
//! say more about a key than that the credential is not known.

use crate::call::{Call, unavailable};
use crate::guard;
use crate::platform::clock;
use crate::registers::{self, Read};
use shared::problem::{FORBIDDEN, Problem, UNAUTHENTICATED};
use shared::route::{Access, Route};
use shared::token::{self, Caller, KeyRecord, Refused, ServiceKey};
use std::rc::Rc;

/// The detail of a 401 without any credential.
pub(crate) const MISSING: &str = "send a service key or a user token as a bearer credential";

/// The caller, if it may call `route`.
///
/// # Errors
/// 401, 403, 503.
pub(crate) async fn caller(call: &Call, route: &Route) -> Result<Caller, Problem> {
    let credential = call.header("authorization")?;
    let credential = credential
        .as_deref()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, credential)| credential.trim())
        .ok_or_else(|| Problem::new(&UNAUTHENTICATED, MISSING))?;
    let caller = recognise(call, credential).await?;
    may(&caller, route.access)?;
    guard::caller(call, route, &caller).await?;
    Ok(caller)
}

async fn recognise(call: &Call, credential: &str) -> Result<Caller, Problem> {
    if credential.starts_with("sk_") {
        let key = ServiceKey::parse(&call.settings.key_mac, credential).map_err(refused)?;
        return key.caller(&*record(call, &key.kid).await?).map_err(refused);
    }
    let token = token::read_token(credential).map_err(refused)?;
    let record = record(call, &token.kid).await?;
    token.caller(&record, &call.settings.public_url, clock::now()).map_err(refused)
}

async fn record(call: &Call, kid: &str) -> Result<Rc<KeyRecord>, Problem> {
    if !kid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err(refused(Refused::Unknown));
    }
    match registers::read(call, kid).await {
        Read::Found(Some(record)) => Ok(record),
        Read::Found(None) | Read::Absent => Err(refused(Refused::Unknown)),
        Read::Unavailable => Err(unavailable()),
    }
}

fn may(caller: &Caller, access: Access) -> Result<(), Problem> {
    match access {
        Access::Public => Ok(()),
        Access::Scope(scope) if caller.may(scope) => Ok(()),
        Access::Scope(scope) => {
            Err(Problem::new(&FORBIDDEN, format!("the credential lacks the scope {scope}")))
        }
        Access::Service if caller.principal.starts_with("service:") => Ok(()),
        Access::Service => Err(Problem::new(&FORBIDDEN, "only a service key may do this")),
        Access::Operator | Access::Signed => Err(Problem::new(&FORBIDDEN, "not with a key")),
    }
}

fn refused(why: Refused) -> Problem {
    Problem::new(&UNAUTHENTICATED, why.detail())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(principal: &str, scopes: &[&str]) -> Caller {
        let scopes = scopes.iter().map(|scope| (*scope).into()).collect();
        Caller { principal: principal.into(), app: "app_1".into(), tier: String::new(), scopes }
    }

    #[test]
    fn a_scope_or_a_service_is_asked_for() {
        let status = |caller: &Caller, access| may(caller, access).map_err(|p| p.status());
        let user = caller("user:ann", &["links:read"]);
        assert_eq!(status(&user, Access::Scope("links:read")), Ok(()));
        assert_eq!(status(&user, Access::Scope("links:write")), Err(403));
        assert_eq!(status(&user, Access::Service), Err(403));
        let service = caller("service:k", &["*"]);
        assert_eq!(status(&service, Access::Scope("links:write")), Ok(()));
        assert_eq!(status(&service, Access::Service), Ok(()));
        assert_eq!(status(&service, Access::Operator), Err(403));
        assert_eq!(status(&service, Access::Signed), Err(403));
    }
}
