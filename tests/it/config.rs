//! The configuration file: the starter, and every mistake at once.

use std::fs;

use tests::program::Program;
use tests::world::World;

use crate::EXE;
use crate::day::program;

#[test]
fn the_starter_is_good_and_runs_and_is_not_written_over() {
    let mut world = World::new(EXE, "127.0.0.1:1".parse().expect("an address"), "");
    fs::remove_file(world.config()).expect("the configuration goes");
    let written = program(&world).run(&["init"]).good();
    assert!(written.out.contains("tollgate check") && written.out.contains("tollgate up"));
    let starter = fs::read_to_string(world.config()).expect("the starter");
    let checked = program(&world).run(&["check"]).good();
    assert!(checked.out.contains("good. 1 service with 3 APIs, 1 price book."), "{checked:?}");
    fs::write(world.config(), "mine: true\n").expect("a file");
    let again = program(&world).run(&["init"]);
    assert!(again.failed(1).contains("there already"), "{again:?}");
    assert_eq!(fs::read_to_string(world.config()).expect("a file"), "mine: true\n");

    // Its ports are fixed; tests take free ones.
    let mut text = starter.clone();
    for (port, key) in [("8080", "gateway"), ("8081", "query"), ("9090", "metrics")] {
        let address = format!("127.0.0.1:{port}");
        assert!(text.contains(&address), "the starter names the address of {key}");
        text = text.replace(&address, "127.0.0.1:0");
    }
    fs::write(world.config(), text).expect("a configuration");
    let running = world.up();
    let mut client = tests::client::Client::connect(running.gateway).expect("it listens");
    let request = tests::ledger::get("weather.example.test", "/release/hello");
    let answer = client.exchange(&request).expect("an answer");
    assert_eq!((answer.status, &*answer.body), (200, &b"hello"[..]));
    assert!(world.stop().success(), "{}", world.log());
}

/// One mistake or more in every section, and in a price book.
const BAD: &str = "\
data: data
gateway:
  name: g
  region: ap-guangzhou
  operator_account: \"1\"
  listen: nowhere
  workers: 0
  typo: 1
