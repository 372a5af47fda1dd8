//! Many rows in one statement, whose text does not depend on how many: a source to select from.
//!
//! On PostgreSQL each column is one array; on SQLite rows are `values`, padded to a power of two
//! with rows whose first column is NULL, so that few texts exist and every one stays prepared.
//! Invariant: the columns of the source are called `column1`, `column2` …; a statement says
//! `where column1 is not null`, and no real row has NULL there.

use crate::db::{Engine, Error, Tx, Value};
use sqlx::any::AnyRow;

/// Rows of one statement: on SQLite 512 rows of up to 63 columns are what it binds at most.
const ROWS_MAX: usize = 512;

/// Between texts, and in the place of NULL: ASCII's unit and record separators.
const SEPARATOR: char = '\x1f';
const NULL: char = '\x1e';
/// The longest number with its comma.
const NUMBER_BYTES: usize = 21;
const SPLIT: &str = "string_to_array($, chr(31), chr(30))";

/// A column's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Int,
    Text,
}

impl Type {
    fn array(self) -> &'static str {
        match self {
            Self::Int => "$::text::bigint[]",
            Self::Text => "$::text::text[]",
        }
    }

    fn null(self) -> Value {
        match self {
            Self::Int => Value::MaybeInt(None),
            Self::Text => Value::MaybeText(None),
        }
    }
}

/// Rows that lie beside one another: value after value.
#[derive(Debug)]
pub struct Rows<'a> {
    pub types: &'a [Type],
    pub values: Vec<Value>,
}

impl Rows<'_> {
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.types.len().max(1)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The source's text with the values to bind, one or several times.
    fn sources(self, engine: Engine) -> Vec<(String, Vec<Value>)> {
        if self.is_empty() {
            return Vec::new();
        }
        match engine {
            Engine::Postgres => vec![self.arrays()],
            Engine::Sqlite => self.padded(),
        }
    }

    fn arrays(self) -> (String, Vec<Value>) {
        let width = self.types.len();
        let columns = self.types.iter().enumerate().map(|(at, of)| {
            let values = self.values.iter().skip(at).step_by(width);
            let split = if *of == Type::Text { split(values.clone()) } else { None };
            match split {
                Some(text) => (SPLIT, text),
                None => (of.array(), array(values)),
            }
        });
        let (casts, texts): (Vec<&str>, Vec<String>) = columns.unzip();
        let params: Vec<String> =
            casts.iter().zip(1..).map(|(cast, n)| cast.replace('$', &format!("${n}"))).collect();
        let names: Vec<String> = (1..=width).map(|n| format!("column{n}")).collect();
        let text = format!("unnest({}) as asked({})", params.join(", "), names.join(", "));
        (text, texts.into_iter().map(Value::Text).collect())
    }

    fn padded(self) -> Vec<(String, Vec<Value>)> {
        let Self { types, values } = self;
        let mut left = values.into_iter();
        let mut sources = Vec::new();
        loop {
            let mut some: Vec<Value> = left.by_ref().take(ROWS_MAX * types.len()).collect();
            if some.is_empty() {
                return sources;
            }
            let rows = (some.len() / types.len()).next_power_of_two();
            while some.len() < rows * types.len() {
                some.extend(types.iter().map(|of| of.null()));
            }
            // Every place is the next one: the text is as short as it can be.
            let row = format!("({})", vec!["?"; types.len()].join(","));
            sources.push((format!("(values {}) as asked", vec![row; rows].join(",")), some));
        }
    }
}

/// A column of text between separators, which PostgreSQL splits in one pass and without quotes;
/// `None` when a value holds one of them, or nothing would be left to split.
fn split<'a>(values: impl Iterator<Item = &'a Value>) -> Option<String> {
    let mut out = String::new();
    for (n, value) in values.enumerate() {
        if n > 0 {
            out.push(SEPARATOR);
        }
        match value {
            Value::Text(text) | Value::MaybeText(Some(text)) => {
                if text.bytes().any(|b| matches!(b, 0x1e | 0x1f)) {
                    return None;
                }
                out.push_str(text);
            }
            _ => out.push(NULL),
        }
    }
    (!out.is_empty()).then_some(out)
}

