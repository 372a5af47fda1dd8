//! Durations and bounds as configuration, so that tests use 50 ms where production uses minutes.
//!
//! Invariant: each has a default that is right in production; a variable `SELVEDGE_…` changes it
//! on both sides; a value that is no number is an error at start, never a silent default.

use crate::webhook::schedule;
use alloc::{format, string::String};

macro_rules! durations {
    ($($(#[$doc:meta])* $field:ident $env:literal $default:expr;)*) => {
        /// Every duration that a deployment may change, in milliseconds.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Durations { $($(#[$doc])* pub $field: u64,)* }

        impl Default for Durations {
            fn default() -> Self { Self { $($field: $default,)* } }
        }

        impl Durations {
            /// The names of the variables.
            pub const NAMES: &'static [&'static str] = &[$($env,)*];

            /// Every one, in the order of [`Durations::NAMES`], in milliseconds.
            #[must_use]
            pub fn values(&self) -> [u64; Self::NAMES.len()] {
                [$(self.$field,)*]
            }

            /// Reads every variable through `get`; what is unset keeps its default.
            ///
            /// # Errors
            /// The name of a variable that is no number of milliseconds.
            pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
                let mut all = Self::default();
                $(if let Some(text) = get($env) {
                    all.$field = text
                        .parse()
                        .map_err(|_| format!("{} is no number of milliseconds", $env))?;
                })*
                Ok(all)
            }
        }
    };
}

