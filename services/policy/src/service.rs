//! The nouns of what is served: service, environment, API, backend.
//!
//! Values of these types come from [`crate::read`] only, so they are valid: ids are unique, paths
//! begin with `/`, durations are above zero and at most [`Timeouts::MAX`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use record::Net;

use crate::admit::{Rules, Suspended};
use crate::errors::{Entry, routing};
use crate::nodes::Nodes;
use crate::route::{Placed, Table};

/// One service: some hosts, some environments, some APIs, and who is billed for its calls.
#[derive(Debug)]
pub struct Service {
    /// Unique among services.
    pub id: String,
    /// The account that is billed.
    pub account: String,
    /// Where the service is published.
    pub environments: Vec<Environment>,
    /// What requests may come by.
    pub schemes: Schemes,
    /// What it asks of all its requests.
    pub(crate) rules: Rules,
    /// Of all versions, in the order of the configuration.
    pub apis: Vec<Api>,
    /// Place in the policy; keys name services by it.
    pub(crate) index: usize,
    /// The APIs of each published version, compiled.
    pub(crate) tables: Vec<Table>,
    /// The table of each environment, in the order of [`Environment::ALL`].
    pub(crate) published: [Option<usize>; 3],
}

/// An operator's word that a service, or an API of it, is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspension<'p> {
    /// Id of the service.
    pub service: &'p str,
    /// Id of the API; nothing for the whole service.
    pub api: Option<&'p str>,
    /// The versions of that API which are meant; none for all.
    pub versions: &'p [String],
    /// `arrears` or `compliance`.
    pub reason: &'static str,
    /// 1-based line of the configuration.
    pub line: usize,
}

/// What a request comes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

/// What requests to a service may come by, and what others are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schemes {
    /// The only one that is served; nothing for both.
    pub only: Option<Scheme>,
    /// The status of a refusal is 404 in place of 426.
    pub refused_as_unknown: bool,
}

/// The first segment of a path says which one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// What the public calls.
    Release,
    /// The rehearsal of a release.
    Prepub,
    /// For trying things out.
    Test,
}

/// One API of a service.
#[derive(Debug)]
pub struct Api {
    /// Unique among the APIs of all services, but for versions of one API, which share it.
    pub id: String,
    /// The path that it answers, as in the configuration: `=/a`, `^~/a`, `/a/{id}`, `/a`.
    pub path: String,
    /// Methods that it answers.
    pub methods: Methods,
    /// What a caller has to show.
    pub auth: Auth,
    /// Where its answers come from.
    pub backend: Backend,
    /// What it asks of its requests.
    pub(crate) rules: Rules,
    /// Place among the APIs of all services; keys name APIs by it. Versions share it.
    pub(crate) index: usize,
    /// The versions of the service that have it; all, if nothing is said.
    pub(crate) versions: Option<Vec<String>>,
}

/// What a caller has to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Nothing.
    None,
    /// A signature made with the secret of a key (HMAC).
    KeyPair,
    /// A signature made with the secret of an application, over more of the request.
    Application,
}

/// Where answers come from.
#[derive(Debug)]
pub enum Backend {
    /// A server that speaks HTTP/1.1.
    Http(HttpBackend),
    /// The gateway itself, with an answer of the configuration.
    Mock(Mock),
}

/// A server that speaks HTTP/1.1.
#[derive(Debug)]
pub struct HttpBackend {
    /// Address or name.
    pub host: Host,
    /// Never 0.
    pub port: u16,
    /// `host:port` as the `Host` header of the backend's requests; without the default port 80.
    pub authority: String,
    /// The path of the URL as written; empty for the root. [`crate::Match::target`] joins it, or
    /// puts the values of variables into it.
    pub base: String,
    /// What else is placed into its requests.
    pub(crate) placed: Placed,
    /// Where its servers are, when there are several; then the URL's host is not connected to.
    pub nodes: Option<Arc<Nodes>>,
    /// How the backend is reached, if the configuration says so; else the class of the address
    /// that was connected to decides.
    pub net: Option<Net>,
    /// How long the gateway waits for it.
    pub timeouts: Timeouts,
}

/// The host part of a backend's URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A literal address.
    Ip(IpAddr),
    /// A name to resolve, in lower case.
    Name(String),
}

/// How long the gateway waits for a backend. Each is above zero and at most [`Timeouts::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// From the request sent until the head of the response is in.
    pub head: Duration,
    /// Between two pieces of a body, in either direction.
    pub idle: Duration,
    /// For everything together.
    pub total: Duration,
}