/// A column in PostgreSQL's text form of an array.
fn array<'a>(values: impl Iterator<Item = &'a Value> + Clone) -> String {
    let mut out = String::with_capacity(values.clone().count() * NUMBER_BYTES);
    out.push('{');
    for value in values {
        if out.len() > 1 {
            out.push(',');
        }
        push(&mut out, value);
    }
    out + "}"
}

fn push(array: &mut String, value: &Value) {
    use std::fmt::Write;
    match value {
        Value::Int(value) | Value::MaybeInt(Some(value)) => {
            // Writing into a String cannot fail.
            let _ = write!(array, "{value}");
        }
        Value::MaybeInt(None) | Value::MaybeText(None) => array.push_str("NULL"),
        Value::Text(value) | Value::MaybeText(Some(value)) => {
            array.push('"');
            for c in value.chars() {
                if matches!(c, '"' | '\\') {
                    array.push('\\');
                }
                array.push(c);
            }
            array.push('"');
        }
    }
}

impl Tx<'_> {
    /// Changes rows by a statement that `sql` makes of the source's text; how many.
    ///
    /// # Errors
    /// As the database says.
    pub async fn write_rows(
        &mut self,
        rows: Rows<'_>,
        sql: impl Fn(&str) -> String,
    ) -> Result<u64, Error> {
        let mut written = 0;
        for (source, values) in rows.sources(self.engine()) {
            written += self.write(&sql(&source), values).await?;
        }
        Ok(written)
    }

    /// Reads rows by a statement that `sql` makes of the source's text.
    ///
    /// # Errors
    /// As the database says.
    pub async fn read_rows(
        &mut self,
        rows: Rows<'_>,
        sql: impl Fn(&str) -> String,
    ) -> Result<Vec<AnyRow>, Error> {
        let mut found = Vec::new();
        for (source, values) in rows.sources(self.engine()) {
            found.append(&mut self.read(&sql(&source), values).await?);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values;

    const TYPES: &[Type] = &[Type::Int, Type::Text];

    fn sent(values: Vec<Value>) -> (String, Vec<String>) {
        let (text, values) = Rows { types: TYPES, values }.sources(Engine::Postgres).remove(0);
        let texts = values.into_iter().filter_map(|value| match value {
            Value::Text(text) => Some(text),
            _ => None,
        });
        (text, texts.collect())
    }

    #[test]
    fn columns_are_written_as_postgres_reads_them() {
        let (text, values) = sent(values![1u64, "a,\"b\\", 2u64, Option::<String>::None]);
        let split = "unnest($1::text::bigint[], string_to_array($2, chr(31), chr(30))) \
                     as asked(column1, column2)";
        assert_eq!(text, split);
        assert_eq!(values, ["{1,2}", "a,\"b\\\u{1f}\u{1e}"]);
        let quoted = "unnest($1::text::bigint[], $2::text::text[]) as asked(column1, column2)";
        for (bad, wanted) in [("a\u{1f}\"b\\", "{\"a\u{1f}\\\"b\\\\\"}"), ("", "{\"\"}")] {
            let (text, values) = sent(values![1u64, bad]);
            assert_eq!((text.as_str(), values[1].as_str()), (quoted, wanted));
        }
    }

    #[test]
    fn values_are_padded_to_few_sizes() {
        let rows = |count: u64| Rows {
            types: TYPES,
            values: (0..count).flat_map(|n| values![n, "x"]).collect(),
        };
        let sizes = |count| -> Vec<usize> {
            let sources = rows(count).sources(Engine::Sqlite);
            sources.iter().map(|(_, values)| values.len() / 2).collect()
        };
        assert_eq!(sizes(0), Vec::<usize>::new());
        assert_eq!(sizes(3), [4]);
        assert_eq!(sizes(512), [512]);
        assert_eq!(sizes(1_030), [512, 512, 8]);
        assert_eq!(
            rows(3).sources(Engine::Sqlite)[0].0,
            "(values (?,?),(?,?),(?,?),(?,?)) as asked"
        );
    }
}
