//! The forms of names and paths in the configuration.

use settings::{Fields, Value};

use crate::route::{Form, HOST_MAX, normal_host};

/// Longest id in bytes: it stands in every record, and the provider's have 16.
const ID_MAX: usize = 64;

/// The required id `key`; empty when it is missing or wrong.
pub(super) fn id(fields: &Fields<'_>, key: &'static str) -> String {
    fields.required(key).and_then(|value| id_of(&value)).unwrap_or_default()
}

/// The id `key`; empty when it is absent or wrong.
pub(super) fn optional_id(fields: &Fields<'_>, key: &'static str) -> String {
    fields.optional(key).and_then(|value| id_of(&value)).unwrap_or_default()
}

/// An id: accounts, services, APIs, keys, plans, orders and products have one form.
pub(super) fn id_of(value: &Value<'_>) -> Option<String> {
    let text: String = value.scalar()?;
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if (1..=ID_MAX).contains(&text.len()) && text.bytes().all(good) {
        return Some(text);
    }
    value.mistake(format!(
        "`{text}` is not an id: 1 to {ID_MAX} letters, digits, `-`, `_` and `.` are accepted"
    ));
    None
}

/// A host name of a service, in the form that requests are compared in.
pub(super) fn host_of(value: &Value<'_>) -> Option<Box<str>> {
    let text: String = value.scalar()?;
    let mut buffer = [0; HOST_MAX];
    match normal_host(text.as_bytes(), &mut buffer) {
        Some(host) if text.eq_ignore_ascii_case(host) => Some(host.into()),
        Some(_) => {
            value.mistake(format!("`{text}`: a host stands without port and final dot"));
            None
        }
        None => {
            value.mistake(format!("`{text}` is not a host name, like `api.example.com`"));
            None
        }
    }
}

/// The path of an API: as written, and read.
pub(super) fn path_of(value: &Value<'_>) -> Option<(String, Form)> {
    let text: String = value.scalar()?;
    match Form::parse(&text) {
        Ok(form) => Some((text, form)),
        Err(reason) => {
            value.mistake(reason);
            None
        }
    }
}
