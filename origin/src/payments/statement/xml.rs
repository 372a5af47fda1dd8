//! XML as a walk over elements: their names' path, their own text, one attribute.
//!
//! Refused: document types (and with them entities of one's own), nesting beyond what ISO 20022
//! has, texts beyond what its fields hold, anything that is not well formed.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use shared::payments::reconcile::statement::Refusal;

/// Elements within elements: ISO 20022's statements have at most 17.
const DEPTH_MAX: usize = 32;
/// An element's own text, in bytes: the longest field of ISO 20022 has 500 characters.
const TEXT_BYTES_MAX: usize = 4_096;

/// An element that begins or has ended.
#[derive(Debug)]
pub enum Node<'x, 'e> {
    /// It begins.
    Begin(&'x BytesStart<'e>),
    /// It has ended; its own text, without blanks around it.
    End(&'x str),
}

/// Walks over a document. `of` names an element, `visit` sees the path down to it and the line.
///
/// # Errors
/// What is not well formed or not allowed, and what `visit` refuses; with the line.
pub fn walk<T: Copy>(
    bytes: &[u8],
    of: impl Fn(&str) -> T,
    mut visit: impl FnMut(&[T], u64, Node<'_, '_>) -> Result<(), String>,
) -> Result<(), Refusal> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        Refusal::at(1 + breaks(good), "is no UTF-8")
    })?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let (mut line, mut counted) = (1, 0);
    let mut path: Vec<T> = Vec::with_capacity(DEPTH_MAX);
    let mut own = String::new();
    let mut is_over = false;
    loop {
        let event = reader.read_event();
        // The event's own line is where it begins.
        let began = line;
        let place = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        line += breaks(bytes.get(counted..place).unwrap_or_default());
        counted = place;
        let refused = |why: String| Refusal { line: began, why };
        match event.map_err(|error| refused(format!("is no XML: {error}")))? {
            Event::Start(start) => {
                if path.is_empty() && is_over || path.len() == DEPTH_MAX {
                    return Err(refused("has too much nesting, or more than one document".into()));
                }
                path.push(of(start.local_name().into_inner()));
                own.clear();
                visit(&path, began, Node::Begin(&start)).map_err(refused)?;
            }
            Event::End(_) => {
                visit(&path, began, Node::End(own.trim())).map_err(refused)?;
                path.pop();
                own.clear();
                is_over = path.is_empty();
            }
            Event::Text(text) => own.push_str(&text.xml10_content()),
            Event::CData(text) => own.push_str(&text.xml10_content()),
            Event::GeneralRef(name) => {
                let name = name.into_inner();
                let known = quick_xml::escape::unescape(&format!("&{name};")).map(Into::into);
                let known: String = known.map_err(|_| refused(format!("knows no &{name};")))?;
                own.push_str(&known);
            }
            Event::DocType(_) => return Err(refused("has a document type".into())),
            Event::Eof if path.is_empty() && is_over => return Ok(()),
            Event::Eof => return Err(refused("ends before its elements do".into())),
            _ => {}
        }
        if own.len() > TEXT_BYTES_MAX {
            return Err(refused(format!("has a text of more than {TEXT_BYTES_MAX} bytes")));
        }
    }
}

fn breaks(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}
