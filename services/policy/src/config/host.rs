//! The hosts of a service: which ones, and which environment their paths lead to.

use settings::{Fields, Value};

use super::{Known, items, syntax};
use crate::route::{Door, HOST_MAX, Mapping, has_bad_percent, has_dot_segment, normal_host};
use crate::service::Environment;

/// Most hosts of one service. A certificate names about as many.
const HOSTS_MAX: usize = 100;
/// Most paths that one domain maps. They are compared one by one.
const PATHS_MAX: usize = 20;

/// Reads `hosts`, `default_host` and `domains` of the service with `index` and these id and
/// account, which is published in `environments`.
pub(super) fn read(
    fields: &Fields<'_>,
    index: usize,
    (id, account): (&str, &str),
    environments: &[Environment],
    known: &mut Known,
) {
    let hosts = fields.optional("hosts");
    let default = fields.optional("default_host");
    let domains = fields.optional("domains");
    if hosts.is_none() && default.is_none() && domains.is_none() {
        fields.mistake("`hosts`, `default_host` or `domains` is missing");
    }
    for value in hosts.map(|list| items(&list, HOSTS_MAX, "hosts")).unwrap_or_default() {
        if let Some(host) = syntax::host_of(&value) {
            add(&value, host, Door { service: index, mapping: Mapping::Default }, known);
        }
    }
    if let Some(value) = default
        && let Some(host) = read_default(&value, id, account)
    {
        add(&value, host, Door { service: index, mapping: Mapping::Default }, known);
    }
    for value in domains.map(|list| items(&list, HOSTS_MAX, "domains")).unwrap_or_default() {
        let Some(fields) = value.fields() else { continue };
        let host = fields.required("host");
        let host = host.and_then(|value| Some((syntax::host_of(&value)?, value)));
        let paths = fields.optional("paths").map(|paths| read_paths(&paths, environments));
        fields.close();
        if let Some((host, value)) = host {
            let mapping = paths.map_or(Mapping::Named, Mapping::Paths);
            add(&value, host, Door { service: index, mapping }, known);
        }
    }
}

fn add(value: &Value<'_>, host: Box<str>, door: Door, known: &mut Known) {
    if let Some((_, line)) = known.hosts.get(&host) {
        value.mistake(format!("the host `{host}` stands twice, first in line {line}"));
    } else {
        known.hosts.insert(host, (door, value.line()));
    }
}

/// `<service>-<account>.<region>.<suffix>`
fn read_default(value: &Value<'_>, id: &str, account: &str) -> Option<Box<str>> {
    let fields = value.fields()?;
    let region: Option<String> = fields.required("region").and_then(|value| value.scalar());
    let suffix: Option<String> = fields.required("suffix").and_then(|value| value.scalar());
    fields.close();
    let text = format!("{id}-{account}.{}.{}", region?, suffix?);
    let mut buffer = [0; HOST_MAX];
    match normal_host(text.as_bytes(), &mut buffer) {
        // With a stop in it, the id would look like a part of the region.
        Some(host) if text.eq_ignore_ascii_case(host) && !(id.contains('.')) => Some(host.into()),
        _ if id.is_empty() || account.is_empty() => None,
        _ => {
            value.mistake(format!("`{text}` is not a host name, like `api.example.com`"));
            None
        }
    }
}

/// Paths without their final slash and where they lead, the longest first.
fn read_paths(value: &Value<'_>, environments: &[Environment]) -> Vec<(Box<str>, Environment)> {
    let mut paths: Vec<(Box<str>, Environment)> = Vec::new();
    let entries = value.entries();
    if entries.is_empty() {
        value.mistake("at least one of the paths is needed, like `/: release`");
    }
    if entries.len() > PATHS_MAX {
        value.mistake(format!("{} paths; at most {PATHS_MAX} are accepted", entries.len()));
    }
    for (path, value) in entries {
        let good = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/".contains(&b);
        let front = path.strip_suffix('/').unwrap_or(path);
        if !path.starts_with('/')
            || front.ends_with('/')
            || !path.bytes().all(good)
            || has_bad_percent(path)
            || has_dot_segment(path)
        {
            value.mistake(format!("`{path}` is not a path that can be mapped, like `/v1`"));
        }
        if paths.iter().any(|(other, _)| **other == *front) {
            value.mistake(format!("the path `{path}` stands twice"));
        }
        let Some(name) = value.scalar::<String>() else { continue };
        match Environment::parse(&name) {
            None => value
                .mistake(format!("`{name}` is not an environment; known: release, prepub, test")),
            Some(environment) if !environments.contains(&environment) => {
                value.mistake(format!("the service is not published in `{name}`"));
            }
            Some(environment) => paths.push((front.into(), environment)),
        }
    }
    paths.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    paths
}
