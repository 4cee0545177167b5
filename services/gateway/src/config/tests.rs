use settings::{Document, Sink};

use super::*;

fn check(text: &str) -> Result<Config, String> {
    let sink = Sink::new();
    let document = Document::parse("t.yaml", text, &sink);
    let config = document.as_ref().and_then(|document| read(&document.root(&sink)));
    sink.finish(config).map_err(|mistakes| mistakes.to_string())
}

#[test]
fn a_short_section_has_the_documented_defaults() {
    let config = check("name: gw\nregion: r\noperator_account: o\nworkers: 3");
    let expected = Config {
        name: "gw".into(),
        region: "r".into(),
        instance: "gw".into(),
        instance_type: InstanceType::Shared,
        listen: "127.0.0.1:8080".parse().expect("an address"),
        metrics: "127.0.0.1:9091".parse().expect("an address"),
        workers: NonZeroU16::new(3).expect("three is not zero"),
        operator_account: "o".into(),
        proxy_protocol: ProxyProtocol::Off,
        trusted_proxies: Networks::NONE,
        private_networks: Networks::default(),
        limits: Limits::default(),
        timeouts: Timeouts::default(),
        record: RecordConfig::default(),
    };
    assert_eq!(config, Ok(expected));
}

#[test]
fn a_full_section_is_taken_as_written() {
    let text = "name: gw\nregion: r\noperator_account: o\ninstance: i\ninstance_type: dedicated\n\
        listen: 0.0.0.0:80\nworkers: 1\nproxy_protocol: required\n\
        trusted_proxies: [10.1.0.0/16]\nprivate_networks: [100.64.0.0/10]\n\
        limits: {connections: 5, head: 8KiB, uri: 1KiB, headers: 50, body: 1MB, buffer: 16KiB,\n  \
          backend_connections: 7, backend_idle: 6}\n\
        timeouts: {head: 1s, body: 2s, write: 3s, idle: 4s, backend_idle: 5s, linger: 100ms}\n\
        record: {max: 9KiB, heartbeat: 1s, interim: 1m}";
    let config = check(text).expect("the text has no mistakes");
    assert_eq!(config.proxy_protocol, ProxyProtocol::Required);
    assert!(config.trusted_proxies.contains([10, 1, 2, 3].into()));
    let (limits, timeouts, record) = (config.limits, config.timeouts, config.record);
    assert_eq!((limits.connections, limits.head, limits.uri), (5, 8192, 1024));
    assert_eq!((limits.headers, limits.body, limits.buffer), (50, 1_000_000, 16_384));
    assert_eq!((limits.backend_connections, limits.backend_idle), (7, 6));
    assert_eq!((timeouts.head, timeouts.body), (Duration::from_secs(1), Duration::from_secs(2)));
    assert_eq!((timeouts.write, timeouts.idle), (Duration::from_secs(3), Duration::from_secs(4)));
    assert_eq!(timeouts.linger, Duration::from_millis(100));
    assert_eq!((record.max, record.interim), (9216, Duration::from_secs(60)));
    let class = |ip: [u8; 4]| config.private_networks.class(IpAddr::from(ip));
    assert_eq!((class([100, 64, 1, 1]), class([10, 0, 0, 1])), (Net::Private, Net::Public));
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = "name: ''\noperator_account: o\ninstance_type: big\nlisten: here\nworkers: 0\nproxy_protocol: on\n\
        trusted_proxies: [here]\n\
        private_networks: [10.0.0.0/33, '::1/128']\nlimits: {head: 1B, hed: 1, body: x}\n\
        timeouts: {idle: 1ms}\nrecord: {max: 1KiB}\nnmae: x";
    assert_eq!(
        check(text).expect_err("the text has mistakes"),
        "t.yaml:1: name: expected a text of 1 to 128 bytes\n\
         t.yaml:1: `region` is missing\n\
         t.yaml:3: instance_type: `big` is not `shared` or `dedicated`\n\
         t.yaml:4: listen: `here` is not an address with a port, like `127.0.0.1:8080`\n\
         t.yaml:5: workers: from 1 to 256 workers are accepted\n\
         t.yaml:6: proxy_protocol: `on` is not `off` or `required`\n\
         t.yaml:7: trusted_proxies[0]: `here` is not a network, like `10.0.0.0/8`\n\
         t.yaml:8: private_networks[0]: `10.0.0.0/33` is not a network, like `10.0.0.0/8`\n\
         t.yaml:9: limits.head: from 1024 to 1048576 are accepted\n\
         t.yaml:9: limits.body: `x` is not a size in bytes, like `512`, `64KiB`, `16MiB`, `4GiB` or `40MB`\n\
         t.yaml:9: limits.hed: unknown key; known here: connections, head, uri, headers, body, buffer, backend_connections, backend_idle\n\
         t.yaml:10: timeouts.idle: from 10ms to 24h are accepted\n\
         t.yaml:11: record.max: from 8192 to 524288 are accepted\n\
         t.yaml:12: nmae: unknown key; known here: name, region, operator_account, instance, instance_type, listen, metrics, workers, proxy_protocol, trusted_proxies, private_networks, limits, timeouts, record"
    );
}

#[test]
fn addresses_are_classed_whatever_their_form() {
    let networks = Networks::default();
    for (address, net) in [
        ("10.1.2.3", Net::Private),
        ("172.31.0.1", Net::Private),
        ("172.32.0.1", Net::Public),
        ("::ffff:192.168.0.1", Net::Private),
        ("::1", Net::Private),
        ("fd00::1", Net::Private),
        ("2001:db8::1", Net::Public),
        ("8.8.8.8", Net::Public),
    ] {
        assert_eq!(networks.class(address.parse().expect("an address")), net, "{address}");
    }
}
