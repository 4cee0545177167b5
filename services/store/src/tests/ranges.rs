//! Islands of stored numbers, against a naive walk.

use std::collections::{BTreeMap, BTreeSet};

use record::{Hour, Record, Stream, Time};
use serde::Serialize;

use super::Outcome;
use super::lab::{HOUR, block, block_of, claim, record, store};
use crate::ranges::chunks_of_records;
use crate::{Hex, Ranges, Rows, Scope, Span, Sql, Store, tables};

fn stream(gateway: &str, epoch: u64, worker: u16) -> Stream {
    Stream { gateway: gateway.to_owned(), epoch, worker }
}

/// One by one, as a person would.
fn naive(numbers: &BTreeSet<u64>) -> Ranges {
    let mut ranges: Ranges = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    ranges
}

async fn check(
    store: &Store,
    scope: Scope<'_>,
    span: Span,
    expect: &[(Stream, &[(u64, u64)])],
) -> Outcome {
    let found = store.stored_ranges(scope, span).await?;
    let expect: BTreeMap<_, _> =
        expect.iter().map(|(stream, ranges)| (stream.clone(), ranges.to_vec())).collect();
    assert_eq!(found, expect, "{scope:?} {span:?}");
    Ok(())
}

#[tokio::test]
async fn islands_are_those_of_a_naive_walk() -> Outcome {
    let store = store("ranges_naive").await?;
    let claim = claim(&store).await?;
    let our = stream("gw-1", 1000, 0);
    check(&store, Scope::Everything, Span::default(), &[]).await?;

    // Chunks are of 65536: whole ones, their bounds, holes of one, every second, far away.
    let mut numbers: BTreeSet<u64> = (0..70_000).filter(|n| ![0, 5, 65_535].contains(n)).collect();
    numbers.extend((131_072..196_608).step_by(2));
    numbers.extend([196_608, 400_000, u64::MAX - 2, u64::MAX - 1]);
    store.insert(&claim, &block_of(numbers.iter().copied())).await?;
    let found = store.stored_ranges(Scope::Stream(&our), Span::default()).await?;
    assert_eq!(found.get(&our), Some(&naive(&numbers)));
    // A hole is filled.
    store.insert(&claim, &block_of([65_535])).await?;
    numbers.insert(65_535);
    let found = store.stored_ranges(Scope::Stream(&our), Span::default()).await?;
    assert_eq!(found.get(&our), Some(&naive(&numbers)));
    Ok(())
}

/// Three rows, numbers 0, 0 and 2: by their count alone they would look like 0 to 2.
#[tokio::test]
async fn a_row_stored_twice_hides_no_hole() -> Outcome {
    let store = store("ranges_twice").await?;
    let claim = claim(&store).await?;
    store.insert(&claim, &block_of([0, 0, 2])).await?;
    let expect = [(stream("gw-1", 1000, 0), &[(0, 0), (2, 2)][..])];
    check(&store, Scope::Everything, Span::default(), &expect).await
}

#[tokio::test]
async fn only_the_asked_streams_and_hours_are_seen() -> Outcome {
    let store = store("ranges_scope").await?;
    let claim = claim(&store).await?;
    let end = Time(HOUR.end().0 - 1);
    let of = |gateway: &'static str, epoch, worker, seq, time| Record {
        gateway: gateway.into(),
        epoch,
        worker,
        ..record(seq, time)
    };
    let before = Time(HOUR.start().0 - 1);
    store
        .insert(
            &claim,
            &block([
                of("a", 1, 0, 0, before),
                of("a", 1, 0, 1, HOUR.start()),
                of("a", 1, 0, 2, end),
                of("a", 1, 0, 3, HOUR.end()),
                of("a", 1, 1, 7, end),
                of("a", 2, 0, 8, end),
                of("b", 1, 0, 9, end),
            ]),
        )
        .await?;
    let (a10, a11) = (stream("a", 1, 0), stream("a", 1, 1));
    let (a20, b10) = (stream("a", 2, 0), stream("b", 1, 0));
    let (all, hour) = (Span::default(), Span::hour(HOUR));
    check(&store, Scope::Stream(&a10), all, &[(a10.clone(), &[(0, 3)])]).await?;
    check(&store, Scope::Stream(&a10), hour, &[(a10.clone(), &[(1, 2)])]).await?;
    check(&store, Scope::Stream(&a10), Span::since(HOUR), &[(a10.clone(), &[(1, 3)])]).await?;
    check(&store, Scope::Stream(&a10), Span::hour(Hour(1)), &[]).await?;
    let gateway = [(a10.clone(), &[(1, 2)][..]), (a11, &[(7, 7)]), (a20, &[(8, 8)])];
    check(&store, Scope::Gateway("a"), hour, &gateway).await?;
    let mut everything = gateway.to_vec();
    everything.push((b10, &[(9, 9)]));
    check(&store, Scope::Everything, hour, &everything).await
}

#[derive(Serialize)]
struct DeadLetter<'a> {
    source: &'a str,
    part: u32,
    position: String,
    gateway: &'a str,
    epoch: u64,
    worker: u16,
    seq: Option<u64>,
    reason: &'a str,
    bytes: Hex<'a>,
    hash: u64,
}

#[tokio::test]
async fn dead_letters_have_ranges_too() -> Outcome {
    let store = store("ranges_dead").await?;
    let claim = claim(&store).await?;
    let mut rows = Rows::new(&tables::DEAD_LETTERS);
    for (position, seq) in [Some(4), Some(5), None, Some(9)].into_iter().enumerate() {
        rows.push(&DeadLetter {
            source: "spool:gw-1",
            part: 0,
            position: position.to_string(),
            gateway: "gw-1",
            epoch: 1000,
            worker: 0,
            seq,
            reason: "not JSON",
            bytes: Hex(b"\xff\x00"),
            hash: u64::MAX,
        })?;
    }
    store.insert_absent(&claim, &rows).await?;
    let our = stream("gw-1", 1000, 0);
    let found = store.dead_ranges(Scope::Stream(&our)).await?;
    assert_eq!(found, BTreeMap::from([(our, vec![(4, 5), (9, 9)])]));
    assert_eq!(store.dead_ranges(Scope::Gateway("gw-2")).await?, BTreeMap::new());
    Ok(())
}

/// With this setting a query fails that has to read rows.
const SUMS_ONLY: &str = "SETTINGS force_optimize_projection_name = 'by_stream'";

#[tokio::test]
async fn ranges_are_counted_from_the_sums_that_stand_with_the_rows() -> Outcome {
    let store = store("ranges_sums").await?;
    let claim = claim(&store).await?;
    store.insert(&claim, &block_of(0..100_000)).await?;
    let our = stream("gw-1", 1000, 0);
    for scope in [Scope::Everything, Scope::Gateway("gw-1"), Scope::Stream(&our)] {
        for span in [Span::default(), Span::hour(HOUR), Span::since(HOUR)] {
            let sql = chunks_of_records(scope, span);
            let text = format!("{} {SUMS_ONLY}", sql.text());
            let rows: Vec<serde_json::Value> = store.query(&Sql { text, ..sql }).await?;
            assert_eq!(rows.len(), 2, "{scope:?} {span:?}");
        }
    }
    // The setting does what it is here for.
    let rows = format!("SELECT max(rsp_len) AS n FROM records {SUMS_ONLY}");
    store.execute(&Sql::new(rows)).await.expect_err("no sums are kept of that");
    Ok(())
}
