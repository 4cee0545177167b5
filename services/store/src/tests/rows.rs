//! Rows that are written where they do not stand yet.

use record::Hour;
use serde::{Deserialize, Serialize};

use super::Outcome;
use super::lab::{HOUR, claim, count, store};
use crate::{Hex, InsertError, Placed, Rows, RowsError, Sql, tables};

#[derive(Serialize)]
struct Bill<'a> {
    hour: &'a str,
    account: &'a str,
    bill: &'a str,
    use_after: &'a str,
    total: &'a str,
    currency: &'a str,
}

fn bills(hour: Hour, accounts: &[&str], total: &str) -> Result<Rows, RowsError> {
    let mut rows = Rows::new(&tables::BILLS).within("hour", hour);
    let hour = &hour.to_string();
    for account in accounts {
        let row = Bill {
            hour,
            account,
            bill: "{\"a\":\"\\\\\"}",
            use_after: "{}",
            total,
            currency: "CNY",
        };
        rows.push(&row)?;
    }
    Ok(rows)
}

#[derive(Deserialize, PartialEq, Eq, Debug)]
struct Stored {
    hour: String,
    account: String,
    bill: String,
    total: String,
}

#[tokio::test]
async fn what_stands_is_left_as_it_stands() -> Outcome {
    let store = store("rows_stand").await?;
    let claim = claim(&store).await?;
    let odd = "a\tb\\c'd\n\u{1f980}";
    let first = bills(HOUR, &["alice", odd], "0.00000001")?;
    assert_eq!(store.insert_absent(&claim, &first).await?, Placed { written: 2, stood: 0 });
    let again = bills(HOUR, &["alice", odd], "999")?;
    assert_eq!(store.insert_absent(&claim, &again).await?, Placed { written: 0, stood: 2 });
    let more = bills(HOUR, &["alice", "bob", "bob"], "999")?;
    assert_eq!(store.insert_absent(&claim, &more).await?, Placed { written: 1, stood: 2 });
    let next = bills(HOUR.next(), &["alice"], "2")?;
    assert_eq!(store.insert_absent(&claim, &next).await?, Placed { written: 1, stood: 0 });
    assert_eq!(count(&store, "bills").await?, 4);

    let sql =
        Sql::new("SELECT hour, account, bill, total FROM bills WHERE account = {account:String}");
    let rows: Vec<Stored> = store.query(&sql.param("account", odd)).await?;
    let expect = Stored {
        hour: HOUR.to_string(),
        account: odd.to_owned(),
        bill: "{\"a\":\"\\\\\"}".to_owned(),
        total: "0.00000001".to_owned(),
    };
    assert_eq!(rows, [expect]);
    Ok(())
}

#[tokio::test]
async fn an_older_owner_places_nothing() -> Outcome {
    let store = store("rows_fenced").await?;
    let older = claim(&store).await?;
    store.insert_absent(&older, &bills(HOUR, &["alice"], "1")?).await?;
    let newer = claim(&store).await?;
    for accounts in [&["alice"][..], &["bob"], &["alice", "bob"]] {
        let outcome = store.insert_absent(&older, &bills(HOUR, accounts, "1")?).await;
        assert!(matches!(outcome, Err(InsertError::Fenced { .. })), "{accounts:?}: {outcome:?}");
    }
    assert_eq!(count(&store, "bills").await?, 1);
    let rows = bills(HOUR, &["alice", "bob"], "1")?;
    assert_eq!(store.insert_absent(&newer, &rows).await?, Placed { written: 1, stood: 1 });
    Ok(())
}