spool: {size: much, when_full: maybe}
store: {memory: 1MiB}
metering: {batch_rows: many}
close: {deadline: 3 parsecs}
retention: {records: 1h}
prices: {books: [book.yaml, not-there.yaml]}
query: {listen: here, metrics: there}
services:
  - id: a
    hosts: []
    apis: [{id: x, path: no-path, backend: {url: \"ftp://x\"}}]
keys: [{secret_id: k, secret: \"${env:TOLLGATE_TEST_NOT_SET}\", account: \"1\", services: [none]}]
extra: 1
";

const BAD_BOOK: &str = "\
id: book
currency: DOLLARS
month_zone: +08:00
effective_from: sometime
calls: {model: weird, per: 10_000, tiers: [{price: 0.01}]}
traffic: [{regions: [ap-guangzhou], tiers: [{price: x}]}]
";

#[test]
fn every_mistake_is_printed_at_once_with_file_line_and_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("a file");
    };
    write("bad.yaml", BAD);
    write("book.yaml", BAD_BOOK);
    let program = Program::new(EXE, folder.path());
    let expect = [
        ("bad.yaml:6: gateway.listen: ", "nowhere"),
        ("bad.yaml:7: gateway.workers: ", ""),
        ("bad.yaml:8: gateway.typo: ", "unknown key"),
        ("bad.yaml:9: spool.size: ", "much"),
        ("bad.yaml:9: spool.when_full: ", "maybe"),
        ("bad.yaml:10: store", "memory"),
        ("bad.yaml:11: metering.batch_rows: ", "many"),
        ("bad.yaml:12: close.deadline: ", "3 parsecs"),
        ("bad.yaml:13: retention", "records"),
        ("bad.yaml:14: prices.books[1]: ", "not-there.yaml"),
        ("bad.yaml:15: query.listen: ", "here"),
        ("bad.yaml:15: query.metrics: ", "there"),
        ("bad.yaml:17: services[0]: ", "account"),
        ("bad.yaml:18: services[0].hosts: ", ""),
        ("bad.yaml:19: services[0].apis[0].path: ", "no-path"),
        ("bad.yaml:19: services[0].apis[0].backend.url: ", "ftp://x"),
        ("bad.yaml:20: keys[0].secret: ", "TOLLGATE_TEST_NOT_SET"),
        ("bad.yaml:20: keys[0].services[0]: ", "none"),
        ("bad.yaml:21: extra: ", "unknown key"),
        ("book.yaml:2: currency: ", "DOLLARS"),
        ("book.yaml:4: effective_from: ", "sometime"),
        ("book.yaml:5: calls.model: ", "weird"),
        ("book.yaml:6: traffic[0].tiers[0].price: ", "x"),
    ];
    for command in
        [&["check"][..], &["up"], &["token", "create", "--role", "auditor", "--all-accounts"]]
    {
        let ran = program.run(&[command, &["-c", "bad.yaml"]].concat());
        assert_eq!((ran.code, &*ran.out), (Some(64), ""), "{ran:?}");
        for (place, part) in expect {
            let found = ran.err.lines().find(|line| line.starts_with(place));
            let line = found.unwrap_or_else(|| panic!("nothing at {place}:\n{}", ran.err));
            assert!(line.contains(part), "{line}");
        }
        assert_eq!(ran.err.lines().count(), expect.len(), "{}", ran.err);
    }
    let ran = program.run(&["check", "-c", "none.yaml"]);
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.err.starts_with("none.yaml:1: there is no such file"), "{ran:?}");
}

#[test]
fn faults_of_single_apis_are_mistakes_for_check_and_the_rest_starts_without_them() {
    let mut world = World::new(EXE, "127.0.0.1:1".parse().expect("an address"), "");
    let good = fs::read_to_string(world.config()).expect("the configuration");
    let apis = [
        "{id: api-key, path: /key/, auth: magic, backend: {mock: {}}}",
        "{id: api-cors, path: /cors/, cors: {origins: [shop.test]}, backend: {mock: {}}}",
        "{id: api-body, path: /body/, backend: {mock: {status: 204, body: x}}}",
    ];
    let apis = apis.map(|api| format!("      - {api}\n")).concat();
    fs::write(world.config(), format!("{good}{apis}")).expect("a configuration");
    let first = good.lines().count() + 1;
    let checked = program(&world).run(&["check"]);
    assert_eq!((checked.code, &*checked.out), (Some(64), ""), "{checked:?}");
    let said = checked.err;
    let places = [
        "apis[2].auth: `magic`",
        "apis[3].cors.origins[0]: `shop.test`",
        "apis[4].backend.mock.body: ",
    ];
    for (at, place) in places.into_iter().enumerate() {
        let place = format!("tollgate.yaml:{}: services[0].{place}", first + at);
        assert!(said.contains(&place), "no {place} in {said}");
    }
    assert_eq!(said.lines().count(), places.len(), "{said}");

    let running = world.up();
    let mut client = tests::client::Client::connect(running.gateway).expect("it listens");
    for (path, status, body) in [
        ("/release/key/", 481, r#"{"message":"API config error."}"#),
        ("/release/cors/", 481, r#"{"message":"Found no valid cors config."}"#),
        ("/release/body/", 481, r#"{"message":"Mock config error."}"#),
        ("/release/mock/", 200, "hello"),
    ] {
        let request = tests::ledger::get(tests::world::HOST, path);
        let answer = client.exchange(&request).expect("an answer");
        assert_eq!((answer.status, &*answer.body), (status, body.as_bytes()), "{path}");
    }
    assert_eq!(running.metric("config_faulty_apis"), 3);
    assert!(world.log().contains("apis[3].cors.origins[0]"), "{}", world.log());
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn a_secret_that_is_written_wrongly_is_not_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::new(EXE, folder.path()).env("TEST_SECRET", "from-the-environment");
    program.run(&["init"]).good();
    let path = folder.path().join("tollgate.yaml");
    let starter = fs::read_to_string(&path).expect("the starter");
    // A good reference, an empty secret, and one below a misspelt key.
    for (secret, code) in [
        ("secret: ${env:TEST_SECRET}", 0),
        ("secret: \"\"", 64),
        ("sekret: hidden-half", 64),
        ("secret: [hidden-half]", 64),
    ] {
        fs::write(&path, starter.replace("secret: change-me", secret)).expect("a file");
        let ran = program.run(&["check"]);
        assert_eq!(ran.code, Some(code), "{secret}: {ran:?}");
        let said = format!("{}{}", ran.out, ran.err);
        assert!(!said.contains("hidden-half") && !said.contains("from-the-env"), "{said}");
    }
}
