//! An account's share of a proof: the sums over its own rows of the hour's cut.
//!
//! - The cut says which records belong to the hour: those whose stream and `seq` lie in its ranges.
//!   So a record that came too late changes nothing here, as it changes nothing in the bill.
//! - The hash is made like the one of the whole proof, over the account's rows alone.
//! - Streams without a row of the account are not named.

use record::{Hour, Record};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{HashFunction, ProofHead};
use crate::app::Shared;
use crate::problem::{Code, Problem};
use crate::scope::{Scope, Select, Table};

/// Ranges of one cut: one per stream, and one more per gap. Each row is compared with all of them,
/// so beyond this the query is refused, not run.
const RANGES_MAX: usize = 10_000;

/// An account's share of an hour's proof.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnProof {
    /// Whose.
    account: String,
    /// Version of the rule of billing.
    rule: u16,
    /// The columns that the hashes are made of.
    columns: Vec<String>,
    /// ClickHouse's function that hashes a row.
    function: HashFunction,
    /// One for each stream with rows of the account.
    streams: Vec<OwnStream>,
    /// The sums of all of them.
    total: OwnSums,
}

/// The account's rows of one stream.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct OwnStream {
    /// Name of the gateway.
    gateway: String,
    /// The life of its process.
    epoch: u64,
    /// The worker.
    worker: u16,
    #[serde(flatten)]
    sums: OwnSums,
    /// Hash of the billed columns of the rows, in any order: 16 hex digits.
    hash: String,
}

/// What the account's bill is made of.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct OwnSums {
    /// Rows.
    stored: u64,
    /// Calls that count.
    billable: u64,
    /// Bytes of responses.
    rsp_len: u64,
    /// Bytes to backends.
    ups_req_len: u64,
}

/// Of a cut: which records belong to the hour.
#[derive(Debug, Deserialize)]
pub(crate) struct Cut {
    streams: Vec<CutStream>,
}

#[derive(Debug, Deserialize)]
struct CutStream {
    gateway: String,
    epoch: u64,
    worker: u16,
    ranges: Vec<(u64, u64)>,
}

#[derive(Debug, Deserialize)]
struct CutRow {
    cut: String,
}

/// The sums over the rows of `account`, which is the one that `scope` is bound to.
pub(super) async fn compute(
    app: &Shared,
    scope: &Scope,
    account: &str,
    hour: Hour,
    head: ProofHead,
) -> Result<OwnProof, Problem> {
    let cut = cut(app, scope, hour).await?;
    let select = sums_sql(hour, account, &cut, &head)?;
    let streams: Vec<OwnStream> = app.reader.fetch(scope, &select).await?;
    let mut total = OwnSums::default();
    for OwnStream { sums, .. } in &streams {
        total.stored += sums.stored;
        total.billable += sums.billable;
        total.rsp_len += sums.rsp_len;
        total.ups_req_len += sums.ups_req_len;
    }
    let ProofHead { rule, columns, function, .. } = head;
    Ok(OwnProof { account: account.to_owned(), rule, columns, function, streams, total })
}

/// The cut of a closed hour.
pub(crate) async fn cut(app: &Shared, scope: &Scope, hour: Hour) -> Result<Cut, Problem> {
    let rows: Vec<CutRow> = app.reader.fetch(scope, &cut_sql(hour)).await?;
    let row = rows.into_iter().next().ok_or_else(|| Problem::internal(NoCut { hour }))?;
    serde_json::from_str(&row.cut).map_err(Problem::internal)
}

/// A closed hour has a cut; this one's is gone.
#[derive(Debug, thiserror::Error)]
#[error("the closed hour {hour} has no cut")]
struct NoCut {
    hour: Hour,
}

/// A stored proof names a column that can not be one.
#[derive(Debug, thiserror::Error)]
#[error("the stored proof names the column `{0}`")]
struct NoColumn(String);

impl Cut {
    /// Whether the record of that stream and number belongs to the hour.
    pub(crate) fn holds(&self, record: &Record<'_>) -> bool {
        let of = |stream: &&CutStream| {
            stream.gateway == record.gateway
                && (stream.epoch, stream.worker) == (record.epoch, record.worker)
        };
        self.streams.iter().filter(of).any(|stream| {
            stream.ranges.iter().any(|(first, last)| (*first..=*last).contains(&record.seq))
        })
    }
}

fn cut_sql(hour: Hour) -> Select {
    Select::new(Table::Cuts, "cut")
        .filter("hour = {hour:DateTime('UTC')}")
        .param("hour", hour)
        .limit(1)
}

