//! YAML as an editor reads it: the core schema of YAML 1.2, where `8080` is a number, `off` a text
//! and nothing at all is null. The product reads scalars as texts, so this is not its reader.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// A container whose end has not come yet.
enum Open {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

/// One document without anchors and tags.
///
/// # Panics
/// When the text is none.
pub fn read(text: &str) -> Value {
    let mut open: Vec<Open> = Vec::new();
    let mut root = Value::Null;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.unwrap_or_else(|error| panic!("not YAML: {error}\n{text}"));
        let done = match event {
            Event::SequenceStart(0, None) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(0, None) => {
                open.push(Open::Map(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop().expect("it was opened") {
                Open::List(items) => Value::Array(items),
                Open::Map(map, _) => Value::Object(map),
            },
            Event::Scalar(text, style, 0, None) => {
                if let Some(Open::Map(_, key @ None)) = open.last_mut() {
                    *key = Some(text.into_owned());
                    continue;
                }
                scalar(&text, style == ScalarStyle::Plain)
            }
            Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::MappingStart(..) => {
                panic!("an anchor, alias or tag in line {}", span.start.line());
            }
            _ => continue,
        };
        match open.last_mut() {
            None => root = done,
            Some(Open::List(items)) => items.push(done),
            Some(Open::Map(map, key)) => {
                map.insert(key.take().expect("a value follows its key"), done);
            }
        }
    }
    root
}

fn scalar(text: &str, plain: bool) -> Value {
    match text {
        _ if !plain => Value::from(text),
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if is_number(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        _ => Value::from(text),
    }
}

/// Digits, perhaps with a sign before and a part behind; no other base, no exponent.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    match text.split_once('.') {
        None => digits(text),
        Some((whole, part)) => digits(whole) && digits(part),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_are_what_an_editor_takes_them_for() {
        let text = "a: 1\nb: -0.5\nc: '1'\nd: off\ne: true\nf:\ng: [~, {h: 9_000}, 2026-11]\ni: {}";
        let expect = json!({
            "a": 1, "b": -0.5, "c": "1", "d": "off", "e": true, "f": null,
            "g": [null, {"h": "9_000"}, "2026-11"], "i": {},
        });
        assert_eq!(read(text), expect);
    }
}