#[tokio::test]
async fn many_rows_are_placed_at_once() -> Outcome {
    let store = store("rows_many").await?;
    let claim = claim(&store).await?;
    let accounts: Vec<String> =
        (0..crate::rows::ROWS_MAX).map(|n| format!("account-{n}")).collect();
    let accounts: Vec<&str> = accounts.iter().map(String::as_str).collect();
    let rows = bills(HOUR, &accounts, "1")?;
    let all = rows.len();
    assert_eq!(store.insert_absent(&claim, &rows).await?, Placed { written: all, stood: 0 });
    let parts = "system.parts WHERE database = currentDatabase() AND table = 'bills'";
    assert_eq!(count(&store, parts).await?, 1);
    assert_eq!(store.insert_absent(&claim, &rows).await?, Placed { written: 0, stood: all });
    let nothing = Rows::new(&tables::BILLS);
    assert_eq!(store.insert_absent(&claim, &nothing).await?, Placed { written: 0, stood: 0 });
    Ok(())
}

#[derive(Serialize)]
struct Token {
    hash: String,
    name: &'static str,
    role: &'static str,
    account: &'static str,
    created_at: &'static str,
    expires_at: Option<&'static str>,
}

#[tokio::test]
async fn rows_of_nobody_are_appended() -> Outcome {
    let store = store("rows_append").await?;
    let mut rows = Rows::new(&tables::TOKENS);
    for expires_at in [None, Some("2026-11-21T00:00:00.000Z")] {
        let (name, role, account, created_at) = ("n", "owner", "", "2026-11-20T13:00:00.001Z");
        let hash = format!("{expires_at:?}");
        rows.push(&Token { hash, name, role, account, created_at, expires_at })?;
    }
    store.append(&rows).await?;
    store.append(&Rows::new(&tables::TOKENS)).await?;
    assert_eq!(count(&store, "tokens WHERE expires_at IS NULL").await?, 1);
    let at = "tokens WHERE expires_at = '2026-11-21 00:00:00' AND toUnixTimestamp64Milli(created_at) = 1795179600001";
    assert_eq!(count(&store, at).await?, 1);
    Ok(())
}

#[derive(Deserialize)]
struct Letter {
    hex: String,
}

#[tokio::test]
async fn any_bytes_are_kept() -> Outcome {
    let store = store("rows_bytes").await?;
    let claim = claim(&store).await?;
    let bytes: Vec<u8> = (0..=255).collect();
    let mut rows = Rows::new(&tables::DEAD_LETTERS);
    rows.push(&serde_json::json!({
        "source": "s", "part": 0, "position": "1", "gateway": "", "epoch": 0, "worker": 0,
        "seq": null, "reason": "r", "bytes": Hex(&bytes), "hash": u64::MAX,
    }))?;
    store.insert_absent(&claim, &rows).await?;
    let sql =
        Sql::new("SELECT lower(hex(bytes)) AS hex FROM dead_letters WHERE hash = {hash:UInt64}");
    let letters: Vec<Letter> = store.query(&sql.param("hash", u64::MAX)).await?;
    let expect: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(letters.iter().map(|letter| &letter.hex).collect::<Vec<_>>(), [&expect]);
    Ok(())
}

#[test]
fn a_row_has_exactly_the_columns() {
    let mut rows = Rows::new(&tables::CLOSINGS);
    let error = rows
        .push(&serde_json::json!({"hour": HOUR.to_string()}))
        .err()
        .map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("a row of `closings` has the columns hour, not hour, proof"));
    let more = serde_json::json!({"hour": HOUR.to_string(), "proof": "", "stored_at": 0});
    assert!(matches!(rows.push(&more), Err(RowsError::Columns { .. })));
    assert!(matches!(rows.push(&7), Err(RowsError::Columns { .. })));
    assert!(rows.is_empty());
}

#[test]
fn a_call_has_an_end() -> Result<(), RowsError> {
    let mut rows = Rows::new(&tables::CLOSINGS);
    let proof = "x".repeat(20 << 20);
    rows.push(&serde_json::json!({"hour": HOUR.to_string(), "proof": proof}))?;
    let full = rows.push(&serde_json::json!({"hour": HOUR.to_string(), "proof": proof}));
    assert!(matches!(full, Err(RowsError::Full { table: "closings", .. })));
    assert_eq!(rows.len(), 1);
    Ok(())
}
