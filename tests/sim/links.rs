//! The plain reference of links, and a links machine that can be broken.
//!
//! Invariant: the reference is written from the specification (L4, L5, L16), not from the
//! machine: a map, an owner, a version, and the same question answered in the simplest way.

use shared::id::format_id;
use shared::links::machine::{Change, Input, Key, Links, Name, Reply, Row, View, Write};
use shared::links::request::{Draft, Patch};
use shared::links::wire::{self, Target};
use shared::machine::{At, Deadline, Machine, Step};
use shared::roads::Register;
use std::collections::{BTreeMap, BTreeSet};

/// The machine; `overwrites`: a creation takes a code that belongs to another.
pub(crate) struct SimLinks {
    pub(crate) overwrites: bool,
}

impl Machine for SimLinks {
    type Key = Key;
    type View = View;
    type Input = Input;
    type Write = Write;
    type Post = Register;
    type Tell = core::convert::Infallible;
    type Reply = Reply;

    fn reads(&self, input: &Input, keys: &mut BTreeSet<Key>) {
        Links.reads(input, keys);
    }

    fn decide(&self, view: &View, at: At, input: Input) -> Step<Self> {
        let empty = View { rows: BTreeMap::new(), epoch: view.epoch };
        let blind = self.overwrites && matches!(input, Input::Create { .. });
        let view = if blind { &empty } else { view };
        let Step { writes, posts, tells, reply } = Links.decide(view, at, input);
        Step { writes, posts, tells, reply }
    }

    fn apply(&self, view: &mut View, write: &Write) {
        Links.apply(view, write);
    }

    fn deadline(&self, view: &View) -> Option<Deadline> {
        Links.deadline(view)
    }
}

/// What a caller learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Id, target, version.
    Stands(u64, String, u64),
    Deleted(u64),
    InTheWay,
    Problem(u16),
}

impl Verdict {
    pub(crate) fn of(reply: &Reply) -> Self {
        match reply {
            Reply::Created(row, _) | Reply::Reused(row, _) | Reply::Changed(row, _) => {
                Self::stands(row)
            }
            Reply::Deleted(register) => Self::Deleted(register.stamp.version),
            Reply::CodeInTheWay => Self::InTheWay,
            Reply::Refused(problem) => Self::Problem(problem.status()),
        }
    }

    /// Whether this is what the edge reads as `register`.
    pub(crate) fn is(&self, register: &Register) -> bool {
        let target = register.value.as_deref().map(serde_json::from_str::<Target>);
        match (self, target) {
            (Self::Deleted(_), None) => true,
            (Self::Stands(id, url, _), Some(Ok(target))) => {
                target.to == *url && target.link == format_id(wire::ID_PREFIX, *id)
            }
            _ => false,
        }
    }

    fn stands(row: &Row) -> Self {
        Self::Stands(row.id, row.long_url.clone(), row.version)
    }
}

/// A link, as plainly as it can be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) id: u64,
    pub(crate) app: String,
    pub(crate) url: String,
    pub(crate) version: u64,
    pub(crate) deleted: bool,
}

/// What the database must be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    pub(crate) links: BTreeMap<Name, Plain>,
}

impl Reference {
    /// What a committed input must have led to.
    pub(crate) fn commit(&mut self, input: &Input) -> Verdict {
        match input {
            Input::Create { id, name, app, draft, .. } => self.create(*id, name, app, draft),
            Input::Change { name, app, if_match, change } => {
                let Some(link) = self.links.get_mut(name).filter(|link| link.app == *app) else {
                    return Verdict::Problem(404);
                };
                if link.deleted {
                    return Verdict::Problem(410);
                }
                let tag = format!("\"{}\"", link.version);
                if if_match.as_ref().is_some_and(|wanted| *wanted != tag) {
                    return Verdict::Problem(412);
                }
                link.version += 1;
                match change {
                    Change::Delete => {
                        link.deleted = true;
                        return Verdict::Deleted(link.version);
                    }
                    Change::Patch(Patch { long_url: Some(url), .. }) => link.url.clone_from(url),
                    Change::Patch(_) => {}
                }
                Verdict::Stands(link.id, link.url.clone(), link.version)
            }
        }
    }

    fn create(&mut self, id: u64, name: &Name, app: &str, draft: &Draft) -> Verdict {
        if self.links.contains_key(name) {
            let alias = draft.alias.is_some();
            return if alias { Verdict::Problem(409) } else { Verdict::InTheWay };
        }
        let (app, url) = (app.to_string(), draft.long_url.clone());
        let plain = Plain { id, app, url: url.clone(), version: 1, deleted: false };
        self.links.insert(name.clone(), plain);
        Verdict::Stands(id, url, 1)
    }
}
