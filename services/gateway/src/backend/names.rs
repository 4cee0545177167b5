//! Names of backends to addresses, resolved off the workers.
//!
//! One control thread asks the system every [`REFRESH`] and publishes what it found; each worker
//! has a copy of its own, so a request never waits for a name. A name that can not be resolved
//! any more keeps its last addresses for [`KEEP`]: a resolver that is away for a moment fails no
//! request.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use policy::{Backend, Host, HttpBackend, Policy};
use tokio::net::lookup_host;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How often names are resolved. As nginx's usual `valid=` of a few seconds.
const REFRESH: Duration = Duration::from_secs(5);
/// How long the last answer stands in for one that can not be had.
const KEEP: Duration = Duration::from_secs(60);
/// A lookup that takes longer counts as failed; the system's own limit is 30 s.
const LOOKUP_MAX: Duration = Duration::from_secs(5);
/// How long a policy waits for the names of its backends, before it is served without those that
/// are missing.
pub(crate) const NAMES_FIRST: Duration = Duration::from_secs(3);
/// Each lookup is a thread for as long as it takes.
const LOOKUPS_MAX: usize = 32;

/// Addresses by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names(HashMap<String, Vec<IpAddr>>);

/// Resolves the names of a policy.
pub(crate) struct Resolver {
    found: HashMap<String, (Vec<IpAddr>, Instant)>,
    names: Vec<String>,
}

/// Policies on their way to the workers.
pub(crate) struct Policies {
    /// What is to be served.
    pub(crate) asked: watch::Receiver<Arc<Policy>>,
    /// What is served, its names being known.
    pub(crate) serving: watch::Sender<Arc<Policy>>,
}

// === impl Names ===

impl Names {
    /// The addresses of a backend's host; none when its name does not resolve.
    pub(crate) fn addresses(&self, host: &Host, port: u16) -> Vec<SocketAddr> {
        match host {
            Host::Ip(ip) => vec![SocketAddr::new(*ip, port)],
            Host::Name(name) => {
                let found = self.0.get(name).map(Vec::as_slice).unwrap_or_default();
                found.iter().map(|ip| SocketAddr::new(*ip, port)).collect()
            }
        }
    }
}

// === impl Resolver ===

impl Resolver {
    pub(crate) fn new(policy: &Policy) -> Self {
        Self { found: HashMap::new(), names: Self::named(policy) }
    }

    /// Resolves the names of another policy from now on. What is known stays known.
    fn learn(&mut self, policy: &Policy) {
        self.names = Self::named(policy);
        self.found.retain(|name, _| self.names.binary_search(name).is_ok());
    }

    fn named(policy: &Policy) -> Vec<String> {
        let mut names: Vec<String> = policy
            .services()
            .iter()
            .flat_map(|service| &service.apis)
            .flat_map(|api| match &api.backend {
                Backend::Http(backend) => hosts(backend),
                Backend::Mock(_) => Vec::new(),
            })
            .filter_map(|host| match host {
                Host::Name(name) => Some(name.clone()),
                Host::Ip(_) => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What is known now.
    pub(crate) fn names(&self) -> Names {
        Names(self.found.iter().map(|(name, (ips, _))| (name.clone(), ips.clone())).collect())
    }

    /// Asks for every name once, [`LOOKUPS_MAX`] at a time. When it is dropped, what was found by
    /// then is known.
    pub(crate) async fn resolve(&mut self) {
        let names = self.names.clone();
        for some in names.chunks(LOOKUPS_MAX) {
            let mut lookups: JoinSet<_> = some.iter().cloned().map(lookup).collect();
            while let Some(looked) = lookups.join_next().await {
                let Ok((name, ips)) = looked else { continue };
                self.note(name, ips, Instant::now());
            }
        }
    }

    fn note(&mut self, name: String, ips: Option<Vec<IpAddr>>, now: Instant) {
        if let Some(ips) = ips {
            self.found.insert(name, (ips, now));
            return;
        }
        let late = |at: &Instant| now.saturating_duration_since(*at) >= KEEP;
        if self.found.get(&name).is_some_and(|(_, at)| late(at)) {
            self.found.remove(&name);
        }
    }

    /// Keeps asking until nobody listens any more. A policy that is asked for is served as soon as
    /// its names were asked for once, and published.
    pub(crate) async fn run(mut self, publish: watch::Sender<Arc<Names>>, mut policies: Policies) {
        loop {
            tokio::select! {
                () = publish.closed() => return,
                policy = policies.next() => {
                    self.learn(&policy);
                    // What is not resolved by then may be soon.
                    timeout(NAMES_FIRST, self.resolve()).await.ok();
                    self.publish(&publish);
                    policies.serving.send_replace(policy);
                }
                () = async {
                    tokio::time::sleep(REFRESH).await;
                    self.resolve().await;
                } => self.publish(&publish),
            }
        }
    }

    fn publish(&self, publish: &watch::Sender<Arc<Names>>) {
        let names = Arc::new(self.names());
        publish.send_if_modified(|published| {
            let changed = **published != *names;
            *published = names.clone();
            changed
        });
    }
}

// === impl Policies ===

impl Policies {
    async fn next(&mut self) -> Arc<Policy> {
        if self.asked.changed().await.is_err() {
            // Nobody asks for others any more.
            std::future::pending::<()>().await;
        }
        self.asked.borrow_and_update().clone()
    }
}

/// The hosts that are connected to for a backend.
fn hosts(backend: &HttpBackend) -> Vec<&Host> {
    match &backend.nodes {
        Some(nodes) => nodes.list.iter().map(|node| &node.host).collect(),
        None => vec![&backend.host],
    }
}

/// Asks the system for one name.
async fn lookup(name: String) -> (String, Option<Vec<IpAddr>>) {
    let looked = timeout(LOOKUP_MAX, lookup_host((name.clone(), 0))).await;
    let Ok(Ok(addresses)) = looked else { return (name, None) };
    let mut ips: Vec<IpAddr> = addresses.map(|address| address.ip()).collect();
    // An address may be told twice, once per kind of socket.
    ips.dedup();
    (name, Some(ips))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_stands_in_for_a_while() {
        let mut resolver = Resolver { found: HashMap::new(), names: Vec::new() };
        let (host, ip) = (Host::Name("a".into()), IpAddr::from([10, 0, 0, 1]));
        let now = Instant::now();
        resolver.note("a".into(), None, now);
        assert_eq!(resolver.names().addresses(&host, 80), []);
        resolver.note("a".into(), Some(vec![ip]), now);
        resolver.note("a".into(), None, now + KEEP / 2);
        assert_eq!(resolver.names().addresses(&host, 80), [SocketAddr::new(ip, 80)]);
        resolver.note("a".into(), None, now + KEEP);
        assert_eq!(resolver.names().addresses(&host, 80), []);
    }
}
