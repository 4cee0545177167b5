//! The catalog of errors, as data: what a client reads, why it happened, what to do.
//!
//! - Texts are verbatim those of the provider's published tables; where these have none, the
//!   entry is marked [`Entry::own`]. Causes and remedies are in our own words.
//! - Placeholders are `$host`, `$env_mapping`, `$uri` and, as the tables write it, `xxx`.
//!   [`fill`] puts values in, in one pass: a value that looks like a placeholder stays as it is.
//! - An entry stands here only if something raises it; a test demands it.

pub mod credentials;
mod find;
pub mod forward;
pub mod framing;
pub mod routing;

use std::borrow::Cow;
use std::fmt::Write;

use record::Fault;

pub use find::of_text;

/// What may stand in a text and is filled in.
const PLACEHOLDERS: [&str; 4] = ["$env_mapping", "$host", "$uri", "xxx"];

/// One error that the gateway answers with.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Stable name, like `hmac-format`; unique.
    pub id: &'static str,
    /// Status of the answer. 499 is never sent: nobody is there to read it.
    pub status: u16,
    /// `err_msg` of the record, with placeholders.
    pub text: &'static str,
    /// What the client reads, where it differs from `text`.
    pub shown: Option<&'static str>,
    /// Whose failure it is, unless the state of the connections says otherwise.
    pub fault: Fault,
    /// True when the provider's tables have no such row.
    pub own: bool,
    /// Seconds for the `Retry-After` header, where coming again helps.
    pub retry_after_s: Option<u32>,
    /// Why it happened.
    pub cause: Words,
    /// What to do about it.
    pub remedy: Words,
    /// Which part of the system answers with it.
    pub raised_by: RaisedBy,
}

/// One sentence or two, in both languages.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub en: &'static str,
    /// Simplified Chinese.
    pub zh: &'static str,
}

/// Which part of the system answers with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RaisedBy {
    /// [`crate::Policy::route`] or [`crate::Policy::admit`].
    Policy,
    /// The gateway, from the state of its connections.
    Gateway,
}

/// The whole catalog, by status and then in the order of the checks.
pub fn catalog() -> impl Iterator<Item = &'static Entry> {
    let mut all: Vec<&'static Entry> =
        [framing::ENTRIES, routing::ENTRIES, credentials::ENTRIES, forward::ENTRIES].concat();
    all.sort_by_key(|entry| entry.status);
    all.into_iter()
}

/// The entry of that id.
pub fn by_id(id: &str) -> Option<&'static Entry> {
    catalog().find(|entry| entry.id == id)
}

/// `text` with its placeholders replaced by their values; one without value stays.
pub fn fill(text: &'static str, values: &[(&str, &str)]) -> Cow<'static, str> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((at, name)) = first_placeholder(rest) {
        let value = values.iter().find(|(key, _)| *key == name).map_or(name, |(_, value)| value);
        filled.push_str(&rest[..at]);
        filled.push_str(value);
        rest = &rest[at + name.len()..];
    }
    if rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    filled.push_str(rest);
    Cow::Owned(filled)
}

/// The body that says `text`: `{"message":"…"}`, escaped as JSON demands.
pub fn body(text: &str) -> String {
    let mut body = String::with_capacity(text.len() + r#"{"message":""}"#.len());
    body.push_str(r#"{"message":""#);
    for c in text.chars() {
        match c {
            '"' => body.push_str("\\\""),
            '\\' => body.push_str("\\\\"),
            '\0'..='\u{1f}' => {
                write!(body, "\\u{:04x}", u32::from(c)).expect("a String takes every text");
            }
            _ => body.push(c),
        }
    }
    body.push_str("\"}");
    body
}

/// Where the first placeholder of `text` begins, and which one it is.
fn first_placeholder(text: &str) -> Option<(usize, &'static str)> {
    let at = |name: &'static str| text.find(name).map(|at| (at, name));
    PLACEHOLDERS.into_iter().filter_map(at).min()
}

#[cfg(test)]
mod tests;
