//! The JSON Schema of the configuration and the readers say the same.
//!
//! - Every key: the readers list the known keys of each mapping when they meet an unknown one; the
//!   schema has exactly these.
//! - Every bound, enumeration and form that the schema tells: both refuse what is beyond, both take
//!   what lies on it ([`values`]). Defaults are compared in the program's own tests.
//! - What is good, and the product is started with by any test, is good for the schema too: see
//!   [`tests::service::Service::ready`].

mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tests::program::{Program, Ran};
use tests::schema::{SCHEMA, assert_good, mistakes};
use tests::yaml;

use crate::EXE;

/// Uses every key.
const FULL: &str = include_str!("schema/full.yaml");
/// Known to nobody.
const UNKNOWN: &str = "zz-unknown";
/// The only mistake of [`FULL`], where the program is built without TLS.
const NO_TLS: &str = "kafka.tls: this program was built without TLS";

/// A place of the schema: where it stands in the document, and what it says.
type Said = (String, &'static Value);

/// A value of a configuration, its JSON pointer, and all that the schema says of it: first the
/// place itself, then what it refers to.
struct Place {
    pointer: String,
    value: Value,
    said: Vec<Said>,
}

/// `tollgate check` of a configuration. JSON is YAML too.
fn check(folder: &Path, configuration: &Value) -> Ran {
    fs::write(folder.join("tollgate.yaml"), configuration.to_string()).expect("a file");
    Program::new(EXE, folder).run(&["check"])
}

/// The mistakes that it finds, but for [`NO_TLS`].
fn found(folder: &Path, configuration: &Value) -> Vec<String> {
    let ran = check(folder, configuration);
    assert_eq!(ran.code, Some(64), "{}", ran.err);
    let lines = ran.err.lines().filter(|line| !line.contains(NO_TLS));
    lines.map(str::to_owned).collect()
}

fn said(name: String, place: &'static Value, value: &Value) -> Vec<Said> {
    let mut all = vec![(name.clone(), place)];
    for (number, branch) in place["anyOf"].as_array().into_iter().flatten().enumerate() {
        if fits(branch, value) {
            all.extend(said(format!("{name}/anyOf/{number}"), branch, value));
        }
    }
    if let Some(definition) = place["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"))
    {
        all.extend(said(format!("/$defs/{definition}"), &SCHEMA["$defs"][definition], value));
    }
    all
}

/// Whether a branch is about values of this kind at all.
fn fits(branch: &'static Value, value: &Value) -> bool {
    let definition = branch["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"));
    let branch = definition.map_or(branch, |name| &SCHEMA["$defs"][name]);
    let kind = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::Bool(_) => "boolean",
        _ => return false,
    };
    branch["type"] == kind
}

/// Every place of a configuration, with what the schema says of it.
fn places(configuration: &Value) -> Vec<Place> {
    let mut all = Vec::new();
    let root = said(String::new(), &SCHEMA, configuration);
    walk(String::new(), configuration, root, &mut all);
    all
}

fn walk(pointer: String, value: &Value, said: Vec<Said>, all: &mut Vec<Place>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let found = said.iter().find_map(|(name, place)| {
            let property = place["properties"].get(key).map(|it| (format!("{name}/{key}"), it));
            let further = place.get("additionalProperties").filter(|it| it.is_object());
            property.or_else(|| further.map(|it| (format!("{name}/*"), it)))
        });
        let (name, place) = found.unwrap_or_else(|| panic!("the schema has no {pointer}/{key}"));
        let escaped = key.replace('~', "~0").replace('/', "~1");
        walk(format!("{pointer}/{escaped}"), value, self::said(name, place, value), all);
    }
    for (number, value) in value.as_array().into_iter().flatten().enumerate() {
        let found = said.iter().find_map(|(name, place)| Some((name, place.get("items")?)));
        let (name, place) = found.unwrap_or_else(|| panic!("the schema has no items: {pointer}"));
        let items = self::said(format!("{name}/[]"), place, value);
        walk(format!("{pointer}/{number}"), value, items, all);
    }
    all.push(Place { pointer, value: value.clone(), said });
}

