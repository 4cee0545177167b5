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

use policy::{Backend, Host, Policy};
use tokio::sync::watch;

/// How often names are resolved. As nginx's usual `valid=` of a few seconds.
const REFRESH: Duration = Duration::from_secs(5);
/// How long the last answer stands in for one that can not be had.
const KEEP: Duration = Duration::from_secs(60);
/// A lookup that takes longer counts as failed; the system's own limit is 30 s.
const LOOKUP_MAX: Duration = Duration::from_secs(5);

/// Addresses by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names(HashMap<String, Vec<IpAddr>>);

/// Resolves the names of a policy.
pub(crate) struct Resolver {
    found: HashMap<String, (Vec<IpAddr>, Instant)>,
    names: Vec<String>,
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
        let mut names: Vec<String> = policy
            .services()
            .iter()
            .flat_map(|service| &service.apis)
            .filter_map(|api| match &api.backend {
                Backend::Http(backend) => match &backend.host {
                    Host::Name(name) => Some(name.clone()),
                    Host::Ip(_) => None,
                },
                Backend::Mock(_) => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        Self { found: HashMap::new(), names }
    }

    /// Asks for every name once.
    pub(crate) async fn resolve(&mut self) -> Names {
        for name in &self.names {
            let looked = tokio::net::lookup_host((name.as_str(), 0));
            let now = Instant::now();
            match tokio::time::timeout(LOOKUP_MAX, looked).await {
                Ok(Ok(addresses)) => {
                    let mut ips: Vec<IpAddr> = addresses.map(|address| address.ip()).collect();
                    // One name may stand for an address twice, once per kind of socket.
                    ips.dedup();
                    self.found.insert(name.clone(), (ips, now));
                }
                Ok(Err(_)) | Err(_) => {
                    self.found.retain(|known, (_, at)| {
                        known != name || now.saturating_duration_since(*at) < KEEP
                    });
                }
            }
        }
        Names(self.found.iter().map(|(name, (ips, _))| (name.clone(), ips.clone())).collect())
    }

    /// Keeps asking until nobody listens any more.
    pub(crate) async fn run(mut self, publish: watch::Sender<Arc<Names>>) {
        if self.names.is_empty() {
            return publish.closed().await;
        }
        loop {
            tokio::select! {
                () = publish.closed() => return,
                () = tokio::time::sleep(REFRESH) => {}
            }
            let names = Arc::new(self.resolve().await);
            publish.send_if_modified(|published| {
                let changed = **published != *names;
                *published = names.clone();
                changed
            });
        }
    }
}
