//! Use per account, counted by the database from the rows of a cut.
//!
//! - Only rows whose hour is the one asked for, and whose number lies in the cut's ranges. Of an hour
//!   whose rows all lie there, the sums that stand with the rows are taken (`by_account`).
//! - RULE-1's verdict is taken as it was stored, with each record.
//! - Calls: billable final records of shared instances. Traffic: whatever the verdict and the part.
//! - Sums are of 128 bits: what a client claims can not wrap them.

use std::collections::BTreeMap;

use pricing::{CallsKey, Direction, HourUsage, TrafficKey};
use record::{Hour, InstanceType};
use serde::Deserialize;
use store::{Limits, QueryError, Sql, Store};

use super::frozen;

/// Accounts × regions × instance types of one hour.
const LIMITS: Limits = Limits {
    rows: 1_000_000,
    bytes: 256 << 20,
    time: std::time::Duration::from_secs(600),
    threads: 0,
};

/// The hour of a cut, as a parameter.
const CUT_HOUR: &str = "toDateTime({hour:Int64}, 'UTC')";

/// By account.
pub(crate) type Usages = BTreeMap<String, HourUsage>;

#[derive(Deserialize)]
struct Row {
    account: String,
    region: String,
    instance_type: String,
    calls: u64,
    response_bytes: String,
    backend_bytes: String,
}

#[derive(Deserialize)]
struct CountedRow {
    rows: u64,
    #[serde(flatten)]
    row: Row,
}

/// A stored row has a value that no program of ours writes.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// The query failed.
    #[error("failed to count the use of an hour")]
    Query(#[from] QueryError),
    /// Not `shared` and not `dedicated`, or no number.
    #[error("a stored record of account `{account}` has the value `{value}`")]
    Value {
        /// The account.
        account: String,
        /// What stands there.
        value: String,
    },
}

/// The use of an hour in the shares of its cut.
pub(crate) async fn frozen_usage(store: &Store, hour: Hour) -> Result<Usages, UsageError> {
    let spans = frozen::own("cuts", CUT_HOUR, "ranges");
    frozen(store, &spans, hour, hour).await
}

/// The use of all that is stored of an hour, and of how many rows.
pub(crate) async fn whole_usage(store: &Store, hour: Hour) -> Result<(Usages, u64), UsageError> {
    let sql = Sql::new(whole_sql()).limits(LIMITS).param("hour", hour.start().0 / 1000);
    let rows: Vec<CountedRow> = store.query(&sql).await?;
    let count = rows.iter().map(|row| row.rows).sum();
    Ok((read(rows.into_iter().map(|row| row.row).collect())?, count))
}

/// The use of `of` that the cut of `hour` froze as late; of its own hour: its strays.
pub(crate) async fn late_usage(store: &Store, hour: Hour, of: Hour) -> Result<Usages, UsageError> {
    let spans = frozen::late("cuts", CUT_HOUR, "{of:String}");
    frozen(store, &spans, hour, of).await
}

async fn frozen(store: &Store, spans: &str, hour: Hour, of: Hour) -> Result<Usages, UsageError> {
    let sql = Sql::new(frozen_sql(spans))
        .limits(LIMITS)
        .param("hour", hour.start().0 / 1000)
        .param("of", of.to_string())
        .param("start", of.start().0)
        .param("end", of.end().0);
    read(store.query(&sql).await?)
}

/// The use in `of` of everything that is stored now, for a view that promises nothing.
pub(crate) async fn stored_usage(
    store: &Store,
    of: Hour,
    account: Option<&str>,
) -> Result<Usages, UsageError> {
    let condition = if account.is_some() { "\n  AND account = {account:String}" } else { "" };
    let text = format!("{}\nFROM records AS r\n{WHERE_HOUR}{condition}\n{GROUP}", select());
    let mut sql =
        Sql::new(text).limits(LIMITS).param("start", of.start().0).param("end", of.end().0);
    if let Some(account) = account {
        sql = sql.param("account", account);
    }
    read(store.query(&sql).await?)
}

const WHERE_HOUR: &str = "\
WHERE r.time >= fromUnixTimestamp64Milli({start:Int64}, 'UTC')
  AND r.time < fromUnixTimestamp64Milli({end:Int64}, 'UTC')";

const GROUP: &str = "\
GROUP BY account, region, instance_type
ORDER BY account, region, instance_type";

