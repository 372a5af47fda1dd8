//! Machines that are broken on purpose, to prove that the simulator can fail.
//!
//! Invariant: with [`Broken::Nothing`] a wrapper is its machine, step by step.

use shared::machine::{At, Deadline, Machine, Step};
use shared::roads::Stamp;
use shared::roads::home::{self, Home};
use shared::roads::recorder::{self, Recorder};
use shared::roads::relay::{self, Relay};
use std::collections::BTreeSet;

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Nothing,
    /// A home takes whatever comes last.
    HomeIgnoresStamps,
    /// A home without a row takes a register whatever the copy holds.
    HomeIgnoresCopies,
    /// A home's shell does not look again after it has read copies.
    HomeLooksOnce,
    /// A home writes the copy at every change.
    HomeWritesAtOnce,
    /// A home forgets a row when the write of its copy begins.
    HomeForgetsEarly,
    /// A home takes the answer to any write of the copy for the answer to the last one.
    HomeTakesAnyAnswer,
    /// A recorder numbers a repeated batch again.
    RecorderForgetsBatches,
    /// A recorder forgets events when it sends them.
    RecorderTrustsTheRoad,
    /// A recorder's store forgets a batch of which a part was acknowledged.
    RecorderForgetsParts,
    /// A recorder delivers what it has loaded, gap or no gap.
    RecorderLeavesGaps,
    /// A recorder sets no alarm after a failure.
    RecorderGivesUp,
    /// A relay settles a row when it is sent.
    RelaySettlesEarly,
    /// A relay sends what was refused again and again.
    RelayNeverParks,
    /// The origin applies what it has applied before.
    IntakeAppliesRepeats,
    /// The origin takes a delivery for new as a whole when its end is.
    IntakeIgnoresOverlaps,
    /// The origin answers a repeated request by doing it again.
    OriginForgetsKeys,
    /// The edge acknowledges before the homes have the projections.
    EdgeAcknowledgesEarly,
    /// A home keeps an absence in memory although a register came.
    HomeKeepsAbsences,
    /// A creation takes a code that belongs to another link.
    LinksOverwrite,
    /// After a restore the epoch stays the same.
    RestoreKeepsEpoch,
}

macro_rules! wrapper {
    ($name:ident, $module:ident, $machine:ident, $mend:item) => {
        pub(crate) struct $name {
            pub(crate) inner: $machine,
            pub(crate) broken: Broken,
        }

        impl Machine for $name {
            type Key = $module::Key;
            type View = $module::View;
            type Input = $module::Input;
            type Write = $module::Write;
            type Post = core::convert::Infallible;
            type Tell = <$machine as Machine>::Tell;
            type Reply = <$machine as Machine>::Reply;

            fn reads(&self, input: &Self::Input, keys: &mut BTreeSet<Self::Key>) {
                self.inner.reads(input, keys);
            }

            fn decide(&self, view: &Self::View, at: At, input: Self::Input) -> Step<Self> {
                $mend
                decide(self, view, at, input)
            }

            fn apply(&self, view: &mut Self::View, write: &Self::Write) {
                self.inner.apply(view, write);
            }

            fn deadline(&self, view: &Self::View) -> Option<Deadline> {
                self.inner.deadline(view)
            }
        }

        impl $name {
            fn right(&self, view: &$module::View, at: At, input: $module::Input) -> Step<Self> {
                let Step { writes, posts, tells, reply } = self.inner.decide(view, at, input);
                Step { writes, posts, tells, reply }
            }
        }
    };
}

wrapper!(
    SimHome,
    home,
    Home,
    fn decide(this: &SimHome, view: &home::View, at: At, input: home::Input) -> Step<SimHome> {
        match (this.broken, &input) {
            (Broken::HomeIgnoresStamps, home::Input::Apply { register, .. }) => {
                let oldest = Stamp { epoch: 0, version: 0 };
                let mut view = home::View { rows: view.rows.clone(), others: view.others };
                view.rows.values_mut().for_each(|row| row.register.stamp = oldest);
                let register = register.clone();
                this.right(&view, at, home::Input::Apply { register, copy: None })
            }
            (Broken::HomeIgnoresCopies, home::Input::Apply { register, .. }) => {
                let register = register.clone();
                this.right(view, at, home::Input::Apply { register, copy: None })
            }
            (Broken::HomeWritesAtOnce, home::Input::Apply { .. }) => {
                let mut view = home::View { rows: view.rows.clone(), others: view.others };
                for row in view.rows.values_mut() {
                    row.sending = None;
                    row.sent_at = shared::time::Millis(0);
                }
                this.right(&view, at, input)
            }
            (Broken::HomeForgetsEarly, home::Input::Wake) => {
                let mut step = this.right(view, at, input);
                for write in &mut step.writes {
                    if let home::Write::Put(row) = write {
                        let (product, key) =
                            (row.register.product.clone(), row.register.key.clone());
                        *write = home::Write::Forgotten(product, key);
                    }
                }
                step
            }
            (Broken::HomeTakesAnyAnswer, home::Input::Copied { name, .. }) => {
                let mut input = input.clone();
                if let (home::Input::Copied { stamp, sent_at, .. }, Some(row)) =
                    (&mut input, view.rows.get(name))
                {
                    *stamp = row.sending.unwrap_or(*stamp);
                    *sent_at = row.sent_at;
                }
                this.right(view, at, input)
            }
            _ => this.right(view, at, input),
        }
    }
);

wrapper!(
    SimRecorder,
    recorder,
    Recorder,
    fn decide(
        this: &SimRecorder,
        view: &recorder::View,
        at: At,
        input: recorder::Input,
    ) -> Step<SimRecorder> {
        match (this.broken, &input) {
            (Broken::RecorderForgetsBatches, recorder::Input::Keep(_)) => {
                let view = recorder::View { taken: BTreeSet::new(), ..view.clone() };
                this.right(&view, at, input)
            }
            (Broken::RecorderTrustsTheRoad, recorder::Input::Wake) => {
                let mut step = this.right(view, at, input);
                for tell in &step.tells {
                    let sent = |one: &&recorder::Waiting| tell.events.contains(one.events.text());
                    let last = view.waiting.values().rfind(sent);
                    let through = last.map_or(0, |one| one.end() - 1);
                    step.writes.push(recorder::Write::Acknowledged(through));
                }
                step
            }
            (Broken::RecorderLeavesGaps, recorder::Input::Wake) => {
                let mut step = this.right(view, at, input);
                for tell in &mut step.tells {
                    let texts: Vec<&str> =
                        view.waiting.values().map(|one| one.events.text()).collect();
                    tell.events = texts.join(",");
                }
                step
            }
            (Broken::RecorderGivesUp, recorder::Input::Failed) => {
                let mut meta = view.meta.clone();
                meta.due = None;
                let writes = vec![recorder::Write::Meta(meta)];
                Step { writes, posts: Vec::new(), tells: Vec::new(), reply: () }
            }
            _ => this.right(view, at, input),
        }
    }
);

wrapper!(
    SimRelay,
    relay,
    Relay,
    fn decide(this: &SimRelay, view: &relay::View, at: At, input: relay::Input) -> Step<SimRelay> {
        let mut step = this.right(view, at, input);
        match this.broken {
            Broken::RelaySettlesEarly => {
                for (id, _) in step.tells.iter().flat_map(|tell| &tell.0) {
                    step.writes.push(relay::Write::Settled(*id));
                }
            }
            Broken::RelayNeverParks => {
                step.writes.retain(|write| !matches!(write, relay::Write::Parked(..)));
            }
            _ => {}
        }
        step
    }
);
