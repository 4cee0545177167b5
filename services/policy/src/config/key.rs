//! One key: its secret, whose it is, and what it opens.

use std::collections::HashMap;

use settings::{Fields, Resolve, Value};

use super::{Known, items, syntax};
use crate::key::{Key, Macs};

/// Most services, and most APIs, that one key names. A key for more leaves `apis` out.
const BOUND_MAX: usize = 1000;

/// Reads one key. `lines` says where the ids of keys stood so far.
pub(super) fn read(
    value: &Value<'_>,
    known: &Known,
    lines: &mut HashMap<String, usize>,
    resolve: &dyn Resolve,
) -> Option<Key> {
    let fields = value.fields()?;
    let secret_id = syntax::id(&fields, "secret_id");
    if !secret_id.is_empty()
        && let Some(line) = lines.insert(secret_id.clone(), value.line())
    {
        value.mistake(format!("the key `{secret_id}` stands twice, first in line {line}"));
    }
    let secret = fields.required("secret").and_then(|value| value.secret(resolve));
    let account = syntax::id(&fields, "account");
    let is_application = read_kind(&fields);
    let plan = syntax::optional_id(&fields, "plan");
    let order = syntax::optional_id(&fields, "order");
    let goods = syntax::optional_id(&fields, "goods");
    let services = read_services(&fields, known);
    let apis = fields.optional("apis").map(|list| read_apis(&list, &services, known));
    fields.close();
    let macs = Macs::new(secret?.expose().as_bytes());
    Some(Key { secret_id, account, plan, order, goods, is_application, services, apis, macs })
}

/// Default: a key pair.
fn read_kind(fields: &Fields<'_>) -> bool {
    let Some(value) = fields.optional("kind") else { return false };
    match value.scalar::<String>().as_deref() {
        None | Some("key-pair") => false,
        Some("application") => true,
        Some(other) => {
            value.mistake(format!("`{other}` is not a kind of key; known: key-pair, application"));
            false
        }
    }
}

/// Indices of the services that it is bound to, sorted.
fn read_services(fields: &Fields<'_>, known: &Known) -> Vec<usize> {
    let Some(list) = fields.required("services") else { return Vec::new() };
    let mut bound = Vec::new();
    for value in items(&list, BOUND_MAX, "services") {
        let Some(id) = value.scalar::<String>() else { continue };
        match known.services.get(&id) {
            None => value.mistake(format!("there is no service `{id}`")),
            Some((index, _)) => bound.push(*index),
        }
    }
    bound.sort_unstable();
    bound.dedup();
    bound
}

/// Indices of the APIs that it is bound to, sorted. Each belongs to one of `services`.
fn read_apis(list: &Value<'_>, services: &[usize], known: &Known) -> Vec<usize> {
    let mut bound = Vec::new();
    for value in items(list, BOUND_MAX, "APIs") {
        let Some(id) = value.scalar::<String>() else { continue };
        match known.apis.get(&id) {
            None => value.mistake(format!("there is no API `{id}`")),
            Some((_, service, _)) if services.binary_search(service).is_err() => {
                value.mistake(format!("the API `{id}` is not of a service that the key lists"));
            }
            Some((index, ..)) => bound.push(*index),
        }
    }
    bound.sort_unstable();
    bound.dedup();
    bound
}
