//! One service, and its APIs.

use std::collections::HashMap;

use settings::{Fields, Value};

use super::{Known, admit, backend, host, items, read_apart, syntax};
use crate::errors::{Entry, admit as entries};
use crate::route::Table;
use crate::service::{Api, Auth, Environment, Methods, Scheme, Schemes, Service};

/// Most APIs of one service, the number that routing is measured with.
const APIS_MAX: usize = 10_000;

/// Most versions that one API names: those of ten years with one a month.
const VERSIONS_MAX: usize = 120;

/// Where a service is published.
struct Published {
    /// Each with its version, if the service has versions.
    environments: Vec<(Environment, Option<String>)>,
}

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
    let published = read_environments(&fields);
    let environments: Vec<Environment> =
        published.environments.iter().map(|(environment, _)| *environment).collect();
    host::read(&fields, index, (&id, &account), &environments, known);
    let schemes = read_schemes(&fields);
    let rules = admit::read_service(&fields);
    let apis = read_apis(&fields, index, &published, known);
    let (tables, published) = compile(value, &apis, &published);
    fields.close();
    Some(Service { id, account, environments, schemes, rules, apis, index, tables, published })
}

/// One table for each version that is published somewhere, and which one each environment has.
fn compile(
    value: &Value<'_>,
    apis: &[Api],
    published: &Published,
) -> (Vec<Table>, [Option<usize>; 3]) {
    let mut versions: Vec<Option<&str>> = Vec::new();
    let mut tables = Vec::new();
    let mut places = [None; 3];
    for (environment, version) in &published.environments {
        let version = version.as_deref();
        let place = versions.iter().position(|known| *known == version);
        places[*environment as usize] = Some(place.unwrap_or(versions.len()));
        if place.is_some() {
            continue;
        }
        versions.push(version);
        let served = apis.iter().enumerate().filter(|(_, api)| api.is_in(version));
        match Table::new(served.map(|(place, api)| (api.path.as_str(), api.methods, place))) {
            Ok(table) => tables.push(table),
            Err(error) => value.mistake(error.to_string()),
        }
    }
    (tables, places)
}

/// Default: `release`, what the public calls.
fn read_environments(fields: &Fields<'_>) -> Published {
    let mut environments: Vec<(Environment, Option<String>)> = Vec::new();
    let Some(value) = fields.optional("environments") else {
        return Published { environments: vec![(Environment::Release, None)] };
    };
    let mut publish =
        |name: &str, value: &Value<'_>, version: Option<String>| match Environment::parse(name) {
            None => value
                .mistake(format!("`{name}` is not an environment; known: release, prepub, test")),
            Some(environment) if environments.iter().any(|(known, _)| *known == environment) => {
                value.mistake(format!("`{name}` stands twice"));
            }
            Some(environment) => environments.push((environment, version)),
        };
    if value.is_map() {
        for (name, value) in value.entries() {
            if let Some(version) = syntax::id_of(&value) {
                publish(name, &value, Some(version));
            }
        }
    } else {
        for value in items(&value, Environment::ALL.len(), "environments") {
            if let Some(name) = value.scalar::<String>() {
                publish(&name, &value, None);
            }
        }
    }
    Published { environments }
}

/// Default: both, and 426 for what is refused.
fn read_schemes(fields: &Fields<'_>) -> Schemes {
    let mut served: Vec<Scheme> = Vec::new();
    let list = fields.optional("schemes").map(|list| items(&list, 2, "schemes"));
    for value in list.unwrap_or_default() {
        let scheme = match value.scalar::<String>().as_deref() {
            None => continue,
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            Some(other) => {
                value.mistake(format!("`{other}` is not a scheme; known: http, https"));
                continue;
            }
        };
        if served.contains(&scheme) {
            value.mistake("the scheme stands twice");
        }
        served.push(scheme);
    }
    let refused_as_unknown = fields.optional("scheme_refusal").is_some_and(|value| {
        let status = value.scalar::<u16>();
        if !matches!(status, None | Some(404 | 426)) {
            value.mistake("a scheme is refused with 426 or 404");
        }
        status == Some(404)
    });
    let only = if let [only] = served[..] { Some(only) } else { None };
    Schemes { only, refused_as_unknown }
}

