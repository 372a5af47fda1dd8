//! The two roads, run by seed: faults, a calm, and numbered invariants (`check.rs`).
//!
//! Invariant: a seed decides everything, so that one command replays a failure. `SIM_SEED` runs
//! one seed and prints what happens; `SIM_SEEDS` runs so many of each test. A broken machine must
//! be found out: `a_broken_…` runs one and names the invariant that falls.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod broken;
mod check;
mod driver;
mod edge;
mod gateway;
mod homes;
mod kv;
mod ledger;
mod limits;
mod links;
mod origin;
mod payments;
mod rng;
mod rows;
mod sagas;
mod stores;
mod up;
mod video;
mod world;

use broken::Broken;
use check::{Checker, Violation};
use stores::Database;
use world::World;

/// The origin's disk at some moment, and what was known then.
pub(crate) struct Backup {
    pub(crate) database: Database,
    pub(crate) check: Checker,
}

/// What happens between two storms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disaster {
    None,
    Wipe,
    Restore,
    RestoreAndWipe,
}

fn run(seed: u64, broken: Broken, disaster: Disaster, trace: bool) -> Result<u64, Violation> {
    let mut world = World::new(seed, broken, trace);
    world.weather("S8")?;
    if disaster != Disaster::None {
        let backup = Backup { database: world.database.clone(), check: world.check.clone() };
        if matches!(disaster, Disaster::Restore | Disaster::RestoreAndWipe) {
            world.weather("S8")?;
        }
        if matches!(disaster, Disaster::Wipe | Disaster::RestoreAndWipe) {
            world.wipe_edge();
        }
        match disaster {
            Disaster::Wipe => world.replay(),
            _ => world.restore(&backup),
        }
        world.weather("S10")?;
    }
    Ok(world.events)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs `count` seeds, or the one that is asked for.
fn seeds(test: &str, count: u64, disaster: Disaster) {
    if let Some(seed) = number("SIM_SEED") {
        let result = run(seed, Broken::Nothing, disaster, true);
        assert!(result.is_ok(), "seed {seed}: {result:?}");
        return;
    }
    let mut events = 0;
    let count = number("SIM_SEEDS").unwrap_or(count);
    for seed in 0..count {
        match run(seed, Broken::Nothing, disaster, false) {
            Ok(happened) => events += happened,
            Err(Violation { invariant, what }) => panic!(
                "{invariant}: {what}\n  SIM_SEED={seed} cargo test -p shared --test sim {test} -- \
                 --exact --nocapture"
            ),
        }
    }
    println!("{test}: {count} seeds, {events} events");
}

#[test]
fn storms_pass() {
    seeds("storms_pass", 2_000, Disaster::None);
}

#[test]
fn a_wiped_edge_is_replayed() {
    seeds("a_wiped_edge_is_replayed", 800, Disaster::Wipe);
}

#[test]
fn a_restored_origin_is_replayed_in_a_new_epoch() {
    seeds("a_restored_origin_is_replayed_in_a_new_epoch", 400, Disaster::Restore);
}

#[test]
fn a_restored_origin_fills_an_empty_edge() {
    seeds("a_restored_origin_fills_an_empty_edge", 400, Disaster::RestoreAndWipe);
}

#[test]
fn a_seed_decides_everything() {
    for seed in 0..5 {
        let once = run(seed, Broken::Nothing, Disaster::Restore, false);
        assert_eq!(once, run(seed, Broken::Nothing, Disaster::Restore, false));
    }
}

/// Some seed must break one of `wanted`, and none may break anything else first.
fn finds(broken: Broken, disaster: Disaster, wanted: &[&str]) {
    for seed in 0..2_000 {
        if let Err(Violation { invariant, what }) = run(seed, broken, disaster, false) {
            assert!(wanted.contains(&invariant), "{broken:?}, seed {seed}: {invariant}: {what}");
            return;
        }
    }
    panic!("{broken:?} was not found out");
}

#[test]
fn a_broken_home_is_found_out() {
    finds(Broken::HomeIgnoresStamps, Disaster::None, &["S1"]);
    finds(Broken::HomeIgnoresCopies, Disaster::None, &["S1"]);
    finds(Broken::HomeLooksOnce, Disaster::None, &["S1"]);
    finds(Broken::HomeWritesAtOnce, Disaster::None, &["S2"]);
    finds(Broken::HomeForgetsEarly, Disaster::None, &["S12"]);
    finds(Broken::HomeTakesAnyAnswer, Disaster::None, &["S1", "S2", "S8", "S12"]);
    finds(Broken::HomeKeepsAbsences, Disaster::None, &["S3"]);
}

#[test]
fn a_broken_recorder_is_found_out() {
    finds(Broken::RecorderForgetsBatches, Disaster::None, &["S6"]);
    finds(Broken::RecorderTrustsTheRoad, Disaster::None, &["S7"]);
    finds(Broken::RecorderForgetsParts, Disaster::None, &["S7"]);
    finds(Broken::RecorderLeavesGaps, Disaster::None, &["S6", "S7"]);
    finds(Broken::RecorderGivesUp, Disaster::None, &["S11"]);
    finds(Broken::IntakeAppliesRepeats, Disaster::None, &["S6"]);
    finds(Broken::IntakeIgnoresOverlaps, Disaster::None, &["S6"]);
}

#[test]
fn a_broken_relay_is_found_out() {
    finds(Broken::RelaySettlesEarly, Disaster::None, &["S8", "S9"]);
    finds(Broken::RelayNeverParks, Disaster::None, &["S8"]);
    finds(Broken::RestoreKeepsEpoch, Disaster::Restore, &["S10"]);
}

#[test]
fn a_broken_origin_or_edge_is_found_out() {
    finds(Broken::LinksOverwrite, Disaster::None, &["S4"]);
    finds(Broken::OriginForgetsKeys, Disaster::None, &["S4"]);
    finds(Broken::EdgeAcknowledgesEarly, Disaster::None, &["S3"]);
}
