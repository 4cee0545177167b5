//! Which node of a backend is next: smooth weighted round robin over those that are well.
//!
//! - Each worker balances by itself, so nothing is shared. In every run of requests as long as the
//!   sum of the weights, each node gets its weight, spread as evenly as can be (nginx's algorithm).
//! - A node that failed so often in a row is left out for its recovery; then one request tries it.
//!   When none is well, all are taken for well: refusing would help nobody.
//! - No IO; the clock is a parameter.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use policy::{Node, Nodes, NodesHealth};

/// The nodes of all backends, as one worker sees them.
#[derive(Default)]
pub(crate) struct Balancer(RefCell<HashMap<*const Nodes, List>>);

struct List {
    /// Keeps the address that the list is found by.
    nodes: Arc<Nodes>,
    states: Vec<State>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// What it is owed: grows by its weight each turn, and falls by all weights when it is chosen.
    owed: i64,
    /// In a row.
    failures: u32,
    /// Left out until then.
    until: Option<Instant>,
}

// === impl Balancer ===

impl Balancer {
    /// The next node, none of those in `tried`. Nothing: there is no other.
    pub(crate) fn next(&self, nodes: &Arc<Nodes>, tried: &[usize], now: Instant) -> Option<usize> {
        let mut lists = self.0.borrow_mut();
        let list = lists.entry(Arc::as_ptr(nodes)).or_insert_with(|| List {
            nodes: nodes.clone(),
            states: vec![State::default(); nodes.list.len()],
        });
        list.next(tried, now, true).or_else(|| list.next(tried, now, false))
    }

    /// A node answered, or it did not.
    pub(crate) fn note(&self, nodes: &Arc<Nodes>, node: usize, well: bool, now: Instant) {
        let mut lists = self.0.borrow_mut();
        let list = lists.get_mut(&Arc::as_ptr(nodes));
        if let Some(state) = list.and_then(|list| list.states.get_mut(node)) {
            let was = state.until.is_some();
            state.note(well, now, &nodes.health);
            let Node { host, port, .. } = &nodes.list[node];
            match (was, state.until.is_some()) {
                (false, true) => tracing::warn!(?host, port, "node fails and is left out"),
                (true, false) => tracing::info!(?host, port, "node is well again"),
                (false, false) | (true, true) => {}
            }
        }
    }

    /// Forgets the nodes of policies that are no more.
    pub(crate) fn sweep(&self) {
        self.0.borrow_mut().retain(|_, list| Arc::strong_count(&list.nodes) > 1);
    }
}

impl List {
    fn next(&mut self, tried: &[usize], now: Instant, well: bool) -> Option<usize> {
        let mut best: Option<(usize, i64)> = None;
        let mut sum = 0;
        for (index, (node, state)) in self.nodes.list.iter().zip(&mut self.states).enumerate() {
            let left_out = well && state.until.is_some_and(|until| now < until);
            if node.weight == 0 || left_out || tried.contains(&index) {
                continue;
            }
            state.owed += i64::from(node.weight);
            sum += i64::from(node.weight);
            if best.is_none_or(|(_, most)| state.owed > most) {
                best = Some((index, state.owed));
            }
        }
        let (chosen, _) = best?;
        let state = &mut self.states[chosen];
        state.owed -= sum;
        if state.until.is_some() {
            // This request tries it; the others wait for what comes of that.
            state.until = Some(now + self.nodes.health.recovery);
        }
        Some(chosen)
    }
}

impl State {
    fn note(&mut self, well: bool, now: Instant, health: &NodesHealth) {
        if well {
            (self.failures, self.until) = (0, None);
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= health.failures {
            self.until = Some(now + health.recovery);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use policy::Host;

    use super::*;

    fn nodes(weights: &[u32]) -> Arc<Nodes> {
        let node = |weight: &u32| Node { host: Host::Name("a".into()), port: 1, weight: *weight };
        let health = NodesHealth { failures: 2, recovery: Duration::from_secs(10) };
        Arc::new(Nodes { list: weights.iter().map(node).collect(), health })
    }

    fn turns(balancer: &Balancer, nodes: &Arc<Nodes>, now: Instant, count: usize) -> String {
        let turn = |_| {
            balancer
                .next(nodes, &[], now)
                .map_or('-', |node| char::from(b'a' + u8::try_from(node).expect("few nodes")))
        };
        (0..count).map(turn).collect()
    }

    #[test]
    fn each_node_gets_its_weight_spread_evenly() {
        // The first is the example of nginx's own commit.
        for (weights, expected) in [
            (&[5, 1, 1][..], "aabacaaaabacaa"),
            (&[1, 1, 1], "abcabc"),
            (&[2, 1], "abaaba"),
            (&[0, 3, 1], "bbcbbbcb"),
            (&[7], "aaaa"),
            (&[0], "--"),
        ] {
            let nodes = nodes(weights);
            let found = turns(&Balancer::default(), &nodes, Instant::now(), expected.len());
            assert_eq!(found, expected, "{weights:?}");
        }
    }

    #[test]
    fn two_hundred_nodes_of_any_weight_get_exactly_that() {
        let weights: Vec<u32> = (0..200).map(|node| node * 37 % 101).collect();
        let (nodes, balancer, now) = (nodes(&weights), Balancer::default(), Instant::now());
        let mut counts = vec![0; weights.len()];
        for _ in 0..weights.iter().sum::<u32>() {
            counts[balancer.next(&nodes, &[], now).expect("a node")] += 1;
        }
        assert_eq!(counts, weights);
    }

    #[test]
    fn a_node_that_fails_is_left_out_until_one_request_finds_it_well() {
        let (nodes, balancer, start) = (nodes(&[1, 1]), Balancer::default(), Instant::now());
        assert_eq!(turns(&balancer, &nodes, start, 2), "ab");
        balancer.note(&nodes, 0, false, start);
        assert_eq!(turns(&balancer, &nodes, start, 2), "ab", "once is not enough");
        balancer.note(&nodes, 0, true, start);
        balancer.note(&nodes, 0, false, start);
        assert_eq!(turns(&balancer, &nodes, start, 2), "ab", "nor twice with an answer between");
        balancer.note(&nodes, 0, false, start);
        assert_eq!(turns(&balancer, &nodes, start, 3), "bbb");
        let late = start + Duration::from_secs(10);
        assert_eq!(turns(&balancer, &nodes, late, 4).matches('a').count(), 1, "one tries it");
        balancer.note(&nodes, 0, false, late);
        assert_eq!(turns(&balancer, &nodes, late, 3), "bbb", "in vain");
        let later = late + Duration::from_secs(10);
        assert!(turns(&balancer, &nodes, later, 2).contains('a'));
        balancer.note(&nodes, 0, true, later);
        assert_eq!(turns(&balancer, &nodes, later, 4).matches('a').count(), 2, "it is well");
    }

    #[test]
    fn when_none_is_well_all_are_tried_and_none_twice() {
        let (nodes, balancer, now) = (nodes(&[1, 1, 0]), Balancer::default(), Instant::now());
        balancer.next(&nodes, &[], now);
        for _ in 0..2 {
            balancer.note(&nodes, 0, false, now);
            balancer.note(&nodes, 1, false, now);
        }
        let first = balancer.next(&nodes, &[], now).expect("one is tried");
        let second = balancer.next(&nodes, &[first], now).expect("then the other");
        assert_ne!(first, second);
        assert_eq!(balancer.next(&nodes, &[first, second], now), None);
        drop(nodes);
        balancer.sweep();
        assert!(balancer.0.borrow().is_empty(), "what is no more is forgotten");
    }
}
