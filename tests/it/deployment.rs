//! What stands in `docker-compose.yml` and `deploy/`: the versions and settings with which the tests
//! run, and ports that are open to the machine only. (Its form is checked by `.ci/compose`.)

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tests::program::Program;

use crate::EXE;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The text of an element that stands once in a document.
fn element<'t>(text: &'t str, name: &str) -> &'t str {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    assert_eq!(text.matches(&open).count(), 1, "{open} stands once");
    let (_, rest) = text.split_once(&open).expect("it stands there");
    rest.split_once(&close).expect("it ends").0
}

#[test]
fn the_broker_has_the_version_and_settings_of_the_tests() {
    let compose = read("docker-compose.yml");
    let image = format!("image: apache/kafka:{}\n", broker::VERSION);
    assert!(compose.contains(&image), "no {image}");
    let text = read("deploy/kafka/server.properties");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let settings: BTreeMap<_, _> =
        lines.map(|line| line.split_once('=').expect("name=value")).collect();
    for (name, value) in broker::SETTINGS {
        assert_eq!(settings.get(name), Some(&value), "{name}");
    }
    // The rest says who it is and where; whatever else is set, the tests must run with it too.
    let place = [
        "process.roles",
        "node.id",
        "controller.quorum.voters",
        "listeners",
        "advertised.listeners",
        "log.dirs",
    ];
    for name in settings.keys() {
        let tested = broker::SETTINGS.iter().any(|(known, _)| known == name);
        assert!(tested || place.contains(name), "the tests do not run with {name}");
    }
}

#[test]
fn clickhouse_has_the_version_and_settings_of_the_embedded_engine() {
    let compose = read("docker-compose.yml");
    let (version, _) = engine::PIN.version.split_once('-').expect("a version and its kind");
    let image = format!("image: clickhouse/clickhouse-server:{version}\n");
    assert!(compose.contains(&image), "no {image}");
    let server = read("deploy/clickhouse/config.d/tollgate.xml");
    assert_eq!(element(&server, "keep_alive_timeout"), engine::KEEP_ALIVE_S.to_string());
    assert_eq!(element(&server, "timezone"), "UTC");
    let users = read("deploy/clickhouse/users.d/tollgate.xml");
    let profiles = element(&users, "profiles");
    assert_eq!(
        element(element(profiles, "default"), "http_receive_timeout"),
        engine::RECEIVE_TIMEOUT_S.to_string()
    );
    assert_eq!(element(element(profiles, engine::USER), "async_insert"), "0");
    let user = element(element(&users, "users"), engine::USER);
    assert_eq!(element(user, "profile"), engine::USER);
    let grants: Vec<&str> = element(user, "grants").trim().lines().map(str::trim).collect();
    let expected = engine::GRANTS.map(|grant| {
        let grant = grant.replace("{database}", "tollgate");
        format!("<query>{grant}</query>")
    });
    assert_eq!(grants, expected);
}

#[test]
fn the_configuration_of_the_composition_is_good_and_holds_no_password() {
    let text = read("deploy/tollgate.yaml");
    assert!(text.contains("password: ${env:TOLLGATE_STORE_PASSWORD}\n"));
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("tollgate.yaml"), text).expect("written");
    let program = Program::new(EXE, folder.path());
    let ran = program.run(&["check"]);
    assert_eq!(ran.code, Some(64), "without the password: {}", ran.err);
    let program = program.env("TOLLGATE_STORE_PASSWORD", "told-by-the-environment");
    let ran = program.run(&["check"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
}

#[test]
fn every_port_of_the_composition_is_open_to_this_machine_only() {
    let compose = read("docker-compose.yml");
    let ports: Vec<&str> = compose.lines().filter(|line| line.contains("ports:")).collect();
    assert!(ports.len() >= 5, "gateways, metering and query have ports: {ports:?}");
    for line in ports {
        let (_, list) = line.split_once('[').unwrap_or_else(|| panic!("not in brackets: {line}"));
        for port in list.trim_end_matches(']').split(',') {
            assert!(port.trim().starts_with("\"127.0.0.1:"), "{line}");
        }
    }
}
