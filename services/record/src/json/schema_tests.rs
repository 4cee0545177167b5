//! `schemas/record.schema.json`, its examples and the codec say the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{decode, encode};
use crate::key::Key;
use crate::{EPOCH_END, Fault, InstanceType, Net, Part, keys};

/// Written by hand, not by us: it need not come back byte for byte.
const FOREIGN: &str = "foreign.json";

fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas")
}

fn schema() -> Value {
    let text = std::fs::read_to_string(schemas().join("record.schema.json")).expect("the schema");
    serde_json::from_str(&text).expect("JSON")
}

fn examples() -> Vec<(String, Vec<u8>)> {
    let folder = schemas().join("examples");
    let files = std::fs::read_dir(folder).expect("the examples").map(|file| file.expect("a file"));
    let mut examples: Vec<_> = files
        .map(|file| {
            let name = file.file_name().into_string().expect("a name");
            (name, std::fs::read(file.path()).expect("readable"))
        })
        .collect();
    examples.sort();
    examples
}

#[test]
fn the_schema_has_the_codecs_keys_and_describes_each() {
    let schema = schema();
    assert_eq!(schema["x-version"], 1);
    let properties = schema["properties"].as_object().expect("properties");
    let described: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
    assert_eq!(described, keys().collect());
    for (key, property) in properties {
        let text = property["description"].as_str().unwrap_or_default();
        assert!(text.len() > 10, "`{key}` has no description");
    }
    let life = &schema["properties"]["life"]["properties"];
    assert!(life.as_object().expect("life").values().all(|key| key["description"].is_string()));
}

#[test]
fn the_schema_has_the_codecs_limits_and_words() {
    let schema = schema();
    let texts = crate::Record::default();
    for (key, _) in texts.texts() {
        let property = &schema["properties"][key.as_str()];
        let limit = Some(key.text_max()).filter(|&max| max != usize::MAX);
        let limit = limit.and_then(|max| u64::try_from(max).ok());
        assert_eq!(property["maxLength"].as_u64(), limit, "{key}");
    }
    let words = |key: Key, words: Vec<&str>| {
        let listed: Vec<&Value> = schema["properties"][key.as_str()]["enum"]
            .as_array()
            .expect("words")
            .iter()
            .filter(|word| !word.is_null())
            .collect();
        assert_eq!(listed, words, "{key}");
    };
    words(Key::Part, Part::ALL.iter().map(|word| word.as_str()).collect());
    words(Key::Fault, Fault::ALL.iter().map(|word| word.as_str()).collect());
    words(Key::Net, Net::ALL.iter().map(|word| word.as_str()).collect());
    words(Key::UpsNet, Net::ALL.iter().map(|word| word.as_str()).collect());
    words(Key::InstanceType, InstanceType::ALL.iter().map(|word| word.as_str()).collect());
    let epoch = schema["properties"]["epoch"]["maximum"].as_u64();
    assert_eq!(epoch, EPOCH_END.checked_sub(1));
}

#[test]
fn the_examples_are_read_and_written_again() {
    let examples = examples();
    assert!(examples.len() >= Part::ALL.len());
    let mut parts = BTreeSet::new();
    for (name, bytes) in &examples {
        let record = decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        parts.insert(record.part);
        let mut again = Vec::new();
        encode(&record, &mut again);
        if name == FOREIGN {
            assert_eq!(decode(&again), Ok(record), "{name}");
        } else {
            assert_eq!(&*String::from_utf8_lossy(&again), String::from_utf8_lossy(bytes), "{name}");
        }
    }
    assert_eq!(parts.len(), Part::ALL.len(), "an example for each part");
}

/// Each key of the schema stands in some example, so that none is only on paper.
#[test]
fn the_examples_show_every_key_and_keep_the_schema() {
    let schema = schema();
    let mut shown = BTreeSet::new();
    for (name, bytes) in examples() {
        let example: Value = serde_json::from_slice(&bytes).expect("JSON");
        for (key, value) in example.as_object().expect("an object") {
            let Some(known) = Key::of(key) else { continue };
            shown.insert(known.as_str());
            if name != FOREIGN {
                assert_valid(&schema["properties"][key], value, &format!("{name}: {key}"));
            }
        }
    }
    assert_eq!(shown, keys().collect());
}

/// The part of JSON Schema that our schema uses.
fn assert_valid(schema: &Value, value: &Value, at: &str) {
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{at}");
        return;
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = |allowed: &Value| allowed == kind || (allowed == "number" && kind == "integer");
    let fits = schema["type"].as_array().map_or(fits(&schema["type"]), |all| all.iter().any(fits));
    assert!(fits, "{at}: {kind}");
    if let Some(text) = value.as_str() {
        let max = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
        assert!(u64::try_from(text.chars().count()).is_ok_and(|len| len <= max), "{at}");
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        assert_valid(&schema["properties"][key], value, &format!("{at}.{key}"));
    }
    for value in value.as_array().into_iter().flatten() {
        assert_valid(&schema["items"], value, at);
    }
}
