//! What the section accepts, and what it says of mistakes.

use settings::{Document, Reference, Sink};

use super::*;

struct Known;

impl Resolve for Known {
    fn resolve(&self, reference: Reference<'_>) -> Result<String, String> {
        match reference {
            Reference::Env("PASSWORD") => Ok("secret".to_owned()),
            _ => Err("it is not there".to_owned()),
        }
    }
}

/// The configuration, or the mistakes, of a text.
fn check(text: &str) -> Result<Config, String> {
    let sink = Sink::new();
    let config = Document::parse("tollgate.yaml", text, &sink).and_then(|document| {
        let root = document.root(&sink);
        let section = root.fields()?.required("kafka")?;
        read(&section, 65_536, &Known)
    });
    sink.finish(config).map_err(|mistakes| mistakes.to_string())
}

#[test]
fn brokers_are_all_that_is_needed() {
    let config = check("kafka: { brokers: ['127.0.0.1:9092', 'kafka:9092'] }").expect("valid");
    assert_eq!(config.brokers, ["127.0.0.1:9092", "kafka:9092"]);
    assert_eq!((config.topic.as_str(), config.group.as_str()), (DEFAULT_TOPIC, DEFAULT_GROUP));
    assert_eq!((config.partitions, config.replication, config.record_max), (4, 1, 65_536));
    assert_eq!((config.compression, config.security), (Compression::Lz4, Security::default()));
}

#[test]
fn every_key_is_read() {
    let text = "kafka: { brokers: ['k:1'], topic: t.x, group: g_1, partitions: 12, \
                replication: 3, compression: zstd, session_timeout: 6s, max_poll_interval: 1m, \
                sasl: { user: me, password: '${env:PASSWORD}' } }";
    let config = check(text).expect("valid");
    assert_eq!((config.topic.as_str(), config.group.as_str()), ("t.x", "g_1"));
    assert_eq!((config.partitions, config.replication), (12, 3));
    assert_eq!(config.compression, Compression::Zstd);
    assert_eq!(config.session_timeout, Duration::from_secs(6));
    assert_eq!(config.max_poll_interval, Duration::from_secs(60));
    let sasl = config.security.sasl.expect("it is there");
    assert_eq!((sasl.user.as_str(), sasl.password.expose()), ("me", "secret"));
    assert_eq!(sasl.mechanism, Mechanism::Plain);
}

#[test]
fn all_mistakes_come_at_once() {
    let text = "kafka:\n  brokers: [nowhere]\n  topic: 'a b'\n  partitions: 0\n  \
                compression: gzip\n  session_timeout: 6m\n  more: 1\n";
    let found = check(text).expect_err("wrong");
    for part in [
        "kafka.brokers[0]: `nowhere` is no broker; `host:port` is accepted",
        "kafka.topic: `a b` is no name for Kafka",
        "`partitions` is 0; at least 1 is needed",
        "kafka.compression: `gzip` is not one of `lz4`, `zstd`",
        "`session_timeout` must be above 0 and at most `max_poll_interval`",
        "kafka.more: unknown key",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
    assert!(check("kafka: { brokers: [] }").expect_err("wrong").contains("at least one"));
}

#[test]
fn a_password_is_never_shown() {
    let text = "kafka: { brokers: ['k:1'], sasl: { user: me, password: hidden } }";
    let config = check(text).expect("valid");
    assert!(!format!("{config:?}").contains("hidden"));
}

#[cfg(not(feature = "tls"))]
#[test]
fn without_the_feature_tls_is_refused_in_words() {
    let found = check("kafka: { brokers: ['k:1'], tls: { ca: ca.pem } }").expect_err("wrong");
    assert!(found.contains("cargo feature `tls`"), "{found}");
}

#[cfg(feature = "tls")]
#[test]
fn tls_takes_three_files() {
    let text = "kafka: { brokers: ['k:1'], tls: { ca: ca.pem, certificate: c.pem, key: k.pem } }";
    let tls = check(text).expect("valid").security.tls.expect("it is there");
    assert_eq!(tls.key, Some(PathBuf::from("k.pem")));
    let text = "kafka: { brokers: ['k:1'], tls: { certificate: c.pem } }";
    assert!(check(text).expect_err("wrong").contains("go together"));
}
