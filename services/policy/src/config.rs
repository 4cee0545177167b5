//! The sections `services:` and `keys:` of the configuration, and all that can be wrong in them.
//!
//! A reader adds its mistakes to the sink and goes on with a stand-in (an empty id, a default), so
//! that one run shows everything. So what comes out of a text with mistakes is not to be used; the
//! sink's `finish` sees to that. A fault in an API's kind of credentials, CORS or mock leaves the
//! rest good: [`read_apart`] keeps for the API what it answers then, and `finish_but_faults` gives
//! the policy with it. Names that point from one place to another (hosts, ids, what a
//! key is bound to) are checked against [`Known`], which grows while services are read; keys come
//! last.
//!
//! ```yaml
//! services:
//!   - id: service-weather
//!     account: "1250000001"            # who is billed
//!     hosts: [weather.example.test]    # the first segment of a path is the environment
//!     default_host: {region: ap-guangzhou, suffix: apis.example.test}
//!     domains:                         # of the service's owner
//!       - host: api.example.com        # as `hosts`, without `paths`
//!       - {host: www.example.com, paths: {/: release, /try: test}}
//!     environments: [release, test]    # where it is published; default: release
//!     # environments: {release: v1, test: v2}    # the same, each with its version
//!     schemes: [http, https]           # the default
//!     scheme_refusal: 426              # or 404: how others are answered
//!     apis:
//!       - id: api-forecast
//!         path: /forecast/             # or `=/a`, `^~/a`, `/a/{id}`, `/a/[0-9]+`
//!         # versions: [v1, v2]         # that have it; default: all
//!         methods: [GET, POST]         # default: all known
//!         auth: key-pair               # or application, or none, the default
//!         parameters: [{in: query, name: city}]    # and more, see `admit`
//!         cors: true                   # default: off
//!         backend:
//!           url: http://127.0.0.1:9001/base      # behind `/a/{id}`: may have `{id}`
//!           query: {source: gateway}   # constants and variables, in place of the client's
//!           headers: {x-source: gateway}
//!           nodes:                     # several servers; the URL then names no address
//!             - {address: "10.0.0.1:8080", weight: 3}    # weight 0 to 100, default 1
//!           health: {failures: 3, recovery: 10s}         # a node that fails is left out
//!           net: private               # default: by the class of the address
//!           timeouts: {connect: 3s, head: 15s, idle: 60s, total: 30m}    # the defaults
//!       - id: api-hello
//!         path: /hello
//!         backend: {mock: {status: 200, headers: {content-type: text/plain}, body: hello}}
//! keys:
//!   - secret_id: AKIDexample
//!     kind: key-pair                   # the default; or application
//!     secret: ${env:EXAMPLE_SECRET}
//!     account: "1250000002"            # whose calls these are
//!     plan: plan-1                     # optional, as are order and goods
//!     services: [service-weather]      # what it opens
//!     apis: [api-forecast]             # default: all of these services
//! ```

mod admit;
mod backend;
mod host;
mod key;
mod nodes;
mod placed;
mod service;
mod syntax;

use std::collections::HashMap;

use settings::{Resolve, Value};

use crate::Policy;
use crate::errors::Entry;
use crate::route::Door;

/// Most services of one gateway. With the file's greatest size, more can not be meant.
const SERVICES_MAX: usize = 10_000;
/// Most keys of one gateway: a key takes about 1 KiB of memory.
const KEYS_MAX: usize = 100_000;

/// What was named so far, and where.
#[derive(Debug, Default)]
struct Known {
    /// Id of a service, to its index and line.
    services: HashMap<String, (usize, usize)>,
    /// Id of an API, to its index, the index of its service, and its line.
    apis: HashMap<String, (usize, usize, usize)>,
    /// Host, to where it leads and its line.
    hosts: HashMap<Box<str>, (Door, usize)>,
}

/// Reads both sections. All mistakes go to the sink of the values; the policy is good only if
/// there were none but faults: APIs with faulty settings answer every request with 481.
pub fn read(
    services: &Value<'_>,
    keys: Option<&Value<'_>>,
    resolve: &dyn Resolve,
) -> Option<Policy> {
    let mut known = Known::default();
    let mut served = Vec::new();
    for value in items(services, SERVICES_MAX, "services") {
        served.extend(service::read(&value, served.len(), &mut known));
    }
    let mut policy = Policy { services: served, hosts: HashMap::new(), keys: HashMap::new() };
    if let Some(keys) = keys {
        let mut lines = HashMap::new();
        for value in items(keys, KEYS_MAX, "keys") {
            let Some(key) = key::read(&value, &known, &mut lines, resolve) else { continue };
            policy.keys.insert(key.secret_id.as_str().into(), key);
        }
    }
    policy.hosts = known.hosts.into_iter().map(|(host, (door, _))| (host, door)).collect();
    Some(policy)
}

/// Reads a part of an API with `read`. If it is faulty, the API answers with `entry`, and what was
/// read is a stand-in that is never used.
fn read_apart<T>(
    value: &Value<'_>,
    entry: &'static Entry,
    read: impl FnOnce(&Value<'_>) -> T,
) -> (T, Option<&'static Entry>) {
    let before = value.faults();
    let read = read(&value.apart());
    (read, (value.faults() > before).then_some(entry))
}

/// The items of a list that has at least one and at most `max` of what `what` names.
fn items<'d>(list: &Value<'d>, max: usize, what: &str) -> Vec<Value<'d>> {
    let items = list.items();
    if items.is_empty() {
        list.mistake(format!("at least one of the {what} is needed"));
    }
    if items.len() > max {
        list.mistake(format!("{} {what}; at most {max} are accepted", items.len()));
    }
    items
}

#[cfg(test)]
mod tests;