fn read_apis(
    fields: &Fields<'_>,
    service: usize,
    published: &Published,
    known: &mut Known,
) -> Vec<Api> {
    let Some(list) = fields.optional("apis") else { return Vec::new() };
    let mut apis: Vec<Api> = Vec::new();
    // Path and id to what has them so far: place and line.
    let mut answered: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
    let mut named: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
    // A list that is there but empty is meant: `Found no api.` is the answer then.
    let values = list.items();
    if values.len() > APIS_MAX {
        list.mistake(format!("{} APIs; at most {APIS_MAX} are accepted", values.len()));
    }
    for value in values {
        let Some(api) = read_api(&value, service, published, known) else { continue };
        let others = named.entry(api.id.clone()).or_default();
        if !api.id.is_empty()
            && let Some((_, line)) = others.iter().find(|(place, _)| apis[*place].is_beside(&api))
        {
            let id = &api.id;
            value.mistake(format!("the API `{id}` stands twice, first in line {line}"));
        }
        others.push((apis.len(), value.line()));
        let others = answered.entry(api.path.clone()).or_default();
        for (place, line) in others.iter() {
            let other = &apis[*place];
            if other.methods.overlaps(api.methods) && other.is_beside(&api) {
                let shared: Vec<&str> = other.methods.intersection(api.methods).names().collect();
                let (path, id, shared) = (&api.path, &other.id, shared.join(", "));
                value.mistake(format!(
                    "{shared} `{path}` is answered by the API `{id}` in line {line} already"
                ));
            }
        }
        others.push((apis.len(), value.line()));
        apis.push(api);
    }
    apis
}

/// Reads one API; nothing when it has no path that others could be compared with.
fn read_api(
    value: &Value<'_>,
    service: usize,
    published: &Published,
    known: &mut Known,
) -> Option<Api> {
    let fields = value.fields()?;
    let id = syntax::id(&fields, "id");
    let fresh = (known.apis.len(), service, value.line());
    let (index, owner, line) =
        if id.is_empty() { fresh } else { *known.apis.entry(id.clone()).or_insert(fresh) };
    if owner != service {
        value.mistake(format!("the API `{id}` stands twice, first in line {line}"));
    }
    let versions = read_versions(&fields, published);
    let path = fields.required("path").and_then(|value| syntax::path_of(&value));
    let methods = fields.optional("methods").map_or(Methods::ALL, |list| read_methods(&list));
    let (auth, faulty_auth) = read_auth(&fields);
    let mut rules = admit::read_api(&fields);
    let backend = fields.required("backend");
    let backend = backend.and_then(|value| backend::read(&value, path.as_ref().map(|(_, f)| f)));
    fields.close();
    let (backend, faulty_mock) = backend?;
    // Of several the first that a request would meet.
    rules.fault = rules.fault.or(faulty_auth).or(faulty_mock);
    Some(Api { id, path: path?.0, methods, auth, backend, rules, index, versions })
}

/// Default: all. Versions that are published nowhere are kept for later.
fn read_versions(fields: &Fields<'_>, published: &Published) -> Option<Vec<String>> {
    let list = fields.optional("versions")?;
    if published.environments.iter().all(|(_, version)| version.is_none()) {
        list.mistake("the environments of the service have no versions, as in `{release: v1}`");
    }
    let values = items(&list, VERSIONS_MAX, "versions");
    Some(values.iter().filter_map(syntax::id_of).collect())
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

/// Default: `none`, as the provider's. Beside it: what the API answers, if it is faulty.
fn read_auth(fields: &Fields<'_>) -> (Auth, Option<&'static Entry>) {
    let Some(value) = fields.optional("auth") else { return (Auth::None, None) };
    read_apart(&value, &entries::API_FAULTY, |value| match value.scalar::<String>().as_deref() {
        None | Some("none") => Auth::None,
        Some("key-pair") => Auth::KeyPair,
        Some("application") => Auth::Application,
        Some(other) => {
            value.mistake(format!(
                "`{other}` is not a kind of credentials; known: none, key-pair, application"
            ));
            // Whoever meant credentials did not mean none.
            Auth::KeyPair
        }
    })
}