fn sums_sql(hour: Hour, account: &str, cut: &Cut, head: &ProofHead) -> Result<Select, Problem> {
    let (columns, function) = (&head.columns, head.function.name());
    let is_none = |name: &&String| {
        !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            || name.is_empty()
    };
    if let Some(column) = columns.iter().find(is_none) {
        return Err(Problem::internal(NoColumn(column.clone())));
    }
    // By table, since the sums take the names of columns.
    let columns: Vec<_> = columns.iter().map(|column| format!("records.{column}")).collect();
    let columns = columns.join(", ");
    let ranges = Ranges::of(cut)?;
    Ok(Select::new(
        Table::Records,
        format!(
            "gateway, epoch, worker, count() AS stored, \
             countIf(records.billable) AS billable, sum(records.rsp_len) AS rsp_len, \
             sum(records.ups_req_len) AS ups_req_len, \
             leftPad(lower(hex(sumWithOverflow({function}({columns})))), 16, '0') AS hash"
        ),
    )
    .filter("account = {account:String}")
    .filter("hour = {hour:DateTime('UTC')}")
    .filter(
        "arrayExists((g, e, w, a, b) -> g = gateway AND e = epoch AND w = worker \
         AND seq BETWEEN a AND b, {gateways:Array(String)}, {epochs:Array(UInt64)}, \
         {workers:Array(UInt64)}, {firsts:Array(UInt64)}, {lasts:Array(UInt64)})",
    )
    .param("account", account)
    .param("hour", hour)
    .param("gateways", ranges.gateways)
    .param("epochs", ranges.epochs)
    .param("workers", ranges.workers)
    .param("firsts", ranges.firsts)
    .param("lasts", ranges.lasts)
    .group("gateway, epoch, worker")
    .order("gateway, epoch, worker"))
}

/// The ranges of a cut, column by column.
#[derive(Debug, Default)]
struct Ranges {
    gateways: Vec<String>,
    epochs: Vec<u64>,
    workers: Vec<u64>,
    firsts: Vec<u64>,
    lasts: Vec<u64>,
}

// === impl Ranges ===

impl Ranges {
    fn of(cut: &Cut) -> Result<Self, Problem> {
        let mut all = Self::default();
        for stream in &cut.streams {
            for (first, last) in &stream.ranges {
                all.gateways.push(stream.gateway.clone());
                all.epochs.push(stream.epoch);
                all.workers.push(stream.worker.into());
                all.firsts.push(*first);
                all.lasts.push(*last);
            }
        }
        if all.firsts.len() > RANGES_MAX {
            let detail = format!("the hour's cut has more than {RANGES_MAX} ranges");
            return Err(Problem::new(Code::AnswerTooLarge, detail));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUT: &str = r#"{"hour":"2026-11-20T13:00:00Z","rule":1,"streams":[
        {"gateway":"g","epoch":9,"worker":1,"first":0,"last":9,"ranges":[[0,4],[7,9]],"dead":[]},
        {"gateway":"h","epoch":10,"worker":0,"ranges":[],"dead":[]}
    ]}"#;

    fn cut() -> Cut {
        serde_json::from_str(CUT).expect("a cut")
    }

    #[test]
    fn a_cut_becomes_columns_of_ranges() {
        let ranges = Ranges::of(&cut()).expect("few");
        assert_eq!(ranges.gateways, ["g", "g"]);
        assert_eq!(ranges.epochs, [9, 9]);
        assert_eq!(ranges.workers, [1, 1]);
        assert_eq!((ranges.firsts, ranges.lasts), (vec![0, 7], vec![4, 9]));
    }

    fn head(more: &str) -> ProofHead {
        let text = format!(r#"{{"complete":true,"rule":1{more}}}"#);
        serde_json::from_str(&text).expect("a proof")
    }

    #[test]
    fn the_hash_is_the_one_that_the_proof_names() {
        let text = |more: &str| {
            let head = head(&format!(r#","columns":["seq"]{more}"#));
            let select = sums_sql(Hour(0), "7", &cut(), &head).expect("good");
            select.sql(&Scope::account("7")).text().to_owned()
        };
        assert!(text("").contains("(sipHash64(records.seq))"));
        assert!(text(r#","function":"cityHash64""#).contains("(cityHash64(records.seq))"));
        let other = r#"{"complete":true,"rule":1,"columns":[],"function":"md5"}"#;
        serde_json::from_str::<ProofHead>(other).expect_err("it is not run");
    }

    #[test]
    fn the_sums_are_of_the_accounts_rows_in_the_cut() {
        let head = head(r#","columns":["req_id","rsp_len"]"#);
        let select = sums_sql(Hour(0), "7", &cut(), &head).expect("good");
        assert_eq!(
            select.sql(&Scope::account("7")).text(),
            "SELECT gateway, epoch, worker, count() AS stored, \
             countIf(records.billable) AS billable, sum(records.rsp_len) AS rsp_len, \
             sum(records.ups_req_len) AS ups_req_len, \
             leftPad(lower(hex(sumWithOverflow(sipHash64(records.req_id, records.rsp_len)))), 16, \
             '0') AS hash\n\
             FROM records\n\
             WHERE (account = {scope:String} OR caller = {scope:String})\n  \
             AND (account = {account:String})\n  \
             AND (hour = {hour:DateTime('UTC')})\n  \
             AND (arrayExists((g, e, w, a, b) -> g = gateway AND e = epoch AND w = worker \
             AND seq BETWEEN a AND b, {gateways:Array(String)}, {epochs:Array(UInt64)}, \
             {workers:Array(UInt64)}, {firsts:Array(UInt64)}, {lasts:Array(UInt64)}))\n\
             GROUP BY gateway, epoch, worker\n\
             ORDER BY gateway, epoch, worker"
        );
    }

    #[test]
    fn a_stored_column_that_is_none_is_not_run() {
        for bad in ["", "a)", "a, b", "A", "a b"] {
            let head = head(&format!(r#","columns":["{bad}"]"#));
            let refused = sums_sql(Hour(0), "7", &cut(), &head).expect_err("refused");
            assert_eq!(refused.code, Code::Internal, "{bad}");
        }
    }
}
