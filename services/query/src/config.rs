//! The section `query:` of the configuration.

use std::net::{Ipv4Addr, SocketAddr};

use settings::Value;

/// Where the API listens when nothing is said: on this machine only, because it has no TLS.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);

/// Where the metrics are when nothing is said.
const METRICS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);

/// The section `query:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `query.listen`: address of the API; default `127.0.0.1:8081`.
    pub listen: SocketAddr,
    /// `query.metrics`: address of the Prometheus metrics; default `127.0.0.1:9090`.
    pub metrics: SocketAddr,
}

impl Default for Config {
    fn default() -> Self {
        Self { listen: LISTEN, metrics: METRICS }
    }
}

/// Reads the section, or takes the defaults without one; its mistakes go to the sink of `value`.
pub fn read(value: Option<&Value<'_>>) -> Option<Config> {
    let Some(value) = value else { return Some(Config::default()) };
    let fields = value.fields()?;
    let listen = fields.get_or("listen", LISTEN);
    let metrics = fields.get_or("metrics", METRICS);
    if listen == metrics && listen.port() != 0 {
        fields.mistake("`listen` and `metrics` are the same address");
    }
    fields.close();
    Some(Config { listen, metrics })
}

#[cfg(test)]
mod tests {
    use settings::{Document, Sink};

    use super::*;

    fn check(text: &str) -> Result<Config, String> {
        let sink = Sink::new();
        let config = Document::parse("t.yaml", text, &sink)
            .and_then(|document| read(Some(&document.root(&sink))));
        sink.finish(config).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn addresses_have_defaults_and_must_differ() {
        let config = check("listen: 0.0.0.0:80").expect("good");
        assert_eq!(config.listen.port(), 80);
        assert_eq!(config.metrics, METRICS);
        assert_eq!(read(None), Some(Config::default()));
        assert!(check("listen: 127.0.0.1:9090").expect_err("bad").contains("same address"));
        assert!(check("lisden: 127.0.0.1:9090").expect_err("bad").contains("lisden"));
    }
}
