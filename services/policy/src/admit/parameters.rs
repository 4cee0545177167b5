//! Parameters that an API demands: headers, query parameters, path variables, form fields.
//!
//! A parameter is there when its name is; a path variable when the API's path has it, so an API
//! whose path has not refuses all. Names are
//! compared after decoding. A query or form that can not be decoded is refused, but only where a
//! parameter is demanded of it: others pass as they are.

use std::borrow::Cow;

use http::HeaderName;
use http::header::CONTENT_TYPE;

use super::AdmitRequest;
use crate::errors::{Entry, admit as entries};
use crate::route::Match;

/// How much of a form the gateway reads to find the fields that are demanded, bytes. It is held
/// in memory for each request that is looked at.
const FORM_MAX: usize = 64 << 10;

/// One parameter that is demanded.
#[derive(Debug)]
pub(crate) struct Required {
    pub(crate) place: Place,
    /// As in the configuration; the refusal names it so.
    pub(crate) name: String,
}

/// Where a parameter stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Header(HeaderName),
    Query,
    Path,
    Form,
}

/// Why a request is refused: the entry, and the value of its `xxx`.
type Denial<'p> = (&'static Entry, Cow<'p, str>);

// === impl Match ===

impl Match<'_> {
    /// How many bytes of the body [`AdmitRequest::form`] is to have; 0 when nobody looks at it.
    pub fn form_max(&self) -> usize {
        let reads = self.api.rules.parameters.iter().any(|required| required.place == Place::Form);
        if reads { FORM_MAX } else { 0 }
    }
}

/// The first demanded parameter that is not there.
pub(super) fn check<'p>(matched: &Match<'p>, request: &AdmitRequest<'_>) -> Result<(), Denial<'p>> {
    for Required { place, name } in &matched.api.rules.parameters {
        match place {
            Place::Header(header) => {
                if !request.headers.contains_key(header) {
                    return Err((&entries::HEADER_REQUIRED, name.into()));
                }
            }
            Place::Query => {
                let query = request.query.unwrap_or_default().as_bytes();
                if !has(query, name).ok_or((UNREADABLE, "query".into()))? {
                    return Err((&entries::QUERY_REQUIRED, name.into()));
                }
            }
            Place::Path => {
                let value = matched.variable(request.path, name).unwrap_or_default();
                decode(value.as_bytes(), false).ok_or((UNREADABLE, "path".into()))?;
                if value.is_empty() {
                    return Err((&entries::PATH_VARIABLE_REQUIRED, name.into()));
                }
            }
            Place::Form => {
                if !is_form(request) {
                    return Err((&entries::FORM_TYPE, Cow::Borrowed("")));
                }
                if !has(request.form, name).ok_or((UNREADABLE, "form".into()))? {
                    return Err((&entries::FORM_REQUIRED, name.into()));
                }
            }
        }
    }
    Ok(())
}

const UNREADABLE: &Entry = &entries::PARAMETER_UNREADABLE;

/// Whether the body says that it is a form.
fn is_form(request: &AdmitRequest<'_>) -> bool {
    let kind = request.headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// Whether `text`, of the form `a=1&b=2`, has `name`. Nothing: it can not be decoded.
fn has(text: &[u8], name: &str) -> Option<bool> {
    let mut found = false;
    for pair in text.split(|byte| *byte == b'&') {
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (key, value) = pair.split_at(end);
        found |= decode(key, true)? == name;
        decode(value, true)?;
    }
    Some(found)
}

/// Percent-decoded text; in forms `+` is a blank.
fn decode(raw: &[u8], plus: bool) -> Option<Cow<'_, str>> {
    let plain = |byte: &u8| *byte != b'%' && !(plus && *byte == b'+');
    if raw.iter().all(plain) {
        return str::from_utf8(raw).ok().map(Cow::Borrowed);
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter();
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?,
            b'+' if plus => b' ',
            other => *other,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_after_decoding() {
        let rows: [(&str, Option<bool>); 13] = [
            ("", Some(false)),
            ("city=x", Some(true)),
            ("city", Some(true)),
            ("city=", Some(true)),
            ("a=1&city=x", Some(true)),
            ("%63ity=x", Some(true)),
            ("citys=x", Some(false)),
            ("a=city", Some(false)),
            ("City=x", Some(false)),
            ("city=%", None),
            ("city=%4", None),
            ("city=%zz", None),
            ("city=x&b=%ff", None),
        ];
        for (query, expect) in rows {
            assert_eq!(has(query.as_bytes(), "city"), expect, "{query}");
        }
        assert_eq!(has(b"a+b=1", "a b"), Some(true));
        assert_eq!(decode(b"a+b", false).as_deref(), Some("a+b"));
        assert_eq!(decode("%E5%8C%97".as_bytes(), true).as_deref(), Some("北"));
    }
}
