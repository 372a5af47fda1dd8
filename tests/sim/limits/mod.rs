//! One key, its object, and many isolates that ask it: crashes, lost answers, skewed clocks.
//!
//! Invariant: a seed decides everything. Numbered: V1 no window and no burst ever holds more than
//! its rule, whoever admitted (M4, M5, M7, M14); V2 a restart costs at most what one mark covers,
//! once (M14); V3 who waits as told is admitted (M8); V4 several isolates admit at most 1 % less
//! than one counter would (M5). Broken variants must be found out.

mod matrix;
mod object;
mod world;

use super::number;
use shared::limits::rule::{Algorithm, Rule};
use world::{Broken, Weather, World};

const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::TokenBucket,
    Algorithm::Gcra,
    Algorithm::LeakyBucket,
    Algorithm::FixedWindow,
    Algorithm::SlidingWindowLog,
    Algorithm::SlidingWindowCounter,
];

fn storm(seed: u64, broken: Broken) -> Result<u64, String> {
    let mut world = World::new(seed, Weather::Storm, broken);
    world.run(20_000);
    world.check()
}

#[test]
fn meters_never_over_admit() {
    if let Some(seed) = number("SIM_SEED") {
        assert_eq!(storm(seed, Broken::Nothing).err(), None, "seed {seed}");
        return;
    }
    let mut admitted = 0;
    for seed in 0..number("SIM_SEEDS").unwrap_or(500) {
        match storm(seed, Broken::Nothing) {
            Ok(units) => admitted += units,
            Err(why) => panic!(
                "{why}\n  SIM_SEED={seed} cargo test -p shared --test sim meters_never_over_admit"
            ),
        }
    }
    println!("{admitted} units admitted");
    assert!(admitted > 10_000);
}

#[test]
fn a_broken_meter_is_found_out() {
    for broken in [
        Broken::RestartForgetsCover,
        Broken::IsolateSpendsTwice,
        Broken::ObjectEndsLeasesEarly,
        Broken::RefundsCountTwice,
        Broken::CommitsAreLost,
    ] {
        let found = (0..8_000).position(|seed| storm(seed, broken).is_err());
        println!("{broken:?}: seed {found:?}");
        assert!(found.is_some(), "{broken:?} was not found out");
    }
}

#[test]
fn v2_a_restart_costs_what_a_mark_covers_once() {
    for algorithm in ALGORITHMS {
        let rule = Rule { algorithm, limit: 1_000, window_ms: 600_000, burst: 1_000 };
        let lost = object::lost_by_restarts(rule, 1);
        assert!((1..=50).contains(&lost), "{algorithm:?}: {lost}");
        assert!(object::lost_by_restarts(rule, 5) <= lost, "{algorithm:?}");
        assert_eq!(object::lost_by_eviction(rule), 0, "{algorithm:?}");
    }
}

/// M12: once it equals a fresh one, and no sooner.
#[test]
fn m12_an_idle_key_is_forgotten() {
    for algorithm in ALGORITHMS {
        let rule = Rule { algorithm, limit: 2, window_ms: 20_000, burst: 2 };
        let past = object::forgotten_ms(rule);
        let fresh = if rule.is_bucket() { 10_000 } else { 20_000 };
        assert!(past.is_some_and(|past| past >= fresh), "{algorithm:?}: {past:?}");
    }
}

#[test]
fn v3_who_waits_as_told_is_admitted() {
    for algorithm in ALGORITHMS {
        for seed in 0..300 {
            let mut world = World::new(seed, Weather::Calm, Broken::Nothing);
            world.rule.algorithm = algorithm;
            assert_eq!(world.waits(), Ok(()), "{algorithm:?} seed {seed}");
        }
    }
}