durations! {
    /// How long an isolate serves a link from memory without asking again.
    link_fresh_ms "SELVEDGE_LINK_FRESH_MS" 5_000;
    /// How long an isolate serves a video that no longer grows without asking again.
    video_fresh_ms "SELVEDGE_VIDEO_FRESH_MS" 5_000;
    /// How old a growing video's manifest may be: a quarter of a segment.
    video_live_ms "SELVEDGE_VIDEO_LIVE_MS" 1_000;
    /// How long an isolate decides by a policy without asking whether there is a newer one.
    policy_fresh_ms "SELVEDGE_POLICY_FRESH_MS" 10_000;
    /// How long an isolate trusts its copy of a key; with the KV window below 60 s.
    key_fresh_ms "SELVEDGE_KEY_FRESH_MS" 10_000;
    /// An isolate hands its events over at latest after this.
    handover_ms "SELVEDGE_HANDOVER_MS" 500;
    /// A recorder gathers hand-overs this long before it posts them, unless a delivery is full.
    delivery_gap_ms "SELVEDGE_DELIVERY_GAP_MS" 100;
    /// Two writes of one KV key are at least this far apart (the platform allows one a second).
    copy_gap_ms "SELVEDGE_COPY_GAP_MS" 1_000;
    /// A KV write that has not answered after this may be repeated.
    copy_timeout_ms "SELVEDGE_COPY_TIMEOUT_MS" 10_000;
    /// A home keeps a copied register's row this long: 60 times the KV window of 60 s.
    home_keep_ms "SELVEDGE_HOME_KEEP_MS" 3_600_000;
    /// A recorder's or relay's call may take this long.
    road_timeout_ms "SELVEDGE_ROAD_TIMEOUT_MS" 15_000;
    /// First wait after a failed call on a road; doubles up to `road_backoff_max_ms`.
    road_backoff_ms "SELVEDGE_ROAD_BACKOFF_MS" 100;
    /// Longest wait after a failed call on a road.
    road_backoff_max_ms "SELVEDGE_ROAD_BACKOFF_MAX_MS" 60_000;
    /// Outbox rows of a request's own answer wait this long for the edge to have applied them.
    relay_grace_ms "SELVEDGE_RELAY_GRACE_MS" 1_000;
    /// A call to a Durable Object may take this long.
    object_timeout_ms "SELVEDGE_OBJECT_TIMEOUT_MS" 5_000;
    /// After an erasure, what deliveries under way still brought goes: longer than a call takes.
    erasure_settle_ms "SELVEDGE_ERASURE_SETTLE_MS" 35_000;
    /// A call from the edge to the origin may take this long.
    origin_timeout_ms "SELVEDGE_ORIGIN_TIMEOUT_MS" 10_000;
    /// A body that streams through the edge, and the answer to it, may take this long.
    stream_timeout_ms "SELVEDGE_STREAM_TIMEOUT_MS" 60_000;
    /// Orders to gateways, and events of theirs, are looked for this often.
    gateway_look_ms "SELVEDGE_GATEWAY_LOOK_MS" 500;
    /// A call to a gateway may take this long.
    gateway_timeout_ms "SELVEDGE_GATEWAY_TIMEOUT_MS" 20_000;
    /// An order whose replica died is taken over after this: longer than a call takes.
    gateway_lease_ms "SELVEDGE_GATEWAY_LEASE_MS" 30_000;
    /// First wait before a gateway is asked again; doubles up to `gateway_backoff_max_ms`.
    gateway_backoff_ms "SELVEDGE_GATEWAY_BACKOFF_MS" 1_000;
    /// Longest wait before a gateway is asked again.
    gateway_backoff_max_ms "SELVEDGE_GATEWAY_BACKOFF_MAX_MS" 300_000;
    /// A step of a saga whose replica died is taken over after this: twice what a step may take.
    saga_lease_ms "SELVEDGE_SAGA_LEASE_MS" 60_000;
    /// A gateway's report of a day is asked for this long after the day.
    report_delay_ms "SELVEDGE_REPORT_DELAY_MS" 7_200_000;
    /// A report or a statement that has not come this long after its day is an alert: at ten.
    report_due_ms "SELVEDGE_REPORT_DUE_MS" 36_000_000;
    /// Statements in the bank's directory, and days that are over, are looked for this often.
    daily_look_ms "SELVEDGE_DAILY_LOOK_MS" 30_000;
    /// The edge blocks by a fraud rule of its own only when the rule is this old: an hour longer
    /// than an answer is kept under an idempotency key, so that no copy of a request that was
    /// answered otherwise is refused.
    fraud_edge_after_ms "SELVEDGE_FRAUD_EDGE_AFTER_MS" 90_000_000;
    /// What the simulated gateway means by late and slow.
    simulator_delay_ms "SELVEDGE_SIMULATOR_DELAY_MS" 2_000;
    /// First wait after a webhook was not taken; doubles up to `webhook_backoff_max_ms`.
    webhook_backoff_ms "SELVEDGE_WEBHOOK_BACKOFF_MS" schedule::BASE_MS;
    /// Longest wait between two attempts of a webhook.
    webhook_backoff_max_ms "SELVEDGE_WEBHOOK_BACKOFF_MAX_MS" schedule::MAX_MS;
    /// A webhook is tried for so long, then it is a dead letter.
    webhook_life_ms "SELVEDGE_WEBHOOK_LIFE_MS" schedule::LIFE_MS;
    /// An endpoint may take this long to answer.
    webhook_timeout_ms "SELVEDGE_WEBHOOK_TIMEOUT_MS" 15_000;
    /// An upload that is not whole is given up this long after its last part.
    upload_keep_ms "SELVEDGE_UPLOAD_KEEP_MS" 86_400_000;
    /// A worker's hold on a job; renewed at a third of it, free for others after it.
    job_lease_ms "SELVEDGE_JOB_LEASE_MS" 30_000;
    /// First wait after a job that failed; doubles.
    job_backoff_ms "SELVEDGE_JOB_BACKOFF_MS" 1_000;
    /// Uploads that are given up and objects that must go are looked for this often.
    video_sweep_ms "SELVEDGE_VIDEO_SWEEP_MS" 30_000;
    /// After a video's deletion, what was still under way goes: longer than a body may stream.
    purge_settle_ms "SELVEDGE_PURGE_SETTLE_MS" 65_000;
    /// A rendition that nobody wanted for so long goes until somebody does: 90 days.
    video_unused_ms "SELVEDGE_VIDEO_UNUSED_MS" 7_776_000_000;
    /// An isolate tells that a rendition is wanted once in so long.
    video_wanted_ms "SELVEDGE_VIDEO_WANTED_MS" 86_400_000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_changes_its_duration_and_no_other() {
        let read = Durations::read(|name| (name == "SELVEDGE_HANDOVER_MS").then(|| "50".into()));
        assert_eq!(read, Ok(Durations { handover_ms: 50, ..Durations::default() }));
        assert!(Durations::read(|_| Some("soon".into())).is_err());
    }
}