fn select() -> &'static str {
    "\
SELECT
    account,
    region,
    instance_type,
    countIf(billable AND part = 'final') AS calls,
    toString(sumIf(toUInt128(rsp_len), net = 'public')) AS response_bytes,
    toString(sumIf(toUInt128(ups_req_len), ups_net = 'public')) AS backend_bytes"
}

/// One row for each group, and how many rows it is of.
pub(super) fn whole_sql() -> String {
    format!(
        "{},\n    count() AS rows\nFROM records\nWHERE toStartOfHour(time) = {CUT_HOUR}\n{GROUP}",
        select()
    )
}

fn frozen_sql(spans: &str) -> String {
    format!(
        "\
WITH
    frozen AS
    (
        {spans}
    )
{select}
FROM records AS r
{join}
{WHERE_HOUR}
  AND r.seq <= f.last
{GROUP}",
        select = select(),
        join = frozen::join("frozen", ""),
    )
}

fn read(rows: Vec<Row>) -> Result<Usages, UsageError> {
    let mut usages = Usages::new();
    for row in rows {
        let value = |value: &str| UsageError::Value {
            account: row.account.clone(),
            value: value.to_owned(),
        };
        let instance_type =
            InstanceType::parse(&row.instance_type).ok_or_else(|| value(&row.instance_type))?;
        let usage = usages.entry(row.account.clone()).or_default();
        if row.calls > 0 && instance_type == InstanceType::Shared {
            *usage.calls.entry(CallsKey { instance_type }).or_default() += row.calls;
        }
        let directions =
            [(Direction::Response, &row.response_bytes), (Direction::Backend, &row.backend_bytes)];
        for (direction, text) in directions {
            let bytes: u128 = text.parse().map_err(|_no_number| value(text))?;
            if bytes > 0 {
                let key = TrafficKey { region: row.region.clone(), direction, instance_type };
                *usage.traffic.entry(key).or_default() += bytes;
            }
        }
    }
    usages.retain(|_, usage| !usage.is_empty());
    Ok(usages)
}

/// Adds all that `more` holds.
pub(crate) fn add(usage: &mut HourUsage, more: &HourUsage) {
    for (key, calls) in &more.calls {
        let sum = usage.calls.entry(*key).or_default();
        *sum = sum.checked_add(*calls).expect("calls of an hour fit in 64 bits");
    }
    for (key, bytes) in &more.traffic {
        let sum = usage.traffic.entry(key.clone()).or_default();
        *sum = sum.checked_add(*bytes).expect("bytes of an hour fit in 128 bits");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(account: &str, instance_type: &str, calls: u64, bytes: [&str; 2]) -> Row {
        Row {
            account: account.into(),
            region: "ap".into(),
            instance_type: instance_type.into(),
            calls,
            response_bytes: bytes[0].into(),
            backend_bytes: bytes[1].into(),
        }
    }

    #[test]
    fn only_calls_of_shared_instances_are_calls_and_nothing_is_left_out_of_traffic() {
        let over = "18446744073709551616";
        let rows = vec![
            row("a", "dedicated", 5, ["7", "0"]),
            row("a", "shared", 3, [over, "2"]),
            row("b", "shared", 0, ["0", "0"]),
        ];
        let usages = read(rows).expect("usage");
        let usage = &usages["a"];
        assert_eq!(usages.len(), 1);
        assert_eq!(usage.calls.values().copied().collect::<Vec<_>>(), [3]);
        let bytes: Vec<u128> = usage.traffic.values().copied().collect();
        assert_eq!(bytes, [u128::from(u64::MAX) + 1, 7, 2]);
    }

    /// Else the rows would be read.
    #[test]
    fn the_sums_beside_the_rows_are_those_that_a_bill_needs() {
        let sums = include_str!("../../../../schemas/clickhouse/0015_records_by_account.sql");
        for sum in [
            "countIf(billable AND part = 'final')",
            "sumIf(toUInt128(rsp_len), net = 'public')",
            "sumIf(toUInt128(ups_req_len), ups_net = 'public')",
            "count()",
        ] {
            assert!(sums.contains(sum) && whole_sql().contains(sum), "{sum}");
        }
        assert!(sums.contains("GROUP BY toStartOfHour(time), account, region, instance_type"));
    }

    #[test]
    fn a_value_that_nobody_wrote_is_an_error() {
        read(vec![row("a", "rented", 1, ["0", "0"])]).expect_err("no such instance type");
        read(vec![row("a", "shared", 1, ["-1", "0"])]).expect_err("no such number");
    }
}
