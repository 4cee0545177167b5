//! The command line: exit codes, one sentence per fault, and what never stands in it.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tests::client::Client;
use tests::ledger::get;
use tests::program::{Program, Ran};
use tests::wait;
use tests::world::{HOST, Running, STORE_MAX, World};

use crate::EXE;
use crate::day::{metric, metrics, program};

/// A secret of the configuration below, and one that it takes from the environment.
const SECRETS: [&str; 2] = ["the-secret-half-of-a-key", "a-secret-from-the-environment"];

/// A world whose keys have secrets that must be seen nowhere.
fn world() -> World {
    let backend = tests::backend::Backend::start();
    let keys = format!(
        "keys:\n\
         \x20 - {{secret_id: id-1, secret: {}, account: \"1250000002\", order: order-1, services: [service-a]}}\n",
        SECRETS[0]
    );
    World::new(EXE, backend.addr, &keys)
}

/// Every secret of a running process.
fn secrets(world: &World, running: &Running) -> Vec<String> {
    let text = fs::read(world.data().join("running.json")).expect("it runs");
    let json: Value = serde_json::from_slice(&text).expect("JSON");
    let word = |value: &Value| value.as_str().expect("a text").to_owned();
    let engine = [&json["store"]["password"], &json["store"]["header"][1]].map(word);
    assert!(engine.iter().all(|secret| secret.len() > 10), "the engine has a password");
    [running.token.clone()].into_iter().chain(engine).chain(SECRETS.map(str::to_owned)).collect()
}

/// An id as the gateway would give it to a request `ago` seconds ago.
fn id_of(ago: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set");
    let ms = now.as_millis() - u128::from(ago) * 1000;
    format!("{ms:012x}7abc8123456789abcdef")
}

/// Asks the program in a world's folder, and keeps all that it says.
struct Asker<'w> {
    world: &'w World,
    said: String,
}

impl Asker<'_> {
    fn ask(&mut self, words: &[&str]) -> Ran {
        let ran = program(self.world).run(words);
        self.said.push_str(&ran.out);
        self.said.push_str(&ran.err);
        ran
    }
}

#[test]
fn each_question_has_its_answer_beside_a_running_process_and_no_secret_is_told() {
    let mut world = world();
    // Without a running process the command starts an engine of its own.
    let before = program(&world).json(&["token", "create", "--role", "auditor", "--all-accounts"]);
    let running = world.up();
    let mut client = Client::connect(running.gateway).expect("it listens");
    let ids = ["/release/x", "/release/status/404", "/nowhere/x"]
        .map(|path| client.exchange(&get(HOST, path)).expect("an answer").req_id().to_owned());
    let stored = || running.number("SELECT count() FROM records WHERE part = 'final'");
    wait::until("the records", STORE_MAX, || (stored() == 3).then_some(()));
    let mut asker = Asker { world: &world, said: String::new() };
    support(&mut asker, &ids);
    finance(&mut asker, &running);
    marketplace(&mut asker, &running);
    let token = before["token"].as_str().expect("a token");
    other_servers(&running, token, &ids[0]);
    // The folder is held, and says by whom.
    let ran = asker.ask(&["up"]);
    let pid = world.pid().to_string();
    assert!(ran.failed(1).contains(&pid), "{pid}: {ran:?}");
    check_ports(&running);

    let mut said = asker.said;
    let secrets = secrets(&world, &running);
    assert!(world.stop().success(), "{}", world.log());
    said.push_str(&world.log());
    for secret in &secrets {
        assert!(!said.contains(secret.as_str()), "a secret was told:\n{said}");
    }
    let ran = program(&world).run(&["logs", "get", &ids[0]]);
    assert!(ran.failed(1).contains("no `tollgate up` runs"), "{ran:?}");
}

