//! Creating, changing and deleting links, as a machine that the origin commits.
//!
//! Stored: a row per code that was ever issued ([`Row`]); a deleted one stays as a tombstone.
//! Invariants: M1 a code belongs to one link for ever (L5, L16). M2 every change raises the row's
//! version by one and posts the register of that version. M3 another application's link is
//! unknown.

use super::error::{ALIAS_TAKEN, EXTERNAL_ID_TAKEN};
use super::request::{Draft, LIFE_DEFAULT_MS, Patch};
pub use super::row::{Name, Row, not_found};
use crate::etag;
use crate::machine::{At, Deadline, Machine, Step};
use crate::problem::{PRECONDITION_FAILED, Problem};
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
            Change::Patch(patch) => patch.onto(&mut row),
        }
        let register = row.register(view.epoch);
        let write = Write::Updated(row.clone());
        let posts = vec![register.clone()];
        let reply = if deleted { Reply::Deleted(register) } else { Reply::Changed(row, register) };
        Step { writes: vec![write], posts, tells: Vec::new(), reply }
    }
}

/// Whether an `If-Match` names `etag`: strong comparison with each of a list (RFC 9110, section
/// 13.1.1). Our tags have no comma in them.
impl Patch {
    fn onto(self, row: &mut Row) {
        row.long_url = self.long_url.unwrap_or_else(|| row.long_url.clone());
        row.expires_at = self.expires_at.unwrap_or(row.expires_at);
        row.redirect = self.redirect.unwrap_or(row.redirect);
        row.title = self.title.unwrap_or_else(|| row.title.clone());
        row.tags = self.tags.unwrap_or_else(|| row.tags.clone());
        row.rules = self.rules.unwrap_or_else(|| row.rules.clone());
        row.max_clicks = self.max_clicks.unwrap_or(row.max_clicks);
        row.fallback_url = self.fallback_url.unwrap_or_else(|| row.fallback_url.clone());
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
        if draft.reuse {
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
mod tests {
    use super::*;
    use crate::machine::turn;

    const AT: At = At { now: Millis(1_000), draw: 0 };

    fn draft(alias: Option<&str>) -> Draft {
        Draft {
            long_url: "https://example.com/".into(),
            alias: alias.map(Into::into),
            expires_at: Some(None),
            redirect: 302,
            title: None,
            tags: Vec::new(),
            rules: Vec::new(),
            max_clicks: None,
            fallback_url: None,
            external_id: None,
            reuse: false,
        }
    }

    fn name(code: &str) -> Name {
        Name { domain: 0, code: code.into() }
    }

    fn create(code: &str, alias: bool) -> Input {
        let draft = draft(alias.then_some(code));
        Input::Create { id: 7, name: name(code), app: "app_1".into(), creator: None, draft }
    }

    fn change(app: &str, if_match: Option<&str>, change: Change) -> Input {
        let if_match = if_match.map(Into::into);
        Input::Change { name: name("abc"), app: app.into(), if_match, change }
    }

    #[test]
    fn of_many_creations_of_one_alias_in_one_turn_one_wins() {
        let mut view = View::default();
        let turn = turn(&Links, &mut view, AT, (0..500).map(|_| create("abc", true)));
        let created = turn.replies.iter().filter(|r| matches!(r, Reply::Created(..))).count();
        assert_eq!((created, turn.writes.len(), turn.posts.len()), (1, 1, 1));
        let Reply::Refused(problem) = &turn.replies[499] else { panic!("{:?}", turn.replies[499]) };
        assert_eq!(problem.kind, &ALIAS_TAKEN);
    }

    #[test]
    fn a_drawn_code_that_is_in_use_is_drawn_again_never_refused() {
        let mut view = View::default();
        let inputs = [create("aaaaaaa", true), create("aaaaaaa", false)];
        let turn = turn(&Links, &mut view, AT, inputs);
        assert_eq!(turn.replies[1], Reply::CodeInTheWay);
    }

    #[test]
    fn l15_a_live_link_is_reused_and_an_external_id_is_unique_among_live_links() {
        let mut view = View::default();
        let create = |code: &str, who: &str, change: fn(&mut Draft)| {
            let mut draft = draft(None);
            change(&mut draft);
            let (app, user) = who.split_once('/').unwrap_or((who, ""));
            let creator = (!user.is_empty()).then(|| user.into());
            Input::Create { id: 7, name: name(code), app: app.into(), creator, draft }
        };
        let turn = turn(
            &Links,
            &mut view,
            AT,
            [
                create("one", "app_1", |_| {}),
                create("two", "app_1", |draft| draft.reuse = true),
                create("three", "app_2", |draft| draft.reuse = true),
                create("four", "app_1", |draft| {
                    draft.reuse = true;
                    draft.redirect = 301;
                }),
                create("five", "app_1", |draft| draft.external_id = Some("x".into())),
                create("six", "app_1", |draft| draft.external_id = Some("x".into())),
                create("seven", "app_2", |draft| draft.external_id = Some("x".into())),
                create("eight", "app_1/ann", |draft| draft.reuse = true),
                create("nine", "app_1/ann", |draft| draft.reuse = true),
                create("ten", "app_1/bob", |draft| draft.reuse = true),
            ],
        );
        let code = |reply: &Reply| match reply {
            Reply::Created(row, _) => row.name.code.clone(),
            Reply::Reused(row, _) => format!("={}", row.name.code),
            other => format!("{other:?}").chars().take(7).collect(),
        };
        let codes: Vec<String> = turn.replies.iter().map(code).collect();
        assert_eq!(
            codes,
            ["one", "=one", "three", "four", "five", "Refused", "seven", "eight", "=eight", "ten"]
        );
    }

    #[test]
    fn a_change_raises_the_version_and_a_deleted_code_stays_taken() {
        let mut view = View::default();
        let patch = Patch { redirect: Some(301), ..Patch::default() };
        let turn = turn(
            &Links,
            &mut view,
            AT,
            [
                create("abc", true),
                change("app_1", Some("\"1\""), Change::Patch(patch)),
                change("app_1", Some("\"1\", W/\"2\""), Change::Delete),
                change("app_2", None, Change::Delete),
                change("app_1", Some("\"1\", \"2\""), Change::Delete),
                change("app_1", None, Change::Delete),
                create("abc", true),
            ],
        );
        let status = |reply: &Reply| match reply {
            Reply::Refused(problem) => problem.status(),
            _ => 0,
        };
        let statuses: Vec<u16> = turn.replies.iter().map(status).collect();
        assert_eq!(statuses, [0, 0, 412, 404, 0, 410, 409]);
        let versions: Vec<u64> = turn.posts.iter().map(|post| post.stamp.version).collect();
        assert_eq!(versions, [1, 2, 3]);
        assert_eq!(turn.posts[2].value, None);
    }
}
