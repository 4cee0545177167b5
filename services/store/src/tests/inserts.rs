//! What the answer to an insert proves.

use bytes::Bytes;
use serde::Deserialize;

use super::Outcome;
use super::lab::{block_of, claim, count, endpoint, store};
use super::proxy::{Break, behind};
use crate::insert::CERTAIN;
use crate::{Block, Endpoint, InsertError, Sql, Store};

fn check_refused(outcome: Result<(), InsertError>, expect: u32) {
    match outcome {
        Err(InsertError::Refused { code, .. }) => assert_eq!(code, expect, "{outcome:?}"),
        other => panic!("{other:?}"),
    }
}

fn check_unknown(outcome: Result<(), InsertError>) {
    assert!(matches!(outcome, Err(InsertError::Unknown { .. })), "{outcome:?}");
}

#[tokio::test]
async fn one_insert_is_one_part() -> Outcome {
    let store = store("inserts_part").await?;
    let claim = claim(&store).await?;
    store.insert(&claim, &block_of(0..100_000)).await?;
    assert_eq!(count(&store, "records").await?, 100_000);
    let parts = "system.parts WHERE database = currentDatabase() AND table = 'records'";
    assert_eq!(count(&store, parts).await?, 1);
    Ok(())
}

/// The server must not take a repetition for a mistake: what is sent twice stands twice, and it is
/// the reading back that prevents it.
#[tokio::test]
async fn the_server_drops_no_repetition_by_itself() -> Outcome {
    let store = store("inserts_twice").await?;
    let claim = claim(&store).await?;
    let block = block_of(0..10);
    store.insert(&claim, &block).await?;
    store.insert(&claim, &block).await?;
    assert_eq!(count(&store, "records").await?, 20);
    Ok(())
}

#[tokio::test]
async fn what_the_server_can_not_take_is_refused() -> Outcome {
    let store = store("inserts_refused").await?;
    let claim = claim(&store).await?;
    let block = block_of(0..10);
    let cut = Block { pieces: block.pieces[..20].to_vec(), ..block.clone() };
    check_refused(store.insert(&claim, &cut).await, 32);
    let garbage = Block { pieces: vec![Bytes::from_static(b"no block")], ..block.clone() };
    assert!(matches!(
        store.insert(&claim, &garbage).await,
        Err(InsertError::Refused { .. } | InsertError::Unknown { .. })
    ));
    assert_eq!(count(&store, "records").await?, 0);

    store.execute(&Sql::new("ALTER TABLE records DROP COLUMN referer")).await?;
    check_refused(store.insert(&claim, &block).await, 16);
    store.execute(&Sql::new("DROP TABLE records")).await?;
    check_refused(store.insert(&claim, &block).await, 60);
    // The answer comes while the body is still on its way.
    check_refused(store.insert(&claim, &block_of(0..100_000)).await, 60);
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_is_refused() -> Outcome {
    let store = store("inserts_password").await?;
    let claim = claim(&store).await?;
    let password = settings::Secret::new("wrong");
    let stranger = Store::new(Endpoint { password, ..endpoint("inserts_password")? })?;
    check_refused(stranger.insert(&claim, &block_of(0..10)).await, 516);
    Ok(())
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_it_unknown() -> Outcome {
    let name = "inserts_broken";
    let store = store(name).await?;
    let claim = claim(&store).await?;
    let block = block_of(0..1000);
    let path = store.path(&store.statement(&claim, &block)).len() as u64;

    // Early and late in the body. (A head that breaks off aborts this version of the engine.)
    let whole = path + block.bytes() as u64;
    for bytes in [path + 500, path + 20_000, whole] {
        let (broken, proxy) = behind(endpoint(name)?, Break::InRequest(bytes)).await?;
        check_unknown(broken.insert(&claim, &block).await);
        proxy.await??;
    }
    // Whatever of them may still run is ended by a claim; then nothing of a broken body stands.
    let claim = super::lab::claim(&store).await?;
    assert_eq!(count(&store, "records").await?, 0);

    let mut stored = 0;
    for place in [Break::BeforeAnswer, Break::InAnswer(10), Break::InAnswer(60)] {
        let (broken, proxy) = behind(endpoint(name)?, place).await?;
        check_unknown(broken.insert(&claim, &block).await);
        proxy.await??;
        stored += 1000;
        assert_eq!(count(&store, "records").await?, stored, "{place:?}: it was written");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_away_leaves_it_unknown() -> Outcome {
    let name = "inserts_away";
    let claim = claim(&store(name).await?).await?;
    let url = "http://127.0.0.1:1".to_owned();
    let away = Store::new(Endpoint { url, ..endpoint(name)? })?;
    check_unknown(away.insert(&claim, &block_of(0..10)).await);
    Ok(())
}

/// A server that says 404 to everything is not ours.
#[tokio::test]
async fn a_wrong_header_leaves_it_unknown() -> Outcome {
    let name = "inserts_header";
    let claim = claim(&store(name).await?).await?;
    let header = Some((engine::HEADER.to_owned(), settings::Secret::new("wrong")));
    let stranger = Store::new(Endpoint { header, ..endpoint(name)? })?;
    check_unknown(stranger.insert(&claim, &block_of(0..10)).await);
    Ok(())
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// The list was written by hand; the server knows the numbers.
#[tokio::test]
async fn the_certain_errors_are_what_their_names_say() -> Outcome {
    let store = store("inserts_codes").await?;
    for (code, name) in CERTAIN {
        let sql = Sql::new("SELECT errorCodeToName({code:UInt32}) AS name").param("code", code);
        let rows: Vec<Named> = store.query(&sql).await?;
        assert_eq!(rows.first().map(|row| row.name.as_str()), Some(name), "{code}");
    }
    Ok(())
}
