//! The catalog of errors, as data: what a client reads, why it happened, what to do.
//!
//! - Texts are verbatim those of the provider's published tables; where these have none, the
//!   entry is marked [`Entry::own`]. Causes and remedies are in our own words.
//! - Placeholders are `$host`, `$env_mapping`, `$uri` and, as the tables write it, `xxx`.
//!   [`fill`] puts values in, in one pass: a value that looks like a placeholder stays as it is.
//! - Every row of the published tables stands here. One whose cause can not exist yet says what is
//!   missing ([`State::Later`]); all others are raised by something, and tests demand it.
//! - Each entry that is an answer has a form in both dialects: its own fields are the `tencent` one.

pub mod admit;
pub mod blueking;
pub mod credentials;
mod find;
pub mod forward;
pub mod framing;
mod later;
pub mod routing;
mod tls;
mod variants;

use std::borrow::Cow;
use std::fmt::Write;

use record::Fault;

pub use blueking::Form;
pub use find::{Found, of_text};

/// What may stand in a text and is filled in.
const PLACEHOLDERS: [&str; 4] = ["$env_mapping", "$host", "$uri", "xxx"];

/// What most entries have in common: each file of the catalog says how its own differ.
const PLAIN: Entry = Entry {
    id: "",
    status: 0,
    text: "",
    shown: None,
    fault: Fault::Client,
    own: false,
    retry_after_s: None,
    cause: Words { en: "", zh: "" },
    remedy: Words { en: "", zh: "" },
    raised_by: RaisedBy::Policy,
    state: State::Now,
    blueking: blueking::NO_ANSWER,
};

/// One error that the gateway answers with.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Stable name, like `hmac-format`; unique.
    pub id: &'static str,
    /// Status of the answer. 499 is never sent: nobody is there to read it. 0 when there is no
    /// answer, since the connection ends before HTTP: see [`Entry::answer`].
    pub status: u16,
    /// `err_msg` of the record, with placeholders. Without an answer there is no record either, and
    /// this is what the client's own library says.
    pub text: &'static str,
    /// What the client reads, where it differs from `text`.
    pub shown: Option<&'static str>,
    /// Whose failure it is, unless the state of the connections says otherwise. Nobody's where
    /// nothing is recorded.
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
    /// Whether its cause can exist yet.
    pub state: State,
    /// The other dialect's form.
    pub blueking: Form,
}

/// Whether the cause of an entry can exist yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A request can get it.
    Now,
    /// No request can get it before this exists.
    Later(Missing),
}

/// What has to exist before an entry can be raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Tokens of an authorization server.
    OAuth,
    /// Usage plans.
    Plans,
    /// Limits of calls per second.
    RateLimits,
    /// Limits of calls in total.
    Quota,
    /// Limits of calls at a time.
    Concurrency,
    /// Connections over TLS.
    Tls,
    /// HTTP/2.
    Http2,
    /// WebSocket.
    WebSocket,
    /// Backends that are looked up: microservices and clusters.
    ServiceDiscovery,
    /// The other dialect.
    Blueking,
    /// Accounts with a balance.
    Ledger,
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

// === impl Entry ===

impl Entry {
    /// Status of the answer; nothing when the connection ends before there can be one.
    pub fn answer(&self) -> Option<u16> {
        (self.status != 0).then_some(self.status)
    }

    /// The other dialect's form of the answer, if there is one.
    pub fn form(&self) -> Option<Form> {
        (self.blueking.code != 0).then_some(self.blueking)
    }
}

// === impl State ===

impl State {
    /// What is missing before it can be raised, in a word.
    pub const fn missing(self) -> Option<&'static str> {
        match self {
            Self::Now => None,
            Self::Later(missing) => Some(match missing {
                Missing::OAuth => "oauth",
                Missing::Plans => "plans",
                Missing::RateLimits => "rate_limits",
                Missing::Quota => "quota",
                Missing::Concurrency => "concurrency",
                Missing::Tls => "tls",
                Missing::Http2 => "http2",
                Missing::WebSocket => "websocket",
                Missing::ServiceDiscovery => "service_discovery",
                Missing::Blueking => "blueking",
                Missing::Ledger => "ledger",
            }),
        }
    }
}

/// The whole catalog, by status and then in the order of the checks; at the end what is no answer. Sorted at each call: not
/// for the way of a request.
pub fn catalog() -> impl Iterator<Item = &'static Entry> {
    let mut all: Vec<&'static Entry> = [
        framing::ENTRIES,
        routing::ENTRIES,
        admit::ENTRIES,
        credentials::ENTRIES,
        later::ENTRIES,
        forward::ENTRIES,
        variants::ENTRIES,
        tls::ENTRIES,
    ]
    .concat();
    all.sort_by_key(|entry| entry.answer().unwrap_or(u16::MAX));
    all.into_iter()
}

/// The entry of that id.
pub fn by_id(id: &str) -> Option<&'static Entry> {
    catalog().find(|entry| entry.id == id)
}

/// What `code` may mean: the entry of that id, those with that status in either dialect, those
/// with that code of the `blueking` dialect. In the order of [`catalog`].
pub fn by_code(code: &str) -> Vec<&'static Entry> {
    let number = code.parse::<u32>().ok();
    let is_meant = |entry: &&Entry| {
        let form = entry.form();
        let numbers = [
            entry.answer().map(u32::from),
            form.map(|form| u32::from(form.status)),
            form.map(|form| form.code),
        ];
        entry.id == code || (number.is_some() && numbers.contains(&number))
    };
    catalog().filter(is_meant).collect()
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
