//! Streams whose rows arrive in any order, hours closed in theirs: every row is billed exactly
//! once, and the shares of a stream are its numbers, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use record::{Hour, Life, Stream};

use super::*;
use crate::close::seen::{Beyond, LifeRow};

/// Hours after the last row until everything has arrived.
const DELAY: i64 = 4;

/// A row: its hour, and the hour whose closing sees it first; or never.
#[derive(Debug, Clone)]
struct Row {
    hour: i64,
    seen: Option<i64>,
    dead: bool,
}

#[derive(Debug, Clone)]
struct Plan {
    name: &'static str,
    rows: Vec<Row>,
    ends: bool,
}

fn row() -> impl Strategy<Value = (i64, Option<i64>, bool)> {
    let delay = prop_oneof![
        3 => Just(Some(0)),
        // An hour is closed after its end: rows of the next one are there already.
        3 => Just(Some(-1)),
        2 => (-1..DELAY).prop_map(Some),
        1 => Just(None),
    ];
    let step = prop_oneof![4 => Just(0_i64), 1 => 1_i64..3];
    (step, delay, proptest::bool::weighted(0.1))
}

fn plan(name: &'static str) -> impl Strategy<Value = Plan> {
    (0_i64..3, proptest::collection::vec(row(), 1..12), any::<bool>()).prop_map(
        move |(first, rows, ends)| {
            let mut hour = first;
            let rows = rows.into_iter().map(|(step, delay, dead)| {
                hour += step;
                Row { hour, seen: delay.map(|delay| hour + delay), dead }
            });
            Plan { name, rows: rows.collect(), ends }
        },
    )
}

fn stream(plan: &Plan) -> Stream {
    Stream { gateway: plan.name.into(), epoch: 0, worker: 0 }
}

type Billed = BTreeMap<(Stream, u64), u64>;

/// What the store says at the closing of `hour`, naively.
fn seen(plans: &[Plan], hour: i64, last: &BTreeMap<Stream, u64>) -> Seen {
    let mut seen = Seen { cut_before: last.clone(), ..Seen::default() };
    for plan in plans {
        let stream = stream(plan);
        for (seq, row) in (0_u64..).zip(&plan.rows) {
            if row.seen.is_none_or(|seen| seen > hour) {
                continue;
            }
            if row.dead {
                seen.dead.entry(stream.clone()).or_default().insert(seq, seq);
                continue;
            }
            let ends = plan.ends && seq + 1 == plan.rows.len() as u64;
            if seq == 0 || ends {
                let life = Life { workers: 1, retires: true, ..Life::default() };
                let hour = Hour(row.hour);
                seen.lives.push(LifeRow { stream: stream.clone(), seq, hour, ends, life });
            }
            match row.hour.cmp(&hour) {
                std::cmp::Ordering::Equal => {
                    seen.inside.entry(stream.clone()).or_default().insert(seq, seq);
                }
                std::cmp::Ordering::Greater => {
                    let one = Beyond { first: seq, last: seq, hour: Hour(row.hour) };
                    let beyond = seen.beyond.entry(stream.clone()).or_insert(one);
                    beyond.first = beyond.first.min(seq);
                    beyond.last = beyond.last.max(seq);
                    beyond.hour = beyond.hour.min(Hour(row.hour));
                }
                // Late rows are searched for among those that the look before can not have seen.
                std::cmp::Ordering::Less if row.seen == Some(hour) => {
                    let late = seen.late.entry(Hour(row.hour)).or_default();
                    late.entry(stream.clone()).or_default().insert(seq, seq);
                }
                std::cmp::Ordering::Less => {}
            }
        }
    }
    seen
}

fn bill(billed: &mut Billed, stream: &Stream, seq: u64) {
    *billed.entry((stream.clone(), seq)).or_default() += 1;
}

proptest! {
    #[test]
    fn every_row_is_billed_once_and_shares_follow_each_other(
        plans in (plan("g"), plan("ingest:f")).prop_map(|(a, b)| [a, b]),
    ) {
        let end = plans.iter().flat_map(|plan| &plan.rows).map(|row| row.hour).max().unwrap_or(0);
        let (mut billed, mut carry) = (Billed::new(), Carry::default());
        let mut last: BTreeMap<Stream, u64> = BTreeMap::new();
        let hour_of = |stream: &Stream, seq: u64| {
            let plan = plans.iter().find(|plan| plan.name == stream.gateway);
            plan.and_then(|plan| plan.rows.get(usize::try_from(seq).ok()?)).map(|row| row.hour)
        };
        for hour in 0..=end + DELAY + 1 {
            let seen = seen(&plans, hour, &last);
            let state = assess(Hour(hour), &carry, &seen);
            for share in &state.shares {
                let next = last.get(&share.stream).map_or(0, |last| last + 1);
                assert_eq!(share.first, next, "shares follow each other");
                assert!(share.first <= share.last);
                let length = share.last - share.first + 1;
                let known = share.ranges.count() + share.dead.count();
                assert_eq!(known + share.missing(), length);
                last.insert(share.stream.clone(), share.last);
                for seq in share.first..=share.last {
                    if share.ranges.contains(seq) && hour_of(&share.stream, seq) == Some(hour) {
                        bill(&mut billed, &share.stream, seq);
                    }
                }
            }
            for (stream, ranges) in seen.late.values().flatten().chain(&state.strays) {
                for &(first, last) in ranges.spans() {
                    (first..=last).for_each(|seq| bill(&mut billed, stream, seq));
                }
            }
            carry = state.carry;
            let streams: BTreeSet<_> = carry.living.iter().map(|living| &living.stream).collect();
            assert_eq!(streams.len(), carry.living.len());
        }
        for plan in &plans {
            for (seq, row) in (0_u64..).zip(&plan.rows) {
                let times = billed.get(&(stream(plan), seq)).copied().unwrap_or(0);
                let expect = u64::from(row.seen.is_some() && !row.dead);
                assert_eq!(times, expect, "{} {seq}", plan.name);
            }
        }
    }
}
