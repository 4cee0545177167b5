//! Who owns a partition.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::Outcome;
use super::lab::{block_of, claim, count, endpoint, store, until};
use crate::{Claim, ClaimError, InsertError, Store};

fn check_fenced(outcome: Result<(), InsertError>) {
    assert!(matches!(outcome, Err(InsertError::Fenced { .. })), "{outcome:?}");
}

#[tokio::test]
async fn each_claim_is_above_the_one_before() -> Outcome {
    let store = store("claims_rise").await?;
    let first = claim(&store).await?;
    assert_eq!(first.counter, 1);
    assert!(store.holds(&first).await?);
    let second = claim(&store).await?;
    assert_eq!(second.counter, 2);
    assert!(!store.holds(&first).await?);
    assert!(store.holds(&second).await?);
    let elsewhere = store.claim("spool:gw-1", 1, "test").await?;
    assert_eq!(elsewhere.counter, 1, "partitions count apart");
    assert_eq!(store.claim("spool:gw-2", 0, "test").await?.counter, 1, "sources count apart");
    assert!(store.holds(&second).await?);
    Ok(())
}

#[tokio::test]
async fn of_two_with_one_counter_the_greater_nonce_owns() -> Outcome {
    let store = store("claims_tie").await?;
    let one = Claim { source: "s".to_owned(), part: 0, counter: 7, nonce: u64::MAX - 1 };
    let other = Claim { nonce: u64::MAX, ..one.clone() };
    store.write(&other, "other", "").await?;
    store.write(&one, "one", "").await?;
    assert!(!store.holds(&one).await?);
    assert!(store.holds(&other).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_claimers_only_the_greatest_writes() -> Outcome {
    let store = store("claims_race").await?;
    let claimers: Vec<_> = (0..12)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { claim(&store).await })
        })
        .collect();
    let mut claims = Vec::new();
    for claimer in claimers {
        match claimer.await? {
            Ok(claim) => claims.push(claim),
            Err(ClaimError::Lost { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let greatest = claims.iter().max_by_key(|claim| (claim.counter, claim.nonce));
    let greatest = greatest.ok_or("somebody went on")?.clone();
    assert!(store.holds(&greatest).await?);
    let block = block_of(0..10);
    for claim in claims.iter().filter(|claim| **claim != greatest) {
        check_fenced(store.insert(claim, &block).await);
    }
    assert_eq!(count(&store, "records").await?, 0);
    store.insert(&greatest, &block).await?;
    assert_eq!(count(&store, "records").await?, 10);
    Ok(())
}

#[tokio::test]
async fn who_never_claimed_is_fenced() -> Outcome {
    let store = store("claims_none").await?;
    let nobody = Claim { source: "spool:gw-1".to_owned(), part: 0, counter: 0, nonce: 0 };
    check_fenced(store.insert(&nobody, &block_of(0..1)).await);
    let forged = Claim { counter: 1, nonce: 2, ..nobody };
    check_fenced(store.insert(&forged, &block_of(0..1)).await);
    assert_eq!(count(&store, "records").await?, 0);
    Ok(())
}

#[tokio::test]
async fn an_older_owner_writes_nothing() -> Outcome {
    let store = store("claims_older").await?;
    let older = claim(&store).await?;
    store.insert(&older, &block_of(0..5)).await?;
    let newer = claim(&store).await?;
    check_fenced(store.insert(&older, &block_of(5..10)).await);
    assert_eq!(count(&store, "records").await?, 5);
    store.insert(&newer, &block_of(5..10)).await?;
    assert_eq!(count(&store, "records").await?, 10);
    Ok(())
}

/// Begins an insert as [`Store::insert`] does, and stops in the middle of its body. The server
/// begins with an insert when it has 256 KiB of it (`max_query_size`), or all; this is more.
async fn begin(store: &Store, claim: &Claim) -> Result<(TcpStream, Vec<u8>), std::io::Error> {
    let block = block_of(0..20_000);
    let body: Vec<u8> = block.pieces.iter().flatten().copied().collect();
    let path = store.path(&store.statement(claim, &block));
    let inner = &store.inner;
    let (header, secret) = inner.endpoint.header.clone().expect("the engine's header");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nX-ClickHouse-User: {}\r\nX-ClickHouse-Key: {}\r\n\
         {header}: {}\r\nContent-Length: {}\r\n\r\n",
        inner.endpoint.user,
        inner.endpoint.password.expose(),
        secret.expose(),
        body.len()
    );
    let mut socket = TcpStream::connect(&inner.authority).await?;
    socket.write_all(head.as_bytes()).await?;
    let (first, rest) = body.split_at(body.len() / 2);
    socket.write_all(first).await?;
    Ok((socket, rest.to_vec()))
}

#[tokio::test]
async fn a_new_claim_ends_what_an_older_owner_began() -> Outcome {
    let store = store("claims_kill").await?;
    let older = claim(&store).await?;
    let (mut socket, rest) = begin(&store, &older).await?;
    let running =
        format!("system.processes WHERE startsWith(query_id, '{}')", store.query_prefix(&older));
    until(&store, &running, 1).await?;
    let other = store.claim("spool:gw-1", 1, "test").await?;
    assert_eq!(other.counter, 1);
    assert_eq!(count(&store, &running).await?, 1, "another partition's claim ends nothing here");

    let start = Instant::now();
    let newer = claim(&store).await?;
    let took = start.elapsed();
    assert_eq!(count(&store, &running).await?, 0);
    assert!(took.as_secs() < 15, "a frozen insert dies by http_receive_timeout: {took:?}");
    // The frozen owner wakes up. The server may have closed the connection already.
    socket.write_all(&rest).await.ok();
    socket.shutdown().await.ok();
    assert_eq!(count(&store, "records").await?, 0);
    store.insert(&newer, &block_of(0..10)).await?;
    assert_eq!(count(&store, "records").await?, 10);
    Ok(())
}

#[tokio::test]
async fn a_claim_of_an_unreachable_store_says_what_was_tried() -> Outcome {
    let mut endpoint = endpoint("claims_away")?;
    endpoint.url = "http://127.0.0.1:1".to_owned();
    let error = Store::new(endpoint)?.claim("spool:gw-1", 3, "test").await.err();
    let error = error.ok_or("nobody listens on port 1")?;
    assert_eq!(error.to_string(), "failed to claim spool:gw-1/3");
    assert!(matches!(error, ClaimError::Query { .. }));
    Ok(())
}
