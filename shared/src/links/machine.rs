//! Creating, changing and deleting links, as a machine that the origin commits.
//!
//! Stored: a row per code that was ever issued ([`Row`]); a deleted one stays as a tombstone.
//! Invariants: M1 a code belongs to one link for ever (L5, L16). M2 every change raises the row's
//! version by one and posts the register of that version. M3 another application's link is
//! unknown. M4 a password is stored hashed only, and a new one has a new version.

use super::error::{ALIAS_TAKEN, EXTERNAL_ID_TAKEN};
use super::password::{Hash, Password, Sealed};
use super::request::{Draft, LIFE_DEFAULT_MS, Patch};
pub use super::row::{Name, Row, not_found};
use crate::etag;
use crate::machine::{At, Deadline, Machine, Step};
use crate::problem::{INTERNAL, PRECONDITION_FAILED, Problem};
use crate::roads::Register;
use crate::time::Millis;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::{format, string::String, vec, vec::Vec};

/// What must be loaded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The row of a code.
    Code(Name),
    /// The application's rows with this likeness, at most a few.
    Like {
        /// The application.
        app: String,
        /// See [`Row::likeness`].
        likeness: u64,
    },
    /// The application's live row with this external id.
    External {
        /// The application.
        app: String,
        /// The caller's name for it.
        id: String,
    },
}

/// The loaded rows.
#[derive(Debug, Default)]
pub struct View {
    /// By name; what was asked for and is not here does not exist.
    pub rows: BTreeMap<Name, Row>,
    /// The epoch that registers carry.
    pub epoch: u32,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Input {
    /// A new link.
    Create {
        /// A snowflake that was drawn for it.
        id: u64,
        /// The alias, or the code that was drawn for it.
        name: Name,
        /// Its owner.
        app: String,
        /// The owner's user who makes it; `None`: the owner's service.
        creator: Option<String>,
        /// The rest.
        draft: Draft,
    },
    /// A change; `if_match`: only of this entity tag.
    Change {
        /// Which.
        name: Name,
        /// Who asks.
        app: String,
        /// `None`: whatever version.
        if_match: Option<String>,
        /// What.
        change: Change,
    },
}

/// What becomes of a link.
#[derive(Clone, Debug)]
pub enum Change {
    /// Some fields.
    Patch(Patch),
    /// A tombstone.
    Delete,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was created; the register is its projection.
    Created(Row, Register),
    /// A live link like it exists.
    Reused(Row, Register),
    /// It was changed.
    Changed(Row, Register),
    /// It was deleted.
    Deleted(Register),
    /// An alias stands where the drawn code would be: draw the next (L2).
    CodeInTheWay,
    /// No.
    Refused(Problem),
}

/// A change of the stored rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A row that was not there.
    Inserted(Row),
    /// A row whose version was one less.
    Updated(Row),
}

impl Write {
    fn row(&self) -> &Row {
        match self {
            Self::Inserted(row) | Self::Updated(row) => row,
        }
    }
}

/// An application, and its user if it is one who makes a link.
type Maker = (String, Option<String>);

/// The machine.
#[derive(Clone, Copy, Debug)]
pub struct Links;

impl Links {
    fn create(view: &View, now: Millis, input: (u64, Name, Maker, Draft)) -> Step<Self> {
        let (id, name, (app, creator), draft) = input;
        let password = match hashed(draft.password.clone()) {
            Ok(hash) => hash.map(|hash| Sealed { hash, version: 1 }),
            Err(problem) => return Step::reply(Reply::Refused(problem)),
        };
        let mine = || view.rows.values().filter(|row| row.app == app);
        if draft.reuse
            && let Some(row) = mine().find(|row| row.creator == creator && row.is_like(&draft, now))
        {
            return Step::reply(Reply::Reused(row.clone(), row.register(view.epoch)));
        }
        let named = |row: &&Row| row.deleted_at.is_none() && row.external_id == draft.external_id;
        if draft.external_id.is_some() && mine().any(|row| named(&row)) {
            let problem = Problem::new(&EXTERNAL_ID_TAKEN, "a live link has this external_id");
            return Step::reply(Reply::Refused(problem));
        }
        if view.rows.contains_key(&name) {
            return Step::reply(match draft.alias {
                None => Reply::CodeInTheWay,
                Some(alias) => Reply::Refused(Problem::new(
                    &ALIAS_TAKEN,
                    format!("the alias {alias:?} belongs to another link"),
                )),
            });
        }
        let row = Row {
            id,
            name,
            app,
            creator,
            long_url: draft.long_url,
            redirect: draft.redirect,
            title: draft.title,
            tags: draft.tags,
            rules: draft.rules,
            max_clicks: draft.max_clicks,
            fallback_url: draft.fallback_url,
            external_id: draft.external_id,
            password,
            created_at: now,
            expires_at: draft.expires_at.unwrap_or(Some(now.plus(LIFE_DEFAULT_MS))),
            deleted_at: None,
            version: 1,
        };
        let register = row.register(view.epoch);
        Step {
            writes: vec![Write::Inserted(row.clone())],
            posts: vec![register.clone()],
            tells: Vec::new(),
            reply: Reply::Created(row, register),
        }
    }

