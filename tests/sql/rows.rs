//! Many rows in one statement: whatever a text holds comes back as it was sent.

use crate::support::Place;
use origin::db;
use origin::rows::{Rows, Type};
use origin::values;

const TEXTS: [&str; 9] = [
    "",
    "plain",
    "NULL",
    "a,\"b\"\\{}",
    "line\nline\ttab",
    "ünï 🧵",
    "unit\u{1f}separator",
    "record\u{1e}separator",
    " blank ",
];

#[tokio::test]
async fn every_text_comes_back_alone_beside_others_and_beside_null() {
    let place = Place::new().await;
    let app = place.replica().await;
    let mut cases: Vec<Vec<Option<&str>>> = TEXTS.iter().map(|text| vec![Some(*text)]).collect();
    cases.extend(TEXTS.iter().map(|text| vec![None, Some(*text), Some("x"), None]));
    cases.push(TEXTS.iter().map(|text| Some(*text)).collect());
    cases.push(TEXTS[..6].iter().map(|text| Some(*text)).cycle().take(1_300).collect());
    for case in cases {
        let mut tx = app.db.begin().await.unwrap();
        let values =
            case.iter().zip(0u64..).flat_map(|(text, n)| values![n, text.map(str::to_owned)]);
        let rows = Rows { types: &[Type::Int, Type::Text], values: values.collect() };
        let found = tx
            .read_rows(rows, |rows| {
                format!("select column1, column2 from {rows} where column1 is not null")
            })
            .await
            .unwrap();
        let found: Vec<(u64, Option<String>)> = found
            .iter()
            .map(|row| {
                (db::number(row, "column1").unwrap(), db::maybe_text(row, "column2").unwrap())
            })
            .collect();
        let wanted: Vec<(u64, Option<String>)> =
            case.iter().zip(0..).map(|(text, n)| (n, text.map(str::to_owned))).collect();
        assert_eq!(found, wanted);
    }
}