/// The keys that the schema names in a place of it.
fn properties(place: &Value) -> Option<BTreeSet<String>> {
    Some(place["properties"].as_object()?.keys().cloned().collect())
}

/// Every definition with keys of its own, and the keys.
fn mappings() -> BTreeMap<String, BTreeSet<String>> {
    let definitions = SCHEMA["$defs"].as_object().expect("definitions");
    let definitions = definitions.iter().map(|(name, place)| (format!("/$defs/{name}"), place));
    let all = definitions.chain([(String::new(), &*SCHEMA)]);
    all.filter_map(|(name, place)| Some((name, properties(place)?))).collect()
}

/// `services[0].apis[1]` for `/services/0/apis/1`, as the readers write it.
fn path_of(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        match part.parse::<usize>() {
            Ok(number) => path.push_str(&format!("[{number}]")),
            Err(_) if path.is_empty() => path = part,
            Err(_) => path.push_str(&format!(".{part}")),
        }
    }
    path
}

fn full() -> Value {
    yaml::read(FULL)
}

#[test]
fn the_schema_has_exactly_the_keys_that_the_readers_know() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut asked = full();
    let places = places(&asked);
    // By definition, the paths of its mappings in the configuration.
    let mut paths: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for place in places.iter().filter(|place| place.value.is_object()) {
        let mut closed = place.said.iter().filter(|(_, place)| properties(place).is_some());
        let Some((name, _)) = closed.next() else { continue };
        let map = asked.pointer_mut(&place.pointer).and_then(Value::as_object_mut);
        map.expect("a mapping").insert(UNKNOWN.to_owned(), Value::Null);
        paths.entry(name).or_default().push(path_of(&place.pointer));
    }
    let lines = found(folder.path(), &asked);
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in &lines {
        let (place, keys) = line.split_once(": unknown key; known here: ").expect(line);
        let path = place.rsplit(' ').next().expect("a path");
        let path = path.strip_suffix(UNKNOWN).expect(line).trim_end_matches('.');
        known.insert(path.to_owned(), keys.split(", ").map(str::to_owned).collect());
    }
    let of = |paths: &Vec<String>| -> BTreeSet<String> {
        let sets = paths.iter().map(|path| known.get(path).unwrap_or_else(|| panic!("no {path}")));
        sets.flatten().cloned().collect()
    };
    let read: BTreeMap<String, BTreeSet<String>> =
        paths.iter().map(|(name, paths)| ((*name).to_owned(), of(paths))).collect();
    assert_eq!(read, mappings(), "what the readers know, and what the schema has");
    assert_eq!(lines.len(), paths.values().map(Vec::len).sum::<usize>(), "{lines:#?}");
    assert!(mistakes(&asked).len() >= lines.len(), "the schema refuses each of them, too");
}

#[test]
fn names_of_the_users_choice_are_unknown_to_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut asked = full();
    let mut free = Vec::new();
    for place in places(&asked).iter().filter(|place| place.value.is_object()) {
        if place.said.iter().all(|(_, place)| properties(place).is_none()) {
            let map = asked.pointer_mut(&place.pointer).and_then(Value::as_object_mut);
            map.expect("a mapping").insert("/test".to_owned(), Value::from("test"));
            free.push(path_of(&place.pointer));
        }
    }
    let backend = |key: &str| format!("services[0].apis[0].backend.{key}");
    let mut expect = vec![
        "services[0].environments".to_owned(),
        "services[0].domains[0].paths".to_owned(),
        backend("query"),
        backend("headers"),
        "services[0].apis[1].backend.mock.headers".to_owned(),
    ];
    free.sort();
    expect.sort();
    assert_eq!(free, expect);
    let lines = found(folder.path(), &asked);
    assert!(lines.iter().all(|line| !line.contains("unknown key")), "{lines:#?}");
}

#[test]
fn every_key_can_be_used() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_good("the configuration with every key", FULL);
    assert_eq!(found(folder.path(), &full()), Vec::<String>::new());
    let used: BTreeSet<String> =
        places(&full()).into_iter().flat_map(|place| place.said).map(|(name, _)| name).collect();
    for (name, keys) in mappings() {
        for key in keys {
            assert!(used.contains(&format!("{name}/{key}")), "{name} {key} is not used");
        }
    }
}