/// What happened, whose fault was it, was it charged?
fn support(asker: &mut Asker<'_>, ids: &[String; 3]) {
    for (id, words) in ids.iter().zip([
        "Nobody's fault; it counts, because the status is 200",
        "it counts, because the request reached the backend",
        "The client's fault; it does not count, because the gateway refused it",
    ]) {
        let shown = asker.ask(&["logs", "get", id]).good().out;
        assert!(shown.contains(words) && shown.contains(id), "{shown}");
    }
    let upper = ids[0].to_uppercase();
    let json = asker.ask(&["logs", "get", &upper, "--output", "json"]).json();
    assert_eq!(json["req_id"], *ids[0]);
    let csv = asker.ask(&["logs", "get", &ids[0], "--output", "csv"]).good().out;
    assert!(csv.starts_with("field,value\n") && csv.contains("\nrsp_st,200\n"), "{csv}");
    for (id, words) in [
        (id_of(1), "may still arrive"),
        (id_of(40 * 86_400), "kept for 30 days"),
        ("foreign-id".to_owned(), "no such record"),
    ] {
        let ran = asker.ask(&["logs", "get", &id]);
        assert!(ran.failed(1).contains(words), "{ran:?}");
    }
}

/// An hour that still runs says so, in each form.
fn finance(asker: &mut Asker<'_>, running: &Running) {
    let hour = hour_now(running);
    let table = asker.ask(&["bills", "show", &hour]).good().out;
    // It may have ended while the test runs.
    let open = table.contains("open: still running") || table.contains("provisional: not closed");
    assert!(open && table.contains("calls"), "{table}");
    let json = asker.ask(&["bills", "show", &hour, "--output", "json"]).json();
    let bills = json["bills"].as_array().map(Vec::len);
    assert!(json["state"] != "closed" && bills == Some(1), "{json}");
    let csv = asker.ask(&["bills", "show", &hour, "--output", "csv"]).good().out;
    assert!(csv.starts_with("account,item,region,direction,tier,quantity"), "{csv}");
    let ran = asker.ask(&["bills", "show", &hour, "--proof"]);
    assert!(ran.failed(1).contains("the hour is not closed"), "{ran:?}");
    let ran = asker.ask(&["close", &hour, "--dry-run"]).good();
    assert!(ran.out.contains("not closed"), "{ran:?}");
}

fn marketplace(asker: &mut Asker<'_>, running: &Running) {
    let orders = ["audit", "orders", "order-1", "order-2"];
    let json = asker.ask(&[&orders[..], &["--output", "json"]].concat()).json();
    assert_eq!(json["orders"][1]["calls"], 0, "{json}");
    let table = asker.ask(&[&orders[..], &["--from", &hour_now(running)]].concat()).good().out;
    assert!(table.contains("not billable") && table.contains("order-1"), "{table}");
}

/// Another server, by environment; tokens, made beside a process and before it.
fn other_servers(running: &Running, token: &str, id: &str) {
    let get = ["logs", "get", id];
    let elsewhere = Program::new(EXE, "/").env("TOLLGATE_URL", format!("http://{}", running.api));
    assert_eq!(elsewhere.clone().env("TOLLGATE_TOKEN", token).json(&get)["req_id"], id);
    let ran = elsewhere.run(&get);
    assert!(ran.failed(1).contains("set TOLLGATE_TOKEN"), "{ran:?}");
    let ran = elsewhere.clone().env("TOLLGATE_TOKEN", "tollgate_wrong").run(&get);
    assert!(ran.failed(1).contains("the token is not known"), "{ran:?}");
    assert!(!ran.err.contains("tollgate_wrong"), "{ran:?}");
    let ran = Program::new(EXE, "/").run(&get);
    let sentence = ran.failed(1);
    assert!(sentence.contains("TOLLGATE_URL") && sentence.contains("--data"), "{ran:?}");
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let gone = format!("http://{}", nobody.local_addr().expect("an address"));
    drop(nobody);
    let ran = elsewhere.env("TOLLGATE_URL", &gone).env("TOLLGATE_TOKEN", token).run(&get);
    let sentence = ran.failed(1);
    assert!(sentence.contains(&gone) && sentence.contains("start `tollgate up`"), "{ran:?}");
    assert!(!ran.err.contains(token), "{ran:?}");
}

