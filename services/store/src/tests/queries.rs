//! Values there and back, and the bounds of answers.

use std::time::Duration;

use record::Time;
use serde::Deserialize;

use super::Outcome;
use super::lab::{HOUR, bare, endpoint};
use crate::{Endpoint, Limits, Param, QueryError, Sql, Store};

#[derive(Deserialize)]
struct Texts {
    value: String,
}

#[tokio::test]
async fn texts_come_back_as_they_went() -> Outcome {
    let store = bare("queries")?;
    let sql = Sql::new("SELECT {value:String} AS value FROM system.one");
    let store =
        Store::new(Endpoint { database: "system".to_owned(), ..store.inner.endpoint.clone() })?;
    for text in [
        "",
        "a",
        "' OR 1 = 1 --",
        "\\",
        "\\N",
        "\\t",
        "a\tb\nc\rd\0e\u{8}\u{c}\u{b}",
        "{value:String}",
        "ü 漢字 🦀",
        "\"`$?%&=+ #",
        "--boundary\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT 2",
    ] {
        let rows: Vec<Texts> = store.query(&sql.clone().param("value", text)).await?;
        assert_eq!(rows.iter().map(|row| &row.value[..]).collect::<Vec<_>>(), [text]);
    }
    Ok(())
}

#[derive(Deserialize, PartialEq, Eq, Debug)]
struct Numbers {
    greatest: u64,
    least: i64,
    decimal: String,
    hour: String,
    time: String,
    texts: Vec<String>,
    numbers: Vec<u64>,
}

fn system() -> Result<Store, Box<dyn std::error::Error>> {
    Ok(Store::new(Endpoint { database: "system".to_owned(), ..endpoint("queries")? })?)
}

#[tokio::test]
async fn no_digit_is_lost() -> Outcome {
    let sql = Sql::new(
        "SELECT {greatest:UInt64} AS greatest, {least:Int64} AS least, \
         {decimal:Decimal(38, 8)} AS decimal, {hour:DateTime('UTC')} AS hour, \
         {time:DateTime64(3, 'UTC')} AS time, {texts:Array(String)} AS texts, \
         {numbers:Array(UInt64)} AS numbers",
    );
    let texts = vec!["it's".to_owned(), "a\\b\tc".to_owned(), String::new()];
    let sql = sql
        .param("greatest", u64::MAX)
        .param("least", i64::MIN)
        .param("decimal", "123456789012345678901234567890.12345678")
        .param("hour", HOUR)
        .param("time", Time(HOUR.start().0 + 123))
        .param("texts", texts.clone())
        .param("numbers", Param::Numbers(vec![0, u64::MAX]));
    let rows: Vec<Numbers> = system()?.query(&sql).await?;
    let expect = Numbers {
        greatest: u64::MAX,
        least: i64::MIN,
        decimal: "123456789012345678901234567890.12345678".to_owned(),
        hour: "2026-11-20T13:00:00Z".to_owned(),
        time: "2026-11-20T13:00:00.123Z".to_owned(),
        texts,
        numbers: vec![0, u64::MAX],
    };
    assert_eq!(rows, [expect]);
    Ok(())
}

#[derive(Deserialize)]
struct Ignored {}

async fn fails(sql: Sql) -> Result<QueryError, Box<dyn std::error::Error>> {
    let outcome = system()?.query::<Ignored>(&sql).await;
    outcome.err().ok_or_else(|| "it had an answer".into())
}

#[tokio::test]
async fn an_answer_beyond_its_limits_is_an_error() -> Outcome {
    let limits = |rows, bytes| Limits { rows, bytes, ..Limits::default() };
    let million = Sql::new("SELECT number FROM numbers(1000000)");
    let error = fails(million.clone().limits(limits(1000, usize::MAX >> 1))).await?;
    assert!(matches!(error, QueryError::TooLarge { rows: 1000, .. }), "{error}");
    let error = fails(million.clone().limits(limits(2_000_000, 1000))).await?;
    assert!(matches!(error, QueryError::TooLarge { bytes: 1000, .. }), "{error}");
    let rows: Vec<Ignored> = system()?.query(&million.limits(limits(1_000_000, 64 << 20))).await?;
    assert_eq!(rows.len(), 1_000_000, "at the limit it is whole");
    let time = Duration::from_secs(1);
    let slow = Sql::new("SELECT sleepEachRow(0.5) FROM numbers(100) SETTINGS max_block_size = 1");
    let error = fails(slow.limits(Limits { time, ..Limits::default() })).await?;
    assert!(matches!(error, QueryError::TooSlow { limit_ms: 1000 }), "{error}");
    Ok(())
}

#[tokio::test]
async fn errors_say_what_went_wrong() -> Outcome {
    let error = fails(Sql::new("SELECT 1 FROM no_such_table")).await?;
    assert!(matches!(error, QueryError::Server { code: 60, .. }), "{error}");
    let error = fails(Sql::new("SELECT {missing:String}")).await?;
    assert!(matches!(error, QueryError::Server { code: 456, .. }), "{error}");
    let late = Sql::new("SELECT throwIf(number = 900000) FROM numbers(1000000)");
    let error = fails(late.limits(Limits { rows: 2_000_000, ..Limits::default() })).await?;
    assert!(matches!(error, QueryError::Server { code: 395, .. }), "{error}");
    let sql = Sql::new("SELECT number AS value FROM numbers(3)");
    let error = system()?.query::<Texts>(&sql).await.err().ok_or("a number is no text")?;
    assert!(matches!(error, QueryError::Row { row: 0, .. }), "{error}");
    let url = "http://127.0.0.1:1".to_owned();
    let away = Store::new(Endpoint { url, ..endpoint("queries")? })?;
    let error = away.ping().await.err().ok_or("nobody listens on port 1")?;
    assert_eq!(error.to_string(), "failed to reach the store at 127.0.0.1:1");
    system()?.ping().await?;
    Ok(())
}
