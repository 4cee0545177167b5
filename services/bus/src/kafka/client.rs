//! What all clients of Kafka share: addresses, security, and what they may say.

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

use super::config::{Config, Mechanism, Security};

/// After a lost connection the next try comes so soon, milliseconds; then less and less often.
const RECONNECT_MS: &str = "100";

/// The longest pause between two tries, milliseconds. Kafka's own 10 s would be added to every
/// short outage.
const RECONNECT_MAX_MS: &str = "1000";

/// A context that only says what happens; what has to be known is asked for where it matters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plain;

impl ClientContext for Plain {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client");
    }
}

/// The settings of every client.
pub(crate) fn settings(config: &Config) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", config.brokers.join(","))
        .set("client.id", "tollgate")
        .set("reconnect.backoff.ms", RECONNECT_MS)
        .set("reconnect.backoff.max.ms", RECONNECT_MAX_MS)
        .set("socket.keepalive.enable", "true")
        .set_log_level(RDKafkaLogLevel::Warning);
    secure(&mut client, &config.security);
    client
}

fn secure(client: &mut ClientConfig, security: &Security) {
    let Security { tls, sasl } = security;
    let protocol = match (tls, sasl) {
        (None, None) => "plaintext",
        (Some(_), None) => "ssl",
        (None, Some(_)) => "sasl_plaintext",
        (Some(_), Some(_)) => "sasl_ssl",
    };
    client.set("security.protocol", protocol);
    if let Some(tls) = tls {
        let files = [
            ("ssl.ca.location", &tls.ca),
            ("ssl.certificate.location", &tls.certificate),
            ("ssl.key.location", &tls.key),
        ];
        for (key, path) in files {
            if let Some(path) = path {
                client.set(key, path.to_string_lossy());
            }
        }
    }
    if let Some(sasl) = sasl {
        let mechanism = match sasl.mechanism {
            Mechanism::Plain => "PLAIN",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha512 => "SCRAM-SHA-512",
        };
        client
            .set("sasl.mechanism", mechanism)
            .set("sasl.username", &sasl.user)
            .set("sasl.password", sasl.password.expose());
    }
}

/// Lines of the client library. Each failed try to connect is one; that a broker is away is said
/// once, by whoever waits for it, so these are for a close look only, as are its remarks on settings
/// that are meant.
pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, text: &str) {
    match (level, facility) {
        (_, "FAIL" | "ERROR" | "CONFWARN") => {
            tracing::debug!(target: "librdkafka", facility, "{text}")
        }
        (
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning,
            _,
        ) => tracing::warn!(target: "librdkafka", facility, "{text}"),
        _ => tracing::debug!(target: "librdkafka", facility, "{text}"),
    }
}
