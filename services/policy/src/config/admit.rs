//! What a service or an API asks of its requests: suspension, parameters, CORS, addresses.
//!
//! ```yaml
//! suspended: {reason: arrears}         # or compliance; of a service or an API: 403
//! addresses: {allow: [192.0.2.0/24], deny: [192.0.2.7]}    # of a service or an API
//! parameters:                          # of an API: demanded
//!   - {in: header, name: X-Tenant}     # or query, path, form
//! cors: true                           # of an API; or {origins, methods, headers, …}
//! ```

use std::net::IpAddr;

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;
use settings::{Fields, Value};

use super::{items, read_apart};
use crate::admit::{Addresses, Cors, Place, Required, Rules, Suspended};
use crate::errors::admit as entries;
use crate::service::Methods;

/// Most networks of one list; each is compared with every request.
const NETWORKS_MAX: usize = 1000;
/// Most parameters of one API.
const PARAMETERS_MAX: usize = 100;
/// Most origins, and most headers, that one API names.
const LIST_MAX: usize = 100;
/// Longest name of a parameter, bytes.
const NAME_MAX: usize = 128;

/// What a service may ask for.
pub(super) fn read_service(fields: &Fields<'_>) -> Rules {
    Rules {
        suspended: fields.optional("suspended").and_then(|value| read_suspended(&value)),
        addresses: read_addresses(fields),
        ..Rules::default()
    }
}

/// What an API may ask for.
pub(super) fn read_api(fields: &Fields<'_>) -> Rules {
    let parameters = read_parameters(fields);
    let (cors, fault) = match fields.optional("cors") {
        Some(value) => read_apart(&value, &entries::CORS_FAULTY, read_cors),
        None => (None, None),
    };
    // Of faulty ones nothing is told to browsers.
    let cors = cors.filter(|_| fault.is_none());
    Rules { parameters, cors, fault, ..read_service(fields) }
}

fn read_suspended(value: &Value<'_>) -> Option<Suspended> {
    let fields = value.fields()?;
    let reason = fields.required("reason");
    fields.close();
    let reason = reason?;
    let (entry, known) = match reason.scalar::<String>()?.as_str() {
        "arrears" => (&entries::SUSPENDED_ARREARS, "arrears"),
        "compliance" => (&entries::SUSPENDED_COMPLIANCE, "compliance"),
        other => {
            reason.mistake(format!("`{other}` is not a reason; known: arrears, compliance"));
            return None;
        }
    };
    Some(Suspended { entry, reason: known, line: value.line() })
}

fn read_addresses(fields: &Fields<'_>) -> Addresses {
    let Some(value) = fields.optional("addresses") else { return Addresses::default() };
    let Some(fields) = value.fields() else { return Addresses::default() };
    let list = |key| fields.optional(key).map(|list| read_networks(&list)).unwrap_or_default();
    let addresses = Addresses { allow: list("allow"), deny: list("deny") };
    fields.close();
    addresses
}

fn read_networks(list: &Value<'_>) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for value in items(list, NETWORKS_MAX, "addresses") {
        let Some(text) = value.scalar::<String>() else { continue };
        let single = || text.parse::<IpAddr>().map(|ip| IpNet::from(ip.to_canonical()));
        match text.parse::<IpNet>().or_else(|_| single()) {
            Ok(network) => networks.push(network),
            Err(_) => value.mistake(format!(
                "`{text}` is not an address or network, like `192.0.2.7` or `192.0.2.0/24`"
            )),
        }
    }
    networks
}

fn read_parameters(fields: &Fields<'_>) -> Vec<Required> {
    let Some(list) = fields.optional("parameters") else { return Vec::new() };
    let mut parameters: Vec<Required> = Vec::new();
    for value in items(&list, PARAMETERS_MAX, "parameters") {
        let Some(required) = read_parameter(&value) else { continue };
        if parameters.iter().any(|one| one.name == required.name && one.place == required.place) {
            value.mistake("the parameter stands twice");
        }
        parameters.push(required);
    }
    parameters
}

fn read_parameter(value: &Value<'_>) -> Option<Required> {
    let fields = value.fields()?;
    let (place, name) = (fields.required("in"), fields.required("name"));
    fields.close();
    let (place, value) = (place?, name?);
    let name: String = value.scalar()?;
    if name.is_empty() || name.len() > NAME_MAX {
        value.mistake(format!("a name has 1 to {NAME_MAX} bytes"));
        return None;
    }
    let place = match place.scalar::<String>()?.as_str() {
        "header" => match name.parse::<HeaderName>() {
            Ok(header) => Place::Header(header),
            Err(_) => {
                value.mistake(format!("`{name}` is not the name of a header"));
                return None;
            }
        },
        "query" => Place::Query,
        "path" => Place::Path,
        "form" => Place::Form,
        other => {
            place.mistake(format!(
                "`{other}` is not a place of parameters; known: header, query, path, form"
            ));
            return None;
        }
    };
    Some(Required { place, name })
}

/// `true`, `false`, or what differs from the provider's defaults.
fn read_cors(value: &Value<'_>) -> Option<Cors> {
    if !value.is_map() {
        return value.scalar::<bool>()?.then(Cors::default);
    }
    let fields = value.fields()?;
    let mut cors = Cors::default();
    let list = |key| fields.optional(key).map(|list| read_list(&list, key));
    if let Some(origins) = fields.optional("origins") {
        cors.origins = read_origins(&origins);
    }
    if let Some(methods) = fields.optional("methods") {
        let listed = read_list(&methods, "methods");
        if let Some(bad) = listed.iter().find(|name| Methods::of(name).is_none()) {
            methods.mistake(format!("`{bad}` is not a known method"));
        }
        cors.methods = joined(&listed)?;
    }
    if let Some(headers) = list("headers") {
        cors.allow_headers = joined(&headers)?;
    }
    if let Some(expose) = list("expose") {
        cors.expose_headers = joined(&expose)?;
    }
    cors.credentials = fields.get_or("credentials", cors.credentials);
    cors.max_age = fields.get_or("max_age", cors.max_age);
    fields.close();
    Some(cors)
}

fn read_origins(list: &Value<'_>) -> Vec<String> {
    let mut origins = Vec::new();
    for value in items(list, LIST_MAX, "origins") {
        let Some(text) = value.scalar::<String>() else { continue };
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        if host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', ',', ' '])) {
            origins.push(text);
        } else {
            value.mistake(format!("`{text}` is not an origin, like `https://shop.example.com`"));
        }
    }
    origins
}

/// Tokens: names of methods or headers.
fn read_list(list: &Value<'_>, what: &str) -> Vec<String> {
    let mut names = Vec::new();
    for value in items(list, LIST_MAX, what) {
        let Some(name) = value.scalar::<String>() else { continue };
        if name.parse::<HeaderName>().is_ok() {
            names.push(name);
        } else {
            value.mistake(format!("`{name}` can not stand in a list of {what}"));
        }
    }
    names
}

fn joined(names: &[String]) -> Option<HeaderValue> {
    HeaderValue::from_str(&names.join(", ")).ok()
}