/// The hour of the requests, as the command takes it.
fn hour_now(running: &Running) -> String {
    let sql = "SELECT formatDateTime(min(hour), '%Y-%m-%dT%H', 'UTC') FROM records \
               WHERE billable";
    running.sql(sql).trim().to_owned()
}

/// Metrics of gateway, metering and API; health and readiness.
fn check_ports(running: &Running) {
    assert_eq!(metric(running, "gateway_requests_total"), 3, "{}", metrics(running));
    assert!(metric(running, "metering_records_stored_total") >= 3);
    assert!(metrics(running).contains("query_requests_total"), "{}", metrics(running));
    for path in ["/healthz", "/readyz"] {
        assert_eq!(running.get(path, "").0, 200, "{path}");
    }
}

#[test]
fn a_start_that_can_not_be_says_why_in_one_sentence() {
    let world = world();
    let config = fs::read_to_string(world.config()).expect("the configuration");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    for key in ["gateway.listen", "query.listen", "query.metrics"] {
        let (section, name) = key.split_once('.').expect("a path");
        let at = config.find(&format!("{section}:\n")).expect("the section");
        let (head, rest) = config.split_at(at);
        let free = format!("{name}: 127.0.0.1:0");
        assert!(rest.contains(&free), "{config}");
        let text = format!("{head}{}", rest.replacen(&free, &format!("{name}: {address}"), 1));
        fs::write(world.folder.path().join("busy.yaml"), text).expect("a configuration");
        let ran = program(&world).run(&["up", "-c", "busy.yaml"]);
        let sentence = ran.failed(1);
        assert!(sentence.contains(&address) && sentence.contains(key), "{ran:?}");
        assert!(!ran.err.contains("engine"), "said before an engine is started: {ran:?}");
    }
    // A first start on a machine without network tools, and with a cache that can not be.
    let cache = world.folder.path().join("cache");
    let bare = program(&world).env("PATH", "").env("TOLLGATE_CACHE", cache.to_string_lossy());
    for words in [&["up"][..], &["demo"][..]] {
        let ran = bare.run(words);
        let sentence = ran.failed(1);
        for part in ["npm", "curl", "libchdb.so", "start again"] {
            assert!(sentence.contains(part), "{part}: {ran:?}");
        }
    }
    let file = world.config().join("cache");
    let bad = program(&world).env("TOLLGATE_CACHE", file.to_string_lossy());
    let ran = bad.run(&["up"]);
    assert!(ran.failed(1).contains("TOLLGATE_CACHE"), "{ran:?}");
    assert_no_process(world.folder.path());
}

/// No engine is left that works on this folder.
fn assert_no_process(folder: &Path) {
    let left = tests::processes::inside(folder);
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[test]
fn words_that_do_not_go_together_are_usage_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::new(EXE, folder.path());
    let lines: [&[&str]; 9] = [
        &[],
        &["bogus"],
        &["bills", "show", "yesterday"],
        &["audit", "orders"],
        &["close", "2026-11-20T14"],
        &["token", "create", "--role", "king", "--account", "1"],
        &["token", "create", "--role", "buyer"],
        &["ingest", "--format", "xml", "--source", "a", "file"],
        &["demo", "--requests", "1"],
    ];
    for line in lines {
        let ran = program.run(line);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{line:?}: {ran:?}");
        assert!(!ran.err.is_empty(), "{line:?}");
    }
    assert!(program.run(&["--version"]).good().out.starts_with("tollgate "));
    assert!(program.run(&["--help"]).good().out.contains("Usage: tollgate"));
}
