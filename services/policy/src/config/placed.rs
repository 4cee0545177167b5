//! What is placed into the requests of a backend: path variables in its path, constants and
//! variables in its query and headers.

use http::HeaderName;
use http::header;
use settings::{Fields, Value};

use crate::route::{Form, Placed, Template, encode};

/// Most parameters, and most headers, that are placed into one request.
const PLACED_MAX: usize = 64;
/// Longest text of one of them in bytes.
const TEXT_MAX: usize = 4096;

/// Headers that can not be placed: they frame the message, belong to the connection, or are the
/// gateway's own.
const RESERVED: [HeaderName; 17] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("x-api-requestid"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

/// Reads `query` and `headers` of a backend, and the variables in `base`, the path of its `url`.
pub(super) fn read(fields: &Fields<'_>, url: &Value<'_>, base: &str, form: &Form) -> Placed {
    let names = form.variables();
    let path = template(url, base, names).filter(|template| !template.is_constant());
    let mut placed = Placed { path, ..Placed::default() };
    for (name, value) in entries(fields, "query") {
        let Some(template) = read_text(&value, names) else { continue };
        let mut encoded = String::new();
        encode(&mut encoded, name, false);
        placed.query.push((name.to_owned(), encoded, template.for_query()));
    }
    for (name, value) in entries(fields, "headers") {
        let Some(template) = read_text(&value, names) else { continue };
        match name.parse::<HeaderName>() {
            Err(_) => value.mistake(format!("`{name}` is not the name of a header")),
            Ok(name) if RESERVED.contains(&name) => {
                value.mistake(format!("the gateway sets `{name}` itself"));
            }
            Ok(name) if placed.headers.iter().any(|(other, _)| *other == name) => {
                value.mistake("the header stands twice");
            }
            Ok(name) => placed.headers.push((name, template)),
        }
    }
    placed
}

fn entries<'d>(fields: &Fields<'d>, key: &'static str) -> Vec<(&'d str, Value<'d>)> {
    let Some(value) = fields.optional(key) else { return Vec::new() };
    let entries = value.entries();
    if entries.len() > PLACED_MAX {
        value.mistake(format!("{} entries; at most {PLACED_MAX} are accepted", entries.len()));
    }
    entries
}

fn read_text(value: &Value<'_>, names: &[String]) -> Option<Template> {
    let text: String = value.scalar()?;
    if text.len() > TEXT_MAX {
        value.mistake(format!("{} bytes; at most {TEXT_MAX} are accepted", text.len()));
    }
    if text.bytes().any(|byte| !(b' '..=b'~').contains(&byte)) || text.trim() != text {
        value.mistake("a placed text is one line of ASCII, without blanks around it");
        return None;
    }
    template(value, &text, names)
}

fn template(value: &Value<'_>, text: &str, names: &[String]) -> Option<Template> {
    match Template::parse(text, names) {
        Ok(template) => Some(template),
        Err(name) => {
            value.mistake(format!("the path of the API has no variable `{name}`"));
            None
        }
    }
}
