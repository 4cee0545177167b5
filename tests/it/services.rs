//! The services by hand, as the operator's handbook says: each starts without the others, says what
//! it waits for, and is ready when that is there.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use broker::{Broker, Port};
use tests::client::{Answer, Client};
use tests::program::Program;
use tests::service::Service;
use tests::wait;
use tests::world::STORE_MAX;

use crate::EXE;

/// The starter configuration with its comments taken away as the handbook says, and free ports.
fn configuration(folder: &Path, broker: &str, ports: [u16; 3]) {
    let ran = Program::new(EXE, folder).run(&["init"]);
    assert_eq!(ran.code, Some(0));
    let file = folder.join("tollgate.yaml");
    let mut text = fs::read_to_string(&file).expect("the starter configuration");
    let [engine, metering, query] = ports;
    for (old, new) in [
        ("\n# kafka:", "\nkafka:".to_owned()),
        ("\n#   brokers: [127.0.0.1:9092]", format!("\n  brokers: [\"{broker}\"]")),
        ("\n# engine:", "\nengine:".to_owned()),
        ("\n#   listen: 127.0.0.1:8123", format!("\n  listen: 127.0.0.1:{engine}")),
        ("listen: 127.0.0.1:8080", "listen: 127.0.0.1:0".to_owned()),
        ("metrics: 127.0.0.1:9091", "metrics: 127.0.0.1:0".to_owned()),
        ("metrics: 127.0.0.1:9089", format!("metrics: 127.0.0.1:{metering}")),
        ("listen: 127.0.0.1:8081", format!("listen: 127.0.0.1:{query}")),
        ("metrics: 127.0.0.1:9090", "metrics: 127.0.0.1:0".to_owned()),
    ] {
        assert_eq!(text.matches(old).count(), 1, "{old}");
        text = text.replace(old, &new);
    }
    fs::write(file, text).expect("a configuration");
}

/// Asks for one path; none while nobody listens there.
fn get(port: u16, path: &str) -> Option<Answer> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut client = Client::connect(SocketAddr::from(([127, 0, 0, 1], port))).ok()?;
    client.exchange(request.as_bytes()).ok()
}

#[test]
fn each_service_starts_without_the_others_and_says_what_it_waits_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut broker = Broker::start();
    let ports = [(); 3].map(|()| Port::take().expect("a free port"));
    let [_, metering_port, query_port] = [0, 1, 2].map(|index| ports[index].number());
    configuration(folder.path(), broker.addr(), [0, 1, 2].map(|index| ports[index].number()));
    broker.kill();
    let service = |name: &'static str| Service::new(EXE, &[name], folder.path());
    let (mut gateway, mut metering) = (service("gateway"), service("metering"));
    let (mut query, mut engine) = (service("query"), service("engine"));

    let said = gateway.start(&[]);
    let addr = said["gateways"][0].as_str().and_then(|addr| addr.parse().ok()).expect("its port");
    let call = b"GET /release/hello HTTP/1.1\r\nHost: weather.example.test\r\n\r\n";
    let answer = Client::connect(addr).expect("it listens").exchange(call).expect("an answer");
    assert_eq!(answer.status, 200, "neither broker nor ClickHouse are there");
    let id = answer.req_id().to_owned();

    metering.spawn(&[]);
    query.spawn(&[]);
    for port in [metering_port, query_port] {
        let ready = wait::until("an answer", STORE_MAX, || get(port, "/readyz"));
        let body = String::from_utf8_lossy(&ready.body).into_owned();
        assert_eq!(ready.status, 503, "{body}");
        assert!(body.contains("tollgate engine"), "it says what is missing: {body}");
        assert_eq!(get(port, "/healthz").expect("it lives").status, 200);
    }
    engine.start(&[]);
    let ready = query.ready();
    assert!(ready.is_ok(), "{ready:?}: {}", query.log());
    wait::until("metering to miss the broker", STORE_MAX, || {
        let ready = get(metering_port, "/readyz")?;
        String::from_utf8_lossy(&ready.body).contains("no broker answers").then_some(())
    });
    broker.start_again();
    let ready = metering.ready();
    assert!(ready.is_ok(), "{ready:?}: {}", metering.log());
    let program = Program::new(EXE, folder.path());
    wait::until("the record of the first request", STORE_MAX, || {
        (program.run(&["logs", "get", &id]).code == Some(0)).then_some(())
    });
    // Who goes takes along all that runs in its folder, so none goes before all have ended.
    for service in &mut [gateway, metering, query, engine] {
        let status = service.stop();
        assert!(status.success(), "{status}: {}", service.log());
    }
}
