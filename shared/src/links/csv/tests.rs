//! Links as CSV: however the bytes are cut, and there and back.

use super::*;
use crate::time::Millis;

fn read(text: &[u8], chunk: usize) -> Result<Vec<Item>, Problem> {
    let mut rows = Rows::default();
    let mut items = Vec::new();
    for part in text.chunks(chunk) {
        items.extend(rows.feed(part)?);
    }
    items.extend(rows.feed(&[])?);
    Ok(items)
}

#[test]
fn lines_are_read_however_their_bytes_are_cut() {
    let text = b"\xef\xbb\xbflong_url,title,tags,redirect,expiry\r\n\
        https://a.example/,\"say \"\"hi\"\", you\",x|y,301,never\r\n\
        \r\n\
        https://b.example/,\"two\r\nlines\",,abc,\r\n\
        too,few\r\n\
        https://c.example/,,,,";
    let whole = read(text, 4_096).unwrap();
    for chunk in [1, 2, 3, 7, 50] {
        assert_eq!(read(text, chunk).unwrap(), whole, "{chunk}");
    }
    let bodies: Vec<&Result<Value, Problem>> = whole.iter().map(|item| &item.body).collect();
    assert_eq!(
        bodies[0].as_ref().unwrap(),
        &json!({"long_url": "https://a.example/", "title": "say \"hi\", you",
            "tags": ["x", "y"], "redirect": 301, "expiry": null})
    );
    assert_eq!(bodies[1].as_ref().unwrap()["redirect"], "abc");
    assert_eq!(bodies[2].as_ref().unwrap_err().status(), 422);
    assert_eq!(bodies[3].as_ref().unwrap(), &json!({"long_url": "https://c.example/"}));
    assert_eq!(whole.len(), 4);
}

#[test]
fn an_items_line_is_where_it_begins() {
    for end in ["\n", "\r\n"] {
        let lines = ["", "long_url,title", "a,", "b,\"x", "y\"", "", "", "c,", "d", "", "e,"];
        let text = lines.join(end);
        for chunk in [1, 2, 3, 100] {
            let items = read(text.as_bytes(), chunk).unwrap();
            let found: Vec<u64> = items.iter().map(|item| item.line).collect();
            assert_eq!(found, [3, 4, 8, 9, 11], "{end:?} {chunk}");
        }
    }
}

#[test]
fn what_no_line_can_be_read_from_is_refused_whole() {
    for text in [
        &b"url,title\r\nx,y"[..],
        b"title\r\nx",
        b"long_url,long_url\r\nx,y",
        b"long_url\r\n\xff\xfe\r\n",
    ] {
        assert!(matches!(read(text, 100).unwrap_err().status(), 400 | 422), "{text:?}");
    }
    let mut rows = Rows::default();
    let before = rows.feed(b"long_url\nhttps://a.example/\n\xff\n").unwrap();
    assert_eq!(before.len(), 1, "what was read before is not lost");
    assert_eq!(rows.feed(&[]).unwrap_err().status(), 400);
    let endless = [b"long_url\r\n\"".as_slice(), &vec![b'a'; RECORD_BYTES_MAX + 1]].concat();
    assert_eq!(read(&endless, 4_096).unwrap_err().status(), 400);
}

#[test]
fn an_export_reads_back() {
    let link = Link {
        id: "lnk_1".into(),
        short_code: "a-b".into(),
        short_url: "https://s.example/a-b".into(),
        long_url: "https://example.com/?a=1,2".into(),
        redirect: 307,
        rules: vec![super::super::rules::Rule {
            country: vec!["JP".into()],
            to: "https://jp.example/".into(),
            ..Default::default()
        }],
        max_clicks: Some(7),
        fallback_url: None,
        external_id: Some("x,\"1\"".into()),
        has_password: false,
        title: Some(" two\nlines ".into()),
        tags: vec!["a".into(), "b c".into()],
        created_at: Millis(1),
        expires_at: None,
    };
    let pipes = Link { tags: vec!["a|b".into(), "[c]".into()], ..link.clone() };
    let read_back = read((header() + &row(&pipes)).as_bytes(), 7).unwrap();
    assert_eq!(read_back[0].body.as_ref().unwrap()["tags"], json!(["a|b", "[c]"]));
    let items = read((header() + &row(&link)).as_bytes(), 5).unwrap();
    assert_eq!(
        items[0].body.as_ref().unwrap(),
        &json!({
            "custom_alias": "a-b", "long_url": "https://example.com/?a=1,2", "redirect": 307,
            "rules": [{"country": ["JP"], "to": "https://jp.example/"}], "max_clicks": 7,
            "external_id": "x,\"1\"", "title": " two\nlines ", "tags": ["a", "b c"],
            "expiry": null,
        })
    );
}

#[test]
fn a_row_that_had_a_password_is_not_imported_without_one() {
    let rows = ["long_url,has_password,password", "U,true,", "U,true, x", "U,,"].join("\n");
    let text = rows.replace('U', "https://a.example/");
    let items = read(text.as_bytes(), 9).unwrap();
    let refused = items[0].body.as_ref().unwrap_err();
    assert_eq!(refused.errors[0].pointer, "/password");
    let given = json!({"long_url": "https://a.example/", "password": " x"});
    assert_eq!(items[1].body.as_ref().unwrap(), &given);
    assert_eq!(items[2].body.as_ref().unwrap(), &json!({"long_url": "https://a.example/"}));
}
