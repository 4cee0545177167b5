//! The defaults that the schema tells are those that the readers take.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::load;

/// Says nothing that has a default, and has each mapping that has one.
fn bare() -> Value {
    json!({
        "gateway": {
            "name": "g", "region": "r", "operator_account": "o", "workers": 1,
            "limits": {}, "timeouts": {}, "record": {},
        },
        "spool": {}, "store": {}, "metering": {}, "close": {}, "retention": {}, "query": {},
        "kafka": {"brokers": ["b:1"], "sasl": {"user": "u", "password": "p"}},
        "prices": {
            "books": ["bundled:published"],
            "accounts": [{"id": "a", "opening_use": [{"month": "2026-11"}]}],
        },
        "services": [{"id": "s", "account": "a", "hosts": ["h"], "apis": [
            {"id": "i", "path": "/i", "cors": {}, "backend": {
                "url": "http://a", "nodes": [{"address": "a:1"}], "health": {}, "timeouts": {},
            }},
            {"id": "j", "path": "/j", "backend": {"mock": {}}},
        ]}],
        "keys": [{"secret_id": "k", "secret": "s", "account": "a", "services": ["s"]}],
    })
}

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../../schemas/tollgate.schema.json")).expect("JSON")
}

/// What is said of a value: by its place, and by the definition that the place refers to.
fn said<'s>(schema: &'s Value, place: &'s Value) -> Vec<&'s Value> {
    let mut said = vec![place];
    let branches = place["anyOf"].as_array().into_iter().flatten();
    said.extend(branches.flat_map(|branch| self::said(schema, branch)));
    if let Some(name) = place["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        said.extend(self::said(schema, &schema["$defs"][name]));
    }
    said
}

/// Adds each default that `value` does not say; `told` collects what was added, by the names of
/// its mapping's keys and its own.
fn tell(schema: &Value, place: &Value, value: &mut Value, told: &mut BTreeSet<String>) {
    for said in said(schema, place) {
        if let (Some(properties), Some(map)) =
            (said["properties"].as_object(), value.as_object_mut())
        {
            for (key, place) in properties {
                add(key, place, properties, map, told);
                if let Some(value) = map.get_mut(key) {
                    tell(schema, place, value, told);
                }
            }
        }
        for item in value.as_array_mut().into_iter().flatten() {
            tell(schema, &said["items"], item, told);
        }
    }
}

fn add(
    key: &str,
    place: &Value,
    properties: &Map<String, Value>,
    map: &mut Map<String, Value>,
    told: &mut BTreeSet<String>,
) {
    let Some(default) = place.get("default") else { return };
    // `cors` stands in the bare configuration as a mapping, to have its own defaults told.
    if !map.contains_key(key) {
        map.insert(key.to_owned(), default.clone());
    } else if key != "cors" {
        return;
    }
    told.insert(name(key, properties));
}

fn name(key: &str, properties: &Map<String, Value>) -> String {
    format!("{key} of {}", properties.keys().cloned().collect::<Vec<_>>().join(", "))
}

/// The same names of all defaults of the schema.
fn all(schema: &Value, names: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        let with = properties.iter().filter(|(_, place)| place.get("default").is_some());
        names.extend(with.map(|(key, _)| name(key, properties)));
    }
    for value in schema.as_object().into_iter().flat_map(Map::values) {
        all(value, names);
    }
}

/// All that the readers made of a configuration, as text. JSON is YAML too.
fn read(configuration: &Value) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tollgate.yaml");
    std::fs::write(&file, configuration.to_string()).expect("a file");
    let mut config = load(&file).unwrap_or_else(|found| panic!("{found}\n{configuration}"));
    config.source = super::Source { file: "f".into(), text: 0, fixed: 0 };
    format!("{config:#?}").replace(&*folder.path().to_string_lossy(), "FOLDER")
}

#[test]
fn a_default_that_is_told_is_the_one_that_is_taken() {
    let schema = schema();
    let (mut told, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut full = bare();
    tell(&schema, &schema, &mut full, &mut told);
    all(&schema, &mut names);
    assert_eq!(told, names, "each default of the schema is told once");
    assert!(told.len() > 50, "only {told:?}");
    let (bare, full) = (read(&bare()), read(&full));
    let differ = bare.lines().zip(full.lines()).find(|(bare, full)| bare != full);
    assert_eq!(differ, None, "what is taken, and what is told");
    assert!(bare == full, "one of them goes on");
}

#[test]
fn another_value_than_the_default_shows() {
    let changed = |edit: fn(&mut Value)| {
        let mut configuration = bare();
        edit(&mut configuration);
        read(&configuration)
    };
    let bare = read(&bare());
    for (name, edit) in [
        ("grace", (|it| it["close"] = json!({"grace": "61s"})) as fn(&mut Value)),
        ("metrics", |it| it["metering"] = json!({"metrics": "127.0.0.1:9999"})),
        ("memory", |it| it["store"] = json!({"memory": "5GiB"})),
        ("batch_wait", |it| it["metering"] = json!({"batch_wait": "151ms"})),
        ("kind", |it| it["keys"][0]["kind"] = json!("application")),
        ("opening use", |it| {
            it["prices"]["accounts"][0]["opening_use"][0]["calls"] = json!(1);
        }),
        ("status", |it| it["services"][0]["apis"][1]["backend"]["mock"] = json!({"status": 201})),
        ("weight", |it| {
            it["services"][0]["apis"][0]["backend"]["nodes"][0]["weight"] = json!(2);
        }),
    ] {
        assert!(changed(edit) != bare, "{name} does not show");
    }
}
