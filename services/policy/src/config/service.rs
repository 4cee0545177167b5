//! One service, and its APIs.

use std::collections::HashMap;

use settings::{Fields, Value};

use super::{Known, backend, items, syntax};
use crate::route::Paths;
use crate::service::{Api, Auth, Environment, Methods, Service};

/// Most hosts of one service. A certificate names about as many.
const HOSTS_MAX: usize = 100;
/// Most APIs of one service, the number that routing is measured with.
const APIS_MAX: usize = 10_000;

/// Reads one service, which gets `index`.
pub(super) fn read(value: &Value<'_>, index: usize, known: &mut Known) -> Option<Service> {
    let fields = value.fields()?;
    let id = syntax::id(&fields, "id");
    if !id.is_empty()
        && let Some((_, line)) = known.services.insert(id.clone(), (index, value.line()))
    {
        value.mistake(format!("the service `{id}` stands twice, first in line {line}"));
    }
    let account = syntax::id(&fields, "account");
    read_hosts(&fields, index, known);
    let environments = read_environments(&fields);
    let apis = read_apis(&fields, index, known);
    fields.close();
    let paths = Paths::new(apis.iter().map(|api| (api.path.as_str(), api.methods)));
    Some(Service { id, account, environments, apis, index, paths })
}

fn read_hosts(fields: &Fields<'_>, index: usize, known: &mut Known) {
    let Some(list) = fields.required("hosts") else { return };
    for value in items(&list, HOSTS_MAX, "hosts") {
        let Some(host) = syntax::host_of(&value) else { continue };
        if let Some((_, line)) = known.hosts.get(&host) {
            value.mistake(format!("the host `{host}` stands twice, first in line {line}"));
        } else {
            known.hosts.insert(host, (index, value.line()));
        }
    }
}

/// Default: `release`, what the public calls.
fn read_environments(fields: &Fields<'_>) -> Vec<Environment> {
    let Some(list) = fields.optional("environments") else { return vec![Environment::Release] };
    let mut published = Vec::new();
    for value in items(&list, Environment::ALL.len(), "environments") {
        let Some(name) = value.scalar::<String>() else { continue };
        match Environment::parse(&name) {
            None => value
                .mistake(format!("`{name}` is not an environment; known: release, prepub, test")),
            Some(environment) if published.contains(&environment) => {
                value.mistake(format!("`{name}` stands twice"));
            }
            Some(environment) => published.push(environment),
        }
    }
    published
}

fn read_apis(fields: &Fields<'_>, service: usize, known: &mut Known) -> Vec<Api> {
    let Some(list) = fields.optional("apis") else { return Vec::new() };
    let mut apis: Vec<Api> = Vec::new();
    // Path to what answers it so far: methods, id and line.
    let mut answered: HashMap<String, Vec<(Methods, String, usize)>> = HashMap::new();
    // A list that is there but empty is meant: `Found no api.` is the answer then.
    let values = list.items();
    if values.len() > APIS_MAX {
        list.mistake(format!("{} APIs; at most {APIS_MAX} are accepted", values.len()));
    }
    for value in values {
        let Some(api) = read_api(&value, service, known) else { continue };
        let others = answered.entry(api.path.clone()).or_default();
        for (methods, id, line) in others.iter().filter(|(m, ..)| m.overlaps(api.methods)) {
            let shared: Vec<&str> = methods.intersection(api.methods).names().collect();
            let (path, shared) = (&api.path, shared.join(", "));
            value.mistake(format!(
                "{shared} `{path}` is answered by the API `{id}` in line {line} already"
            ));
        }
        others.push((api.methods, api.id.clone(), value.line()));
        apis.push(api);
    }
    apis
}

/// Reads one API; nothing when it has no path that others could be compared with.
fn read_api(value: &Value<'_>, service: usize, known: &mut Known) -> Option<Api> {
    let fields = value.fields()?;
    let id = syntax::id(&fields, "id");
    let index = known.apis.len();
    if !id.is_empty()
        && let Some((.., line)) = known.apis.insert(id.clone(), (index, service, value.line()))
    {
        value.mistake(format!("the API `{id}` stands twice, first in line {line}"));
    }
    let path = fields.required("path").and_then(|value| syntax::path_of(&value));
    let methods = fields.optional("methods").map_or(Methods::ALL, |list| read_methods(&list));
    let auth = read_auth(&fields);
    let backend = fields.required("backend").and_then(|value| backend::read(&value));
    fields.close();
    Some(Api { id, path: path?, methods, auth, backend: backend?, index })
}

fn read_methods(list: &Value<'_>) -> Methods {
    let mut methods = Methods::NONE;
    for value in items(list, Methods::KNOWN.len(), "methods") {
        let Some(name) = value.scalar::<String>() else { continue };
        match Methods::of(&name) {
            None => value.mistake(format!(
                "`{name}` is not a known method; known: {}",
                Methods::KNOWN.join(", ")
            )),
            Some(method) if methods.overlaps(method) => {
                value.mistake(format!("`{name}` stands twice"));
            }
            Some(method) => methods = methods.union(method),
        }
    }
    methods
}

/// Default: `none`, as the provider's.
fn read_auth(fields: &Fields<'_>) -> Auth {
    let Some(value) = fields.optional("auth") else { return Auth::None };
    match value.scalar::<String>().as_deref() {
        None | Some("none") => Auth::None,
        Some("key-pair") => Auth::KeyPair,
        Some(other) => {
            value.mistake(format!("`{other}` is not a kind of credentials; known: none, key-pair"));
            Auth::None
        }
    }
}