#[test]
fn each_key_is_explained() {
    let definitions = SCHEMA["$defs"].as_object().expect("definitions");
    let definitions = definitions.iter().map(|(name, definition)| (name.as_str(), definition));
    for (name, definition) in definitions.chain([("the file", &*SCHEMA)]) {
        let Some(properties) = definition["properties"].as_object() else { continue };
        assert!(definition["title"].is_string(), "{name} has no title");
        assert_eq!(definition["additionalProperties"], false, "{name}");
        for (key, place) in properties {
            let said = said(String::new(), place, &Value::Null);
            let text = said.iter().find_map(|(_, place)| place["description"].as_str());
            assert!(text.is_some_and(|text| text.ends_with('.')), "{name} {key}: {text:?}");
        }
    }
}

/// YAML files of the repository that configure the product.
const FILES: [&str; 1] = ["deploy/tollgate.yaml"];

#[test]
fn what_we_ship_is_good_and_names_its_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::new(EXE, folder.path());
    program.run(&["init", "conf.yaml"]).good();
    let wrote = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a file");
    let starter = wrote("conf.yaml");
    assert_good("the starter", &starter);
    assert!(starter.starts_with("# yaml-language-server: $schema=tollgate.schema.json\n"));
    let schema = include_str!("../../schemas/tollgate.schema.json");
    assert!(wrote("tollgate.schema.json") == schema, "it lies beside the starter");
    assert!(program.run(&["schema"]).good().out == schema, "and can be had alone");

    // Another's file of that name stays.
    fs::write(folder.path().join("tollgate.schema.json"), "{}").expect("a file");
    let again = program.run(&["init", "other.yaml"]).good();
    assert!(again.out.contains("tollgate schema"), "{again:?}");
    assert_eq!(wrote("tollgate.schema.json"), "{}");

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root");
    for file in FILES.map(PathBuf::from) {
        let text = fs::read_to_string(root.join(&file)).expect("a file of the repository");
        assert_good(&file.to_string_lossy(), &text);
        let line = text.lines().next().expect("a line");
        let schema = line.strip_prefix("# yaml-language-server: $schema=").expect(line);
        let folder = file.parent().expect("it lies in a folder");
        assert!(root.join(folder).join(schema).is_file(), "{line}");
    }
}

/// A piece of a configuration, with the sections that each one needs.
#[test]
fn what_the_documents_show_is_good() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root");
    let documents = ["README.md", "ARCHITECTURE.md", "docs/operations.md", "docs/guarantees.md"];
    let mut shown = 0;
    for document in documents {
        let text = fs::read_to_string(root.join(document)).expect("a document");
        let blocks = text.split("\n```yaml\n").skip(1);
        for block in blocks.filter_map(|block| block.split("\n```").next()) {
            let mut piece = yaml::read(block);
            let map = piece.as_object_mut().expect("a mapping");
            for (key, section) in full().as_object().expect("a mapping") {
                if ["gateway", "prices", "services"].contains(&key.as_str()) {
                    map.entry(key).or_insert_with(|| section.clone());
                }
            }
            assert_eq!(mistakes(&piece), Vec::<String>::new(), "{document}:\n{block}");
            shown += 1;
        }
    }
    assert!(shown > 1, "only {shown} pieces found");
}

/// As after a comment sign before all that a section says.
#[test]
fn an_empty_section_is_none_for_both() {
    let folder = tempfile::tempdir().expect("a folder");
    let small = yaml::read(
        "gateway: {name: g, region: r, operator_account: o}\n\
         prices: {books: ['bundled:published']}\n\
         services: [{id: s, account: a, hosts: [h]}]",
    );
    check(folder.path(), &small).good();
    let optional = SCHEMA["properties"].as_object().expect("sections");
    let sections = optional.keys().filter(|key| small.get(key).is_none() && *key != "data");
    let empty: Map<String, Value> =
        sections.map(|section| (section.clone(), Value::Null)).collect();
    assert_eq!(empty.len(), 9, "{empty:?}");
    let mut all = small.clone();
    all.as_object_mut().expect("a mapping").extend(empty);
    assert_eq!(mistakes(&all), Vec::<String>::new());
    check(folder.path(), &all).good();
}
