//! `nodes:` and `health:` of a backend.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use settings::{Fields, Value};

use super::items;
use crate::nodes::{Health, Node, Nodes};
use crate::route::{HOST_MAX, normal_host};
use crate::service::Host;

/// The weight of a node that says none.
const WEIGHT: u32 = 1;

/// Reads both, where the backend has nodes.
pub(super) fn read(fields: &Fields<'_>) -> Option<Arc<Nodes>> {
    let list = fields.optional("nodes");
    let health = fields.optional("health");
    let Some(list) = list else {
        if let Some(health) = health {
            health.mistake("only nodes are left out: `nodes` is missing");
        }
        return None;
    };
    let mut nodes: Vec<Node> = Vec::new();
    for value in items(&list, Nodes::MAX, "nodes") {
        let Some(node) = read_node(&value) else { continue };
        if nodes.iter().any(|other| (&other.host, other.port) == (&node.host, node.port)) {
            value.mistake("the node stands twice: give it one weight");
        }
        nodes.push(node);
    }
    if !nodes.is_empty() && nodes.iter().all(|node| node.weight == 0) {
        list.mistake("no node has a weight above 0");
    }
    let health = health.map_or(Health::DEFAULT, |value| read_health(&value));
    Some(Arc::new(Nodes { list: nodes, health }))
}

fn read_node(value: &Value<'_>) -> Option<Node> {
    let fields = value.fields()?;
    let address = fields.required("address");
    let weight = fields.optional("weight").map_or(Some(WEIGHT), |value| {
        let weight = value.scalar::<u32>()?;
        if weight > Nodes::WEIGHT_MAX {
            value.mistake(format!("from 0 to {} are accepted", Nodes::WEIGHT_MAX));
        }
        Some(weight)
    });
    fields.close();
    let address = address?;
    let text: String = address.scalar()?;
    let Some((host, port)) = parse(&text) else {
        address.mistake(format!("`{text}` is not a host with a port, like `10.0.0.1:8080`"));
        return None;
    };
    Some(Node { host, port, weight: weight? })
}

/// `host:port`, the host a name or an address.
fn parse(text: &str) -> Option<(Host, u16)> {
    let (_, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
    let mut buffer = [0; HOST_MAX];
    let name = normal_host(text.as_bytes(), &mut buffer)?;
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    Some((address.map_or_else(|_| Host::Name(name.to_owned()), Host::Ip), port))
}

fn read_health(value: &Value<'_>) -> Health {
    let Some(fields) = value.fields() else { return Health::DEFAULT };
    let failures = fields.optional("failures").and_then(|value| {
        let failures = value.scalar::<u32>()?;
        if !(1..=Health::FAILURES_MAX).contains(&failures) {
            value.mistake(format!("from 1 to {} are accepted", Health::FAILURES_MAX));
        }
        Some(failures)
    });
    let recovery = fields.optional("recovery").and_then(|value| {
        let recovery = value.scalar::<Duration>()?;
        if recovery.is_zero() || recovery > Health::RECOVERY_MAX {
            value.mistake("a recovery lies above 0 and is at most 1h");
        }
        Some(recovery)
    });
    fields.close();
    Health {
        failures: failures.unwrap_or(Health::DEFAULT.failures),
        recovery: recovery.unwrap_or(Health::DEFAULT.recovery),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Backend;

    fn read(backend: &str) -> Result<Arc<Nodes>, String> {
        let policy = crate::testing::read(&format!(
            "services: [{{id: s, account: a, hosts: [h], apis: [{{id: i, path: /, backend: {backend}}}]}}]"
        ));
        let policy = policy
            .map_err(|mistakes| mistakes.replace("t.yaml:1: services[0].apis[0].backend", ""))?;
        let Backend::Http(backend) = &policy.services()[0].apis[0].backend else {
            return Err("a mock".into());
        };
        backend.nodes.clone().ok_or_else(|| "no nodes".into())
    }

    #[test]
    fn nodes_have_addresses_weights_and_a_health() {
        let node = |host: Host, port, weight| Node { host, port, weight };
        let (ip, name) = (IpAddr::from([10, 0, 0, 1]), "b.test".to_owned());
        let found = read(
            "{url: 'http://a/b', nodes: [{address: '10.0.0.1:80', weight: 5}, \
             {address: 'B.test:81'}, {address: '[::1]:82', weight: 0}], \
             health: {failures: 1, recovery: 2s}}",
        );
        let list = vec![
            node(Host::Ip(ip), 80, 5),
            node(Host::Name(name), 81, 1),
            node(Host::Ip([0, 0, 0, 0, 0, 0, 0, 1_u16].into()), 82, 0),
        ];
        let health = Health { failures: 1, recovery: Duration::from_secs(2) };
        assert_eq!(found.as_deref(), Ok(&Nodes { list, health }));
        let found = read("{url: 'http://a', nodes: [{address: '10.0.0.1:80'}]}");
        assert_eq!(found.map(|nodes| nodes.health), Ok(Health::DEFAULT));
    }

    #[test]
    fn every_mistake_of_nodes_has_a_text() {
        let many = vec!["{address: '10.0.0.1:80'}"; 201].join(", ");
        let twice = "\n.nodes[1]: the node stands twice: give it one weight";
        for (backend, expected) in [
            ("health: {}", ".health: only nodes are left out: `nodes` is missing"),
            ("nodes: []", ".nodes: at least one of the nodes is needed"),
            ("nodes: [{weight: 1}]", ".nodes[0]: `address` is missing"),
            (
                "nodes: [{address: '10.0.0.1'}]",
                ".nodes[0].address: `10.0.0.1` is not a host with a port, like `10.0.0.1:8080`",
            ),
            (
                "nodes: [{address: 'a:0'}]",
                ".nodes[0].address: `a:0` is not a host with a port, like `10.0.0.1:8080`",
            ),
            (
                "nodes: [{address: 'a:1', weight: 101}]",
                ".nodes[0].weight: from 0 to 100 are accepted",
            ),
            ("nodes: [{address: 'a:1', weight: 0}]", ".nodes: no node has a weight above 0"),
            (
                "nodes: [{address: 'a:1', wait: 0}]",
                ".nodes[0].wait: unknown key; known here: address, weight",
            ),
            ("nodes: [{address: 'a:1'}, {address: 'A:1'}]", &twice[1..]),
            (
                "nodes: [{address: 'a:1'}], health: {failures: 0}",
                ".health.failures: from 1 to 1000 are accepted",
            ),
            (
                "nodes: [{address: 'a:1'}], health: {recovery: 2h}",
                ".health.recovery: a recovery lies above 0 and is at most 1h",
            ),
        ] {
            let found = read(&format!("{{url: 'http://a', {backend}}}"));
            assert_eq!(found.expect_err("a mistake").trim_end(), expected, "{backend}");
        }
        let found = read(&format!("{{url: 'http://a', nodes: [{many}]}}")).expect_err("a mistake");
        assert!(found.contains("201 nodes; at most 200 are accepted"), "{found}");
        let mock = read("{mock: {}, nodes: []}").expect_err("a mistake");
        assert_eq!(mock.trim_end(), ".nodes: unknown key; known here: url, mock");
    }
}
