//! What of a request stands beside its body: path, query, headers.
//!
//! Invariant: every `{name}` of a path and every name of `route.query` is described.

use crate::page::{LIMIT_DEFAULT, LIMIT_MAX};
use crate::route::{Op, Route, Side};
use alloc::vec::Vec;
use serde_json::{Value, json};

/// The parameters of one operation.
pub(super) fn of(route: &Route) -> Vec<Value> {
    let names = route.path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?;
        name.strip_suffix('}')
    });
    let mut out: Vec<Value> = names.map(|name| in_path(route, name)).collect();
    out.extend(route.query.iter().map(|name| in_query(route, name)));
    if route.is_idempotent() {
        out.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": route.requires_key(),
            "description": "Copies of a request under one key have one effect and one answer, \
                            for 24 hours.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
            "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
        }));
    }
    if route.is_conditional() {
        out.push(json!({
            "name": "If-Match",
            "in": "header",
            "required": false,
            "description": "Only when this is still the entity tag; `*` is any.",
            "schema": {"type": "string"},
            "example": "\"1\"",
        }));
    }
    if matches!(route.op, Op::LinkGet | Op::LimitPolicyGet) {
        out.push(json!({
            "name": "If-None-Match",
            "in": "header",
            "required": false,
            "description": "304 while this is the entity tag.",
            "schema": {"type": "string"},
            "example": "\"1\"",
        }));
    }
    out
}

fn in_path(route: &Route, name: &str) -> Value {
    let (about, example) = match name {
        "name" if route.product == "limits" => ("The policy's name.", "checkout"),
        "policy" if route.side == Side::Edge => ("The policy's name.", "checkout"),
        "policy" => ("The name of one of the service's own policies.", "api"),
        "id" if route.product == "video" => ("The video.", "vid_08Ew1PYy71m"),
        "rendition" => ("A rendition, or `captions`.", "v720-avc"),
        "language" => ("A language's tag (BCP 47).", "pt-br"),
        "generation" => ("The encoding, counted from 1.", "1"),
        "key" if route.product == "video" => {
            ("`{app}/{video}/{path}`, percent-encoded.", "app_1%2Fvid_1%2Fv720-avc%2F7.m4s")
        }
        "file" if route.path.contains("{rendition}") => (
            "`media.m3u8`, `iframes.m3u8`, `{generation}-init.mp4`, `{generation}-{n}.m4s`; \
             `{language}.vtt` or `{language}.m3u8` of captions.",
            "media.m3u8",
        ),
        "file" => ("`poster.jpg`, `storyboard.vtt` or `storyboard-{n}.jpg`.", "storyboard.vtt"),
        "id" if route.path.contains("/accounts/") => ("The account.", "acc_08Ew1PYy71m"),
        "id" if route.path.contains("/statement-accounts/") => ("The account.", "acc_08Ew1PYy71m"),
        "id" if route.path.contains("/payouts/") => ("The payout.", "pot_08Ew1PYy71m"),
        "id" if route.path.contains("/sagas/") => ("The saga.", "sga_08Ew1PYy71m"),
        "id" if route.path.contains("/reconciliations/") => {
            ("The reconciliation.", "rec_08Ew1PYy71m")
        }
        "id" if route.path.contains("/payments/") => ("The payment.", "pay_08Ew1PYy71m"),
        "key" if route.product == "payments" => ("The order's key.", "pay_08Ew1PYy71m-1"),
        "key" => ("The key, percent-encoded.", "ann"),
        "id" if route.path.contains("/transfers/") => ("The transfer.", "trf_08Ew1PYy71m"),
        "id" if route.path.contains("/webhook_endpoints/") => {
            ("The webhook endpoint.", "whe_08Ew1PYy71m")
        }
        "delivery" => ("The delivery.", "whd_08Ew1PYy71m"),
        "gateway" => ("The gateway.", "stripe"),
        "code" => ("The link's code or alias.", "0004c92"),
        "kid" => ("The key's public name.", "0000001a2bc"),
        "id" => ("The row's number.", "17"),
        "request" => ("The request's id.", "prv_000gT6o8p5x"),
        "alias" => ("The alias, in whatever case.", "press"),
        "name" => ("The domain, in Unicode or punycode.", "bad.example"),
        "product" => ("The product; `http` is none's.", "links"),
        "slug" => ("The last segment of the problem's type.", "alias-taken"),
        _ => ("", "x"),
    };
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": about,
        "schema": {"type": "string"},
        "example": example,
    })
}

