//! Webhooks in: whose they are, and the event's id by which copies are known.
//!
//! Invariant: the signature is verified over the body as it came, before anything is read of it; an
//! event with a card number in it is refused by whoever would keep it. Stripe signs in its own
//! scheme, everybody else by Standard Webhooks.

use super::{Refused, Secret, TOLERANCE_MS, standard, stripe};
use crate::time::Millis;
use alloc::{collections::BTreeMap, string::String, string::ToString, vec::Vec};
use serde::Deserialize;

/// A body's bytes. Gateways' events have some kilobytes; escaped twice on the road up, one of a
/// quarter of a megabyte stays within the megabyte of a delivery.
pub const BYTES_MAX: u64 = 256 * 1024;
/// The gateway with a scheme of its own.
pub const STRIPE: &str = "stripe";
/// Secrets of one gateway that are alive at once.
const SECRETS_MAX: usize = 4;

/// The gateways that may call, and their secrets.
#[derive(Clone, Debug, Default)]
pub struct Gateways(BTreeMap<String, Vec<Secret>>);

/// What stands in a deployment's variable between these is a gateway's name.
const VARIABLE: (&str, &str) = ("GATEWAY_", "_WEBHOOK_SECRET");

impl Gateways {
    /// Reads `GATEWAY_{NAME}_WEBHOOK_SECRET` of all variables: one secret, or several by commas.
    ///
    /// # Errors
    /// The name of the variable that is wrong.
    pub fn read<'a>(
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, String> {
        let mut all = BTreeMap::new();
        for (variable, text) in variables {
            let name = variable.strip_prefix(VARIABLE.0);
            let Some(name) = name.and_then(|name| name.strip_suffix(VARIABLE.1)) else { continue };
            let name = name.to_ascii_lowercase();
            if text.trim().is_empty() {
                continue;
            }
            let read = |text: &str| match name.as_str() {
                STRIPE => Secret::of(text.as_bytes()),
                _ => Secret::standard(text),
            };
            let secrets: Option<Vec<Secret>> =
                text.split(',').map(|one| read(one.trim())).collect();
            match secrets.filter(|secrets| secrets.len() <= SECRETS_MAX) {
                Some(secrets) => all.insert(name, secrets),
                None => return Err(variable.to_string()),
            };
        }
        Ok(Self(all))
    }

    /// The secrets of a gateway; `None`: nobody of this name may call.
    #[must_use]
    pub fn secrets(&self, gateway: &str) -> Option<&[Secret]> {
        self.0.get(gateway).map(Vec::as_slice)
    }
}

/// Verifies a body; what a header says is asked of `header`. The id by which copies are known.
///
/// # Errors
/// Why it is not the gateway's. [`Refused::Form`] too when there is no id.
pub fn verify(
    gateway: &str,
    secrets: &[Secret],
    header: impl Fn(&str) -> Option<String>,
    body: &[u8],
    now: Millis,
) -> Result<String, Refused> {
    let header = |name: &str| header(name).ok_or(Refused::Form);
    if gateway == STRIPE {
        stripe::verify(secrets, &header(stripe::HEADER)?, body, now, TOLERANCE_MS)?;
        let Named { id } = serde_json::from_slice(body).map_err(|_| Refused::Form)?;
        let fits = (1..=standard::ID_BYTES_MAX).contains(&id.len());
        return if fits { Ok(id) } else { Err(Refused::Form) };
    }
    let id = header(standard::ID_HEADER)?;
    let timestamp = header(standard::TIMESTAMP_HEADER)?;
    let signature = header(standard::SIGNATURE_HEADER)?;
    let headers = standard::Headers { id: &id, timestamp: &timestamp, signature: &signature };
    standard::verify(secrets, headers, body, now)?;
    Ok(id)
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    const NOW: Millis = Millis(1_790_000_000_000);

    fn gateways(variables: &[(&str, &str)]) -> Result<Gateways, String> {
        Gateways::read(variables.iter().copied())
    }

    #[test]
    fn p10_a_gateway_is_who_has_a_secret() {
        let all = gateways(&[
            ("GATEWAY_STRIPE_WEBHOOK_SECRET", "whsec_a, whsec_b"),
            ("GATEWAY_SIMULATOR_WEBHOOK_SECRET", "whsec_AAAA"),
            ("GATEWAY_OTHER_WEBHOOK_SECRET", ""),
            ("GATEWAY_STRIPE_KEY", "x"),
        ])
        .unwrap();
        assert_eq!(all.secrets("stripe").map(<[_]>::len), Some(2));
        assert_eq!(all.secrets("simulator").map(<[_]>::len), Some(1));
        assert!(all.secrets("other").is_none() && all.secrets("Stripe").is_none());
        assert!(!format!("{all:?}").contains("whsec"));
        for (name, wrong) in [
            ("GATEWAY_SIMULATOR_WEBHOOK_SECRET", "whsec_%"),
            ("GATEWAY_STRIPE_WEBHOOK_SECRET", "a,"),
            ("GATEWAY_STRIPE_WEBHOOK_SECRET", "a,b,c,d,e"),
        ] {
            assert_eq!(gateways(&[(name, wrong)]).unwrap_err(), name);
        }
    }

    #[test]
    fn p10_an_event_without_an_id_is_nobodys() {
        let secrets = [Secret::of(b"whsec_a").unwrap()];
        let sent = |body: &str| {
            let time = format!("{}", NOW.0 / 1_000);
            let mac = secrets[0].mac(&[time.as_bytes(), b".", body.as_bytes()]);
            let text = format!("t={time},v1={}", hex::encode(mac));
            verify(STRIPE, &secrets, |_| Some(text.clone()), body.as_bytes(), NOW)
        };
        assert_eq!(sent("{\"id\":\"evt_1\",\"object\":\"event\"}"), Ok("evt_1".into()));
        for body in ["{}", "{\"id\":\"\"}", "{\"id\":7}", "", "[]"] {
            assert_eq!(sent(body), Err(Refused::Form), "{body}");
        }
        let none = verify(STRIPE, &secrets, |_| None, b"{}", NOW);
        assert_eq!(none, Err(Refused::Form));
    }
}
