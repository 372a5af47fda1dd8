//! What no product owns: operators' calls, tokens, and the homes' questions.

pub mod apps;
pub mod public_keys;
pub mod registers;
pub mod roads;
pub mod tokens;