/// What a product asks in its own way.
fn own(route: &Route, name: &str) -> Option<(&'static str, Value, Value)> {
    match route.product {
        "limits" => return of_limits(name),
        "video" => return of_video(name),
        _ => {}
    }
    let is_statement = route.path.contains("/reconciliations");
    let of_statement = if is_statement { of_statements(name) } else { None };
    of_statement.or_else(|| of_payments(route, name))
}

fn in_query(route: &Route, name: &str) -> Value {
    let (about, schema, example) = match name {
        name if own(route, name).is_some() => own(route, name).unwrap_or_default(),
        "limit" => (
            "Items on the page.",
            json!({
                "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT,
            }),
            json!(20),
        ),
        "cursor" => (
            "`next_cursor` of the page before.",
            json!({"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}),
            json!(crate::page::cursor("lnk_000gT6o8p5z")),
        ),
        "tag" => ("Only with this tag.", json!({"type": "string"}), json!("docs")),
        "q" => ("Only with this text in them.", json!({"type": "string"}), json!("selvage")),
        "from" => (
            "First moment: RFC 3339 or a date; 30 days before `to` when missing.",
            json!({"type": "string"}),
            json!("2026-11-01T00:00:00Z"),
        ),
        "to" => (
            "Last moment: RFC 3339 or a date; now when missing.",
            json!({"type": "string"}),
            json!("2026-11-20T00:00:00Z"),
        ),
        "interval" => (
            "The width of a slot.",
            json!({"type": "string", "enum": ["hour", "day"], "default": "hour"}),
            json!("day"),
        ),
        "format" => (
            "The form of the answer: `csv` or `json` of an export, `svg` or `png` of a QR code; \
             the first of the two when missing.",
            json!({"type": "string", "enum": ["csv", "json", "svg", "png"]}),
            json!("svg"),
        ),
        "size" => (
            "Pixels of a side, at most: a PNG has whole pixels a module.",
            json!({"type": "integer", "minimum": 64, "maximum": 2048, "default": 256}),
            json!(512),
        ),
        "margin" => (
            "Light modules around the code.",
            json!({"type": "integer", "minimum": 0, "maximum": 16, "default": 4}),
            json!(4),
        ),
        "key" => ("The register's key.", json!({"type": "string"}), json!("0/0004c92")),
        "app" => ("Only this application's.", json!({"type": "string"}), json!("app_000gT6o8p5y")),
        _ => of_states(name),
    };
    json!({
        "name": name,
        "in": "query",
        "required": matches!(name, "key" | "entry")
            || name == "account" && route.method == "POST",
        "description": about,
        "schema": schema,
        "example": example,
    })
}

/// What `name` means to video.
fn of_video(name: &str) -> Option<(&'static str, Value, Value)> {
    Some(match name {
        "token" => (
            "A playback token; a signed video is played with one.",
            json!({"type": "string"}),
            json!("eyJ2IjoidmlkXzEifQ.00112233445566778899aabbccddeeff"),
        ),
        "max_height" => (
            "The shorter side of the largest picture that is wanted.",
            json!({"type": "integer", "minimum": 1}),
            json!(720),
        ),
        "explain" => (
            "`1`: instead of the manifest, what was chosen and why.",
            json!({"type": "string", "enum": ["1"]}),
            json!("1"),
        ),
        "label" => (
            "What a person chooses the captions by; the language when missing.",
            json!({"type": "string", "maxLength": 100}),
            json!("Português"),
        ),
        "t" => {
            ("Seconds from the beginning.", json!({"type": "number", "minimum": 0}), json!(61.5))
        }
        "width" => (
            "Pixels; the next of 160, 320, 640 and 1280 is given.",
            json!({"type": "integer", "minimum": 1, "default": 640}),
            json!(320),
        ),
        _ => return None,
    })
}

/// What narrows a list to some states.
fn of_states(name: &str) -> (&'static str, Value, Value) {
    match name {
        "verdict" => ("Only what this became of.", json!({"type": "string"}), json!("block")),
        "parked" => ("Only what was refused.", json!({"type": "boolean"}), json!(true)),
        _ => ("", json!({"type": "string"}), json!("x")),
    }
}

/// What only reconciliations ask, or ask in their own way.
fn of_statements(name: &str) -> Option<(&'static str, Value, Value)> {
    use crate::payments::reconcile::request::{WINDOW_DAYS_DEFAULT, WINDOW_DAYS_MAX};
    let date = || json!({"type": "string", "format": "date"});
    Some(match name {
        "account" => (
            "The ledger account that the statement is about.",
            json!({"type": "string"}),
            json!("acc_08Ew1PYy71m"),
        ),
        "from" => (
            "The first day; the one after the last that is closed, else the statement's, when \
             missing.",
            date(),
            json!("2026-11-19"),
        ),
        "day" => ("The last day; the statement's when missing.", date(), json!("2026-11-19")),
        "window_days" => (
            "How many days apart the same money may stand on both sides.",
            json!({
                "type": "integer", "minimum": 0, "maximum": WINDOW_DAYS_MAX,
                "default": WINDOW_DAYS_DEFAULT,
            }),
            json!(3),
        ),
        "close" => (
            "Whether the day is closed with it: what comes later belongs to the next.",
            json!({"type": "boolean", "default": false}),
            json!(false),
        ),
        "kind" => ("Only findings of this kind.", json!({"type": "string"}), json!("missing_here")),
        _ => return None,
    })
}

/// What only limits ask, or ask in their own way.
fn of_limits(name: &str) -> Option<(&'static str, Value, Value)> {
    Some(match name {
        "from" => (
            "First moment: RFC 3339 or a date; an hour before `to` when missing, a day at most.",
            json!({"type": "string"}),
            json!("2026-11-20T04:00:00Z"),
        ),
        "to" => (
            "Last moment: RFC 3339 or a date; now when missing.",
            json!({"type": "string"}),
            json!("2026-11-20T05:00:00Z"),
        ),
        "enforce" => (
            "A refusal is a problem: 429, or 403 for a banned key.",
            json!({"type": "boolean", "default": false}),
            json!(true),
        ),
        "policy" => ("The policy's name.", json!({"type": "string"}), json!("checkout")),
        "key" => ("Whom to look at.", json!({"type": "string"}), json!("ann")),
        "tier" => ("A tier of the policy.", json!({"type": "string"}), json!("pro")),
        _ => return None,
    })
}

/// What only payments ask.
fn of_payments(route: &Route, name: &str) -> Option<(&'static str, Value, Value)> {
    Some(match name {
        "at" => (
            "The moment: RFC 3339, or a date for its end; now when missing.",
            json!({"type": "string"}),
            json!("2026-11-19T12:00:00Z"),
        ),
        "entry" => ("The entry.", json!({"type": "string"}), json!("ent_00000000000")),
        "account" => ("The account.", json!({"type": "string"}), json!("acc_08Ew1PYy71m")),
        "subject" => (
            "The subject's pseudonym, or, beside `app`, its `sub`.",
            json!({"type": "string"}),
            json!("sbj_00112233445566778899aabbccddeeff"),
        ),
        "status" if route.op == Op::WebhookDeliveries => (
            "Only what got so far.",
            json!({"type": "string", "enum": ["pending", "delivered", "dead", "canceled"]}),
            json!("dead"),
        ),
        "status" => ("Only in this state.", json!({"type": "string"}), json!("captured")),
        "name" => {
            ("Only what is called so, or begins so.", json!({"type": "string"}), json!("Ann"))
        }
        _ => return None,
    })
}