    fn change(
        view: &View,
        now: Millis,
        (name, app, if_match, change): (Name, String, Option<String>, Change),
    ) -> Step<Self> {
        let row = view.rows.get(&name).ok_or_else(not_found);
        let row = match row.and_then(|row| row.owned_by(&app).map(|()| row)) {
            Ok(row) => row,
            Err(problem) => return Step::reply(Reply::Refused(problem)),
        };
        if if_match.is_some_and(|wanted| !etag::is_named(&wanted, &row.etag())) {
            let detail = format!("the link's entity tag is {}", row.etag());
            return Step::reply(Reply::Refused(Problem::new(&PRECONDITION_FAILED, detail)));
        }
        let mut row = Row { version: row.version.saturating_add(1), ..row.clone() };
        let deleted = matches!(change, Change::Delete);
        match change {
            Change::Delete => row.deleted_at = Some(now),
            Change::Patch(patch) => {
                if let Err(problem) = patch.onto(&mut row) {
                    return Step::reply(Reply::Refused(problem));
                }
            }
        }
        let register = row.register(view.epoch);
        let write = Write::Updated(row.clone());
        let posts = vec![register.clone()];
        let reply = if deleted { Reply::Deleted(register) } else { Reply::Changed(row, register) };
        Step { writes: vec![write], posts, tells: Vec::new(), reply }
    }
}

/// M4: what was not hashed is not stored.
fn hashed(password: Option<Password>) -> Result<Option<Hash>, Problem> {
    match password {
        None => Ok(None),
        Some(Password::Hashed(hash)) => Ok(Some(hash)),
        Some(Password::Plain(_)) => Err(Problem::new(&INTERNAL, "the password was not hashed")),
    }
}

impl Patch {
    /// `row` has its new version already, which a new password takes.
    fn onto(self, row: &mut Row) -> Result<(), Problem> {
        row.long_url = self.long_url.unwrap_or_else(|| row.long_url.clone());
        row.expires_at = self.expires_at.unwrap_or(row.expires_at);
        row.redirect = self.redirect.unwrap_or(row.redirect);
        row.title = self.title.unwrap_or_else(|| row.title.clone());
        row.tags = self.tags.unwrap_or_else(|| row.tags.clone());
        row.rules = self.rules.unwrap_or_else(|| row.rules.clone());
        row.max_clicks = self.max_clicks.unwrap_or(row.max_clicks);
        row.fallback_url = self.fallback_url.unwrap_or_else(|| row.fallback_url.clone());
        if let Some(given) = self.password {
            row.password = hashed(given)?.map(|hash| Sealed { hash, version: row.version });
        }
        Ok(())
    }
}

impl Machine for Links {
    type Key = Key;
    type View = View;
    type Input = Input;
    type Write = Write;
    type Post = Register;
    type Tell = core::convert::Infallible;
    type Reply = Reply;

    fn reads(&self, input: &Input, keys: &mut BTreeSet<Key>) {
        let (Input::Create { name, .. } | Input::Change { name, .. }) = input;
        keys.insert(Key::Code(name.clone()));
        let Input::Create { app, creator, draft, .. } = input else { return };
        if draft.reuse && draft.password.is_none() {
            keys.insert(Key::Like { app: app.clone(), likeness: draft.likeness(creator) });
        }
        if let Some(id) = &draft.external_id {
            keys.insert(Key::External { app: app.clone(), id: id.clone() });
        }
    }

    fn decide(&self, view: &View, at: At, input: Input) -> Step<Self> {
        match input {
            Input::Create { id, name, app, creator, draft } => {
                Self::create(view, at.now, (id, name, (app, creator), draft))
            }
            Input::Change { name, app, if_match, change } => {
                Self::change(view, at.now, (name, app, if_match, change))
            }
        }
    }

    fn apply(&self, view: &mut View, write: &Write) {
        let row = write.row().clone();
        view.rows.insert(row.name.clone(), row);
    }

    fn deadline(&self, _: &View) -> Option<Deadline> {
        None
    }
}

#[cfg(test)]
mod tests;
