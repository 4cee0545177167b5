//! Where ClickHouse is, and the handle through which everything else in this crate speaks to it.
//!
//! Plain HTTP only: the embedded engine listens on the loopback address, and a server elsewhere is
//! reached through a tunnel of the operator's choice until TLS is built in.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use clickhouse::{Client, Compression};
use settings::Secret;
use thiserror::Error;

/// A ClickHouse server: the embedded engine's or any other.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `http://host:port`, nothing after it.
    pub url: String,
    /// The user to log in as; it needs the rights to create and use [`database`](Self::database).
    pub user: String,
    /// Its password; may be empty.
    pub password: Secret,
    /// A header that the engine demands on every request: name and secret.
    pub header: Option<(String, Secret)>,
    /// Database of all our tables. [`Store::migrate`] creates it.
    pub database: String,
}

/// Why an endpoint can not be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EndpointError {
    /// Not of the form `http://host:port`.
    #[error("`{url}` is not of the form `http://host:port`")]
    Url {
        /// As given.
        url: String,
    },
    /// TLS is not built in yet.
    #[error("`{url}` asks for TLS, which is not supported yet; use `http://host:port`")]
    Tls {
        /// As given.
        url: String,
    },
    /// The database's name would need quoting.
    #[error("`{database}` is not a database name: letters, digits and `_`, not first a digit")]
    Database {
        /// As given.
        database: String,
    },
}

/// The connection to one ClickHouse. Cheap to clone.
///
/// Connections are pooled by the runtime that first used them: give each runtime its own `Store`.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) endpoint: Endpoint,
    /// `host:port`.
    pub(crate) authority: String,
    pub(crate) client: Client,
    /// Inserts return only after `fsync` of the part and its folder.
    pub(crate) durable: bool,
    /// Counts inserts, for their names.
    pub(crate) inserts: AtomicU64,
}

// === impl Store ===

impl Store {
    /// A handle to the server at `endpoint`. Nothing is sent yet.
    ///
    /// # Errors
    /// When the endpoint's texts can not be used.
    pub fn new(endpoint: Endpoint) -> Result<Self, EndpointError> {
        Self::with(endpoint, false)
    }

    fn with(endpoint: Endpoint, durable: bool) -> Result<Self, EndpointError> {
        let authority = authority(&endpoint.url)?;
        if !is_identifier(&endpoint.database) {
            return Err(EndpointError::Database { database: endpoint.database });
        }
        let client = client(&endpoint);
        let inner = Inner { endpoint, authority, client, durable, inserts: AtomicU64::new(0) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Like [`new`](Self::new); what is stored survives a power loss.
    ///
    /// For `durability: host`, where a segment of the spool is freed once ClickHouse has its
    /// records. [`migrate`](Self::migrate) tells the tables. Costs an `fsync` per file of a part.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn new_durable(endpoint: Endpoint) -> Result<Self, EndpointError> {
        Self::with(endpoint, true)
    }

    /// Name of the database of all our tables.
    pub fn database(&self) -> &str {
        &self.inner.endpoint.database
    }
}

fn client(endpoint: &Endpoint) -> Client {
    let client = Client::default()
        .with_url(&endpoint.url)
        .with_user(&endpoint.user)
        .with_password(endpoint.password.expose())
        .with_database(&endpoint.database)
        // Answers are small or come over the loopback.
        .with_compression(Compression::None);
    match &endpoint.header {
        Some((name, secret)) => client.with_header(name, secret.expose()),
        None => client,
    }
}

/// `host:port` of an `http://host:port`.
fn authority(url: &str) -> Result<String, EndpointError> {
    if url.starts_with("https://") {
        return Err(EndpointError::Tls { url: url.to_owned() });
    }
    let refused = || EndpointError::Url { url: url.to_owned() };
    let rest = url.strip_prefix("http://").ok_or_else(refused)?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let authority: http::uri::Authority = rest.parse().map_err(|_| refused())?;
    if authority.port_u16().is_none() || rest.contains('@') {
        return Err(refused());
    }
    Ok(rest.to_owned())
}

/// Whether `name` stands in SQL without quotes.
fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_with_a_port_is_an_endpoint() {
        let check = |url: &str, expect: Option<&str>| {
            assert_eq!(authority(url).ok().as_deref(), expect, "{url}");
        };
        check("http://127.0.0.1:8123", Some("127.0.0.1:8123"));
        check("http://127.0.0.1:8123/", Some("127.0.0.1:8123"));
        check("http://[::1]:8123", Some("[::1]:8123"));
        check("http://db.example:80", Some("db.example:80"));
        check("http://db.example", None);
        check("http://user@db.example:80", None);
        check("http://db.example:80/path", None);
        check("https://db.example:443", None);
        check("db.example:80", None);
        assert!(matches!(authority("https://x:1"), Err(EndpointError::Tls { .. })));
    }

    #[test]
    fn a_database_name_needs_no_quotes() {
        assert!(is_identifier("tollgate") && is_identifier("_t1"));
        assert!(!is_identifier("") && !is_identifier("1t") && !is_identifier("a-b"));
        assert!(!is_identifier("a`b") && !is_identifier("ü"));
    }
}
