//! The hour's rows in ClickHouse, page by page, by stream and number.
//!
//! A page is asked for by its numbers, so that the ranges of `seq` per granule find it: the cost
//! of an hour is that of its rows, not of its rows times its pages.
//!
//! Only what RULE-1 and pricing need is read, with the id and the verdict that was stored. The
//! record is built again from it, so that it can be judged again.

use std::borrow::Cow;
use std::time::Duration;

use anyhow::{Context, anyhow};
use record::{Hour, InstanceType, Net, Part, RULE_VERSION, Reason, Record, Stream};
use serde::Deserialize;
use store::{Limits, Param, Sql, Store};

use super::compare::Row;
use super::frozen::Frozen;
use super::place;

/// Numbers of one page: some 20 MB of rows. Twice as many, and twice the memory.
const PAGE: u64 = 50_000;

/// Streams of one page: they travel in the query's URL.
const WINDOWS: usize = 50;

/// A number may stand twice, for which there is room; a row has some hundred bytes, and long texts
/// have room too.
const LIMITS: Limits =
    Limits { rows: 2 * PAGE, bytes: 256 << 20, time: Duration::from_secs(600), threads: 0 };

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

/// Some numbers of a stream that follow each other, both ends included.
type Window<'a> = (&'a Stream, u64, u64);

/// The pages, one after the other.
pub(crate) struct Pages<'a> {
    store: &'a Store,
    hour: Hour,
    /// What is not asked for yet, the next one last.
    left: Vec<Window<'a>>,
}

/// The row of one number, if it stands.
pub(crate) async fn one(
    store: &Store,
    hour: Hour,
    stream: &Stream,
    seq: u64,
) -> anyhow::Result<Option<Row>> {
    Ok(read(store, hour, &[(stream, seq, seq)]).await?.into_iter().next())
}

/// The rows of some numbers.
async fn read(store: &Store, hour: Hour, windows: &[Window<'_>]) -> anyhow::Result<Vec<Row>> {
    let mut condition = Vec::with_capacity(windows.len());
    let mut params: Vec<(String, Param)> = Vec::with_capacity(5 * windows.len());
    for (number, (stream, first, last)) in windows.iter().enumerate() {
        condition.push(format!(
            "(gateway = {{g{number}:String}} AND epoch = {{e{number}:UInt64}} \
             AND worker = {{w{number}:UInt16}} \
             AND seq >= {{f{number}:UInt64}} AND seq <= {{l{number}:UInt64}})"
        ));
        params.extend([
            (format!("g{number}"), stream.gateway.as_str().into()),
            (format!("e{number}"), stream.epoch.into()),
            (format!("w{number}"), stream.worker.into()),
            (format!("f{number}"), (*first).into()),
            (format!("l{number}"), (*last).into()),
        ]);
    }
    let condition = condition.join("\n    OR ");
    let text = format!("{SELECT}\n  AND ({condition})\nORDER BY gateway, epoch, worker, seq");
    let mut sql =
        Sql::new(text).limits(LIMITS).param("start", hour.start().0).param("end", hour.end().0);
    for (name, value) in params {
        sql = sql.param(name, value);
    }
    let rows: Vec<RowText> = store.query(&sql).await.context("the records could not be read")?;
    rows.into_iter().map(RowText::read).collect()
}

/// Takes the windows of one page from the end of what is left, in their order.
fn next<'a>(left: &mut Vec<Window<'a>>) -> Vec<Window<'a>> {
    let (mut windows, mut room) = (Vec::new(), PAGE);
    while room > 0
        && windows.len() < WINDOWS
        && let Some((stream, first, last)) = left.pop()
    {
        let until = first.saturating_add(room - 1).min(last);
        if until < last {
            left.push((stream, until + 1, last));
        }
        windows.push((stream, first, until));
        room -= until - first + 1;
    }
    windows
}

// === impl Pages ===

impl<'a> Pages<'a> {
    /// The pages of all numbers of the hour.
    pub(crate) fn new(store: &'a Store, hour: Hour, frozen: &'a Frozen) -> Self {
        let mut left: Vec<Window<'a>> = frozen.spans().collect();
        left.reverse();
        Self { store, hour, left }
    }

    /// The next page, which may be empty; none after the last.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Vec<Row>>> {
        let windows = next(&mut self.left);
        if windows.is_empty() {
            return Ok(None);
        }
        read(self.store, self.hour, &windows).await.map(Some)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recount::frozen::{Span, Spans};

    /// Each page as `worker:first-last`.
    fn pages(spans: &[(u16, Span)]) -> Vec<String> {
        let mut own = Spans::new();
        for (worker, span) in spans {
            let stream = Stream { gateway: "g".to_owned(), epoch: 1, worker: *worker };
            own.entry(stream).or_default().push(*span);
        }
        let frozen = Frozen::new(own, Spans::new()).expect("few");
        let mut left: Vec<Window<'_>> = frozen.spans().collect();
        left.reverse();
        let mut pages = Vec::new();
        while let windows = next(&mut left)
            && !windows.is_empty()
        {
            let window =
                |(stream, first, last): &Window<'_>| format!("{}:{first}-{last}", stream.worker);
            pages.push(windows.iter().map(window).collect::<Vec<_>>().join(" "));
        }
        pages
    }

    #[test]
    fn every_number_is_on_one_page_and_no_page_is_too_large() {
        assert!(pages(&[]).is_empty());
        assert_eq!(pages(&[(0, (5, 9)), (0, (20, 20)), (3, (0, 1))]), ["0:5-9 0:20-20 3:0-1"]);
        assert_eq!(
            pages(&[(0, (1, 120_000)), (1, (0, 40_000))]),
            ["0:1-50000", "0:50001-100000", "0:100001-120000 1:0-29999", "1:30000-40000"]
        );
        assert_eq!(pages(&[(0, (0, 49_999)), (1, (0, 0))]), ["0:0-49999", "1:0-0"]);
        let many: Vec<(u16, Span)> = (0..120).map(|worker| (worker, (7, 7))).collect();
        let sizes: Vec<_> = pages(&many).iter().map(|page| page.split(' ').count()).collect();
        assert_eq!(sizes, [50, 50, 20]);
    }
}
