//! The hour's rows in ClickHouse, page by page, by stream and number.
//!
//! Only what RULE-1 and pricing need is read, with the id and the verdict that was stored. The
//! record is built again from it, so that it can be judged again.

use std::borrow::Cow;
use std::time::Duration;

use anyhow::{Context, anyhow};
use record::{Hour, InstanceType, Net, Part, RULE_VERSION, Reason, Record, Stream};
use serde::Deserialize;
use store::{Limits, Sql, Store};

use super::compare::Row;
use super::place;

/// Rows of one page. Each page sorts the hour once; twice as many, and twice the memory.
const PAGE: u64 = 100_000;

/// A row has some hundred bytes; long texts have room.
const LIMITS: Limits =
    Limits { rows: PAGE, bytes: 256 << 20, time: Duration::from_secs(600), threads: 0 };

const SELECT: &str = "\
SELECT
    gateway,
    epoch,
    worker,
    seq,
    req_id,
    part,
    account,
    region,
    instance_type,
    net,
    ups_net,
    rsp_st,
    ups_st,
    rsp_len,
    ups_req_len,
    billable,
    reason,
    rule
FROM records
WHERE time >= fromUnixTimestamp64Milli({start:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Milli({end:Int64}, 'UTC')";

const PAGE_OF: &str = "
  AND (gateway, epoch, worker, seq) > ({gateway:String}, {epoch:UInt64}, {worker:UInt16}, {seq:UInt64})
ORDER BY gateway, epoch, worker, seq
LIMIT {page:UInt64}";

const ONE_OF: &str = "
  AND gateway = {gateway:String}
  AND epoch = {epoch:UInt64}
  AND worker = {worker:UInt16}
  AND seq = {seq:UInt64}
LIMIT 1";

#[derive(Deserialize)]
struct RowText {
    gateway: String,
    epoch: u64,
    worker: u16,
    seq: u64,
    req_id: String,
    part: String,
    account: String,
    region: String,
    instance_type: String,
    net: String,
    ups_net: String,
    rsp_st: u16,
    ups_st: String,
    rsp_len: u64,
    ups_req_len: u64,
    billable: bool,
    reason: String,
    rule: u16,
}

/// The pages, one after the other.
pub(crate) struct Pages<'a> {
    store: &'a Store,
    hour: Hour,
    /// The last number of the page before.
    after: (Stream, u64),
    ended: bool,
}

/// The row of one number, if it stands.
pub(crate) async fn one(
    store: &Store,
    hour: Hour,
    stream: &Stream,
    seq: u64,
) -> anyhow::Result<Option<Row>> {
    let rows = query(store, sql(ONE_OF, hour, stream, seq)).await?;
    rows.into_iter().next().map(RowText::read).transpose()
}

async fn query(store: &Store, sql: Sql) -> anyhow::Result<Vec<RowText>> {
    store.query(&sql).await.context("the records could not be read")
}

fn sql(rest: &str, hour: Hour, stream: &Stream, seq: u64) -> Sql {
    Sql::new(format!("{SELECT}{rest}"))
        .limits(LIMITS)
        .param("start", hour.start().0)
        .param("end", hour.end().0)
        .param("gateway", stream.gateway.as_str())
        .param("epoch", stream.epoch)
        .param("worker", stream.worker)
        .param("seq", seq)
}

// === impl Pages ===

impl<'a> Pages<'a> {
    pub(crate) fn new(store: &'a Store, hour: Hour) -> Self {
        // Before every row: no gateway has an empty name.
        let first = Stream { gateway: String::new(), epoch: 0, worker: 0 };
        Self { store, hour, after: (first, 0), ended: false }
    }

    /// The next page; none after the last. Rows with the same number are on the same page.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Vec<Row>>> {
        if self.ended {
            return Ok(None);
        }
        let (stream, seq) = &self.after;
        let sql = sql(PAGE_OF, self.hour, stream, *seq).param("page", PAGE);
        let mut rows = query(self.store, sql).await?;
        self.ended = (rows.len() as u64) < PAGE;
        if !self.ended {
            let last = rows.last().map(RowText::place).expect("a full page");
            while rows.last().map(RowText::place).as_ref() == Some(&last) {
                rows.pop();
            }
            let before = rows.last().map(RowText::place);
            self.after = before.with_context(|| {
                format!("number {} stands more than {PAGE} times", place(&last.0, last.1))
            })?;
        }
        rows.into_iter().map(RowText::read).collect::<Result<_, _>>().map(Some)
    }
}

// === impl RowText ===

impl RowText {
    fn place(&self) -> (Stream, u64) {
        let Self { gateway, epoch, worker, seq, .. } = self;
        (Stream { gateway: gateway.clone(), epoch: *epoch, worker: *worker }, *seq)
    }

    fn read(self) -> anyhow::Result<Row> {
        let instance_type = self.word("instance_type", &self.instance_type, InstanceType::parse)?;
        let net = self.word("net", &self.net, Net::parse)?;
        let ups_net = self.word("ups_net", &self.ups_net, Net::parse)?;
        let part = self.word("part", &self.part, Part::parse)?;
        self.word("reason", &self.reason, Reason::parse)?;
        if self.rule != RULE_VERSION {
            self.word("rule", &self.rule.to_string(), |_| None::<u16>)?;
        }
        let record = Record {
            req_id: Cow::Owned(self.req_id),
            gateway: Cow::Owned(self.gateway),
            epoch: self.epoch,
            worker: self.worker,
            seq: self.seq,
            part,
            account: Cow::Owned(self.account),
            region: Cow::Owned(self.region),
            instance_type,
            net,
            ups_net,
            rsp_st: self.rsp_st,
            ups_st: Cow::Owned(self.ups_st),
            rsp_len: self.rsp_len,
            ups_req_len: self.ups_req_len,
            ..Record::default()
        };
        Ok(Row { record, billable: self.billable, reason: self.reason })
    }

    fn word<T>(
        &self,
        column: &str,
        value: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> anyhow::Result<T> {
        parse(value).ok_or_else(|| {
            let (stream, seq) = self.place();
            let (id, place) = (&self.req_id, place(&stream, seq));
            anyhow!("`{column}` of record {id} ({place}) in ClickHouse is `{value}`, which no record has")
        })
    }
}