/// An answer of the configuration.
#[derive(Debug, Default)]
pub struct Mock {
    /// From 200 to 599.
    pub status: StatusCode,
    /// Without those that frame a message or belong to the connection.
    pub headers: HeaderMap,
    /// Empty for 204 and 304.
    pub body: Bytes,
}

/// A set of the methods that the gateway knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Methods(u8);

// === impl Environment ===

impl Environment {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Release, Self::Prepub, Self::Test];

    /// As in paths, records and the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Prepub => "prepub",
            Self::Test => "test",
        }
    }

    /// The environment of that name, written exactly so.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|environment| environment.as_str() == name)
    }
}

// === impl Schemes ===

impl Schemes {
    /// Both.
    pub const ALL: Self = Self { only: None, refused_as_unknown: false };

    /// How a request by `scheme` is refused, if it is.
    pub(crate) fn refusal(self, scheme: Scheme) -> Option<&'static Entry> {
        self.only.filter(|only| *only != scheme)?;
        Some(match (scheme, self.refused_as_unknown) {
            (Scheme::Http, false) => &routing::HTTP_NOT_ALLOWED,
            (Scheme::Https, false) => &routing::HTTPS_NOT_ALLOWED,
            (Scheme::Http, true) => &routing::HTTP_UNKNOWN,
            (Scheme::Https, true) => &routing::HTTPS_UNKNOWN,
        })
    }
}

// === impl Service ===

impl Service {
    /// Those of the service and of its APIs.
    pub(crate) fn suspensions(&self) -> impl Iterator<Item = Suspension<'_>> {
        let own = |rules: &Rules, api, versions| {
            let Suspended { reason, line, .. } = rules.suspended?;
            Some(Suspension { service: &self.id, api, versions, reason, line })
        };
        let apis = self.apis.iter();
        let apis = apis.filter_map(move |api| own(&api.rules, Some(&api.id), api.versions()));
        own(&self.rules, None, &[]).into_iter().chain(apis)
    }
}

// === impl Api ===

impl Api {
    /// True when its settings are faulty: every request to it is answered 481.
    pub fn is_faulty(&self) -> bool {
        self.rules.fault.is_some()
    }

    /// The versions of the service that have it; none for all.
    pub fn versions(&self) -> &[String] {
        self.versions.as_deref().unwrap_or_default()
    }

    /// Whether `version` of the service has it; nothing for a service without versions.
    pub(crate) fn is_in(&self, version: Option<&str>) -> bool {
        match (&self.versions, version) {
            (Some(versions), Some(version)) => versions.iter().any(|known| known == version),
            (None, _) | (_, None) => true,
        }
    }

    /// Whether a version may have both.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        match (&self.versions, &other.versions) {
            (Some(ours), Some(theirs)) => ours.iter().any(|version| theirs.contains(version)),
            (None, _) | (_, None) => true,
        }
    }
}

// === impl Timeouts ===

impl Timeouts {
    /// Longest wait that may be configured. The seed's limit: a longer call is a WebSocket's work.
    pub const MAX: Duration = Duration::from_secs(30 * 60);

    /// `connect` 3 s: two lost SYN packets (retried after 1 s and 3 s) fail it, one does not.
    /// `head` 15 s: the longest a person waits. `idle` 60 s: as nginx. `total`: the maximum.
    pub const DEFAULT: Self = Self {
        connect: Duration::from_secs(3),
        head: Duration::from_secs(15),
        idle: Duration::from_secs(60),
        total: Self::MAX,
    };
}

// === impl Methods ===

impl Methods {
    /// The methods that the gateway knows, in the order of the seed's list.
    pub const KNOWN: [&'static str; 7] =
        ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];
    /// All of them.
    pub const ALL: Self = Self(0b111_1111);
    /// None of them, to begin a set with.
    pub(crate) const NONE: Self = Self(0);

    /// The set of one method, or nothing for one that the gateway does not know. Methods are
    /// case-sensitive (RFC 9110).
    pub(crate) fn of(name: &str) -> Option<Self> {
        let position = Self::KNOWN.iter().position(|known| *known == name)?;
        Some(Self(1 << position))
    }

    /// Both sets together.
    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both sets have.
    pub(crate) const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// True when the sets share a method.
    pub(crate) const fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The names, in the order of [`Methods::KNOWN`].
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::KNOWN
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, name)| name)
    }
}
