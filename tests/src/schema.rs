//! `schemas/tollgate.schema.json`, by a validator that is not ours.
//!
//! Every good configuration that a test starts the product with must be good for it too: see
//! [`crate::service::Service::ready`].

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

use crate::yaml;

/// The document.
pub static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../schemas/tollgate.schema.json");
    serde_json::from_str(text).expect("the schema is JSON")
});

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let validator = jsonschema::draft202012::new(&SCHEMA);
    validator.unwrap_or_else(|error| panic!("the schema is none: {error}"))
});

/// What the schema finds wrong in a configuration, each with its place.
pub fn mistakes(configuration: &Value) -> Vec<String> {
    let errors = VALIDATOR.iter_errors(configuration);
    errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Asserts that the schema finds nothing wrong in a configuration.
///
/// # Panics
/// When it does, or the text is no YAML; `name` says whose it is.
#[track_caller]
pub fn assert_good(name: &str, text: &str) {
    let found = mistakes(&yaml::read(text));
    assert!(found.is_empty(), "the schema refuses {name}:\n{}\n{text}", found.join("\n"));
}
