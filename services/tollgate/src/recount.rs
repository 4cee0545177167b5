//! An independent recount: a closed hour's bills, counted again from the records themselves.
//!
//! - It shares with metering's closing only RULE-1 ([`record::judge`]) and `pricing`. Which records
//!   belong to the hour is read from its cut ([`standing`], [`frozen`]), what they come to is added
//!   up here ([`count`]), none of it by metering's code or SQL.
//! - Twice, where both are there: from ClickHouse ([`rows`]) and from the messages in Kafka
//!   ([`topic`]). The two are compared record by record ([`compare`]), each with the bill that
//!   stands ([`weigh`]).
//! - Not compared: corrections of earlier hours, which rest on other hours' records; and where the
//!   month stood before the hour, which is taken from the bill.
//! - Memory: 9 bytes for each number that the cut freezes, at most [`frozen::NUMBERS_MAX`] of them;
//!   one page of rows or one batch of messages; the use and the bill of each account.

mod compare;
mod count;
mod frozen;
mod rows;
mod standing;
mod topic;
mod weigh;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::bail;
use pricing::HourUsage;
use record::{Hour, Stream, Time};
use store::Store;
use tokio::time::Instant;

pub(crate) use compare::{Difference, Differences, What};
use compare::{Records, Row};
use count::{Usages, count};
use frozen::{Frozen, is_file};
use standing::Standing;
pub(crate) use topic::Shipped;
pub(crate) use weigh::{Account, Side};

/// Between two lines about how far it is. Most hours are done before the first.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// What is to be recounted.
pub(crate) struct Asked<'a> {
    pub(crate) hour: Hour,
    /// Only this account's bill, and records that concern it.
    pub(crate) account: Option<&'a str>,
    /// The topic, if records come through one.
    pub(crate) kafka: Option<&'a bus::kafka::Config>,
    /// How long records stay in ClickHouse.
    pub(crate) retention: Duration,
    pub(crate) now: Time,
}

/// What came of it.
pub(crate) struct Report {
    /// Records of the hour in ClickHouse; none when all of them are older than the retention.
    pub(crate) stored: Option<u64>,
    /// Of those, records of files that were taken in. They came through no topic, so they are
    /// counted from ClickHouse on both sides.
    pub(crate) files: u64,
    pub(crate) shipped: Shipped,
    /// By account; those that have a bill, or use.
    pub(crate) accounts: Vec<Account>,
    pub(crate) differences: Differences,
}

/// Says on standard error how far it is, now and then.
pub(crate) struct Progress {
    said: Instant,
}

/// Recounts a closed hour. Nothing is written.
///
/// # Errors
/// The hour is not closed, or is too large; what stands can not be read; the store or the broker
/// does not answer; no record of it is left anywhere.
pub(crate) async fn recount(store: &Store, asked: &Asked<'_>) -> anyhow::Result<Report> {
    let standing = standing::read(store, asked.hour, asked.account).await?;
    let topic = topic::find(asked.kafka, &standing, asked.hour).await?;
    let mut records = Records::new(&standing.frozen, asked.account);
    let mut progress = Progress { said: Instant::now() };
    let frozen = &standing.frozen;
    let mut stored = from_clickhouse(store, asked, frozen, &mut records, &mut progress).await?;
    let kept_until = asked.hour.end().0.saturating_add(millis(asked.retention));
    if stored.records == 0 && !standing.frozen.is_empty() && kept_until < asked.now.0 {
        stored.gone = true;
        records.stored_are_gone();
    }
    let mut usages = stored.files.clone();
    let shipped = topic.read(asked.hour, &mut records, &mut usages, &mut progress).await?;
    let shipped_usages = matches!(shipped, Shipped::All { .. }).then_some(usages);
    if stored.gone && shipped_usages.is_none() {
        let hour = asked.hour;
        bail!("no records of {hour} are left: ClickHouse has dropped them after their retention")
    }
    let stored_usages = (!stored.gone).then_some(stored.all);
    let accounts = accounts(&standing, asked, stored_usages.as_ref(), shipped_usages.as_ref());
    let differences = name(store, asked.hour, records.finish()).await?;
    Ok(Report {
        stored: (!stored.gone).then_some(stored.records),
        files: stored.file_records,
        shipped,
        accounts,
        differences,
    })
}

/// What stands in ClickHouse.
#[derive(Default)]
struct Stored {
    records: u64,
    gone: bool,
    all: Usages,
    /// The part of it that came from files.
    files: Usages,
    file_records: u64,
}

async fn from_clickhouse(
    store: &Store,
    asked: &Asked<'_>,
    frozen: &Frozen,
    records: &mut Records<'_>,
    progress: &mut Progress,
) -> anyhow::Result<Stored> {
    let mut stored = Stored::default();
    let mut pages = rows::Pages::new(store, asked.hour, frozen);
    while let Some(page) = pages.next().await? {
        for row in page {
            let Row { record, .. } = &row;
            if !records.stored(&row) {
                continue;
            }
            stored.records += 1;
            let verdict = record::judge(record);
            count(&mut stored.all, record, verdict);
            if is_file(&record.gateway) {
                stored.file_records += 1;
                count(&mut stored.files, record, verdict);
            }
        }
        progress.say("ClickHouse", stored.records);
    }
    Ok(stored)
}

/// Looks up the ids of what is known by its number only.
async fn name(
    store: &Store,
    hour: Hour,
    mut differences: Differences,
) -> anyhow::Result<Differences> {
    for difference in &mut differences.named {
        let Difference { stream, seq, .. } = &*difference;
        if matches!(difference.what, What::NotStored | What::Twice | What::Verdict { .. }) {
            continue;
        }
        if let Some(row) = rows::one(store, hour, stream, *seq).await? {
            difference.complete(&row);
        }
    }
    Ok(differences)
}

fn accounts(
    standing: &Standing,
    asked: &Asked<'_>,
    stored: Option<&Usages>,
    shipped: Option<&Usages>,
) -> Vec<Account> {
    let mut names: BTreeSet<&str> = standing.bills.keys().map(String::as_str).collect();
    names.extend(stored.into_iter().chain(shipped).flat_map(BTreeMap::keys).map(String::as_str));
    names.extend(standing.held.iter().map(String::as_str));
    let nothing = HourUsage::default();
    let use_of = |usages: Option<&Usages>, name: &str| {
        usages.map(|usages| usages.get(name).unwrap_or(&nothing).clone())
    };
    let names = names.into_iter().filter(|name| asked.account.is_none_or(|only| only == *name));
    names
        .map(|name| weigh::account(name, standing, use_of(stored, name), use_of(shipped, name)))
        .collect()
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

// === impl Report ===

impl Report {
    /// Whether all that could be compared is equal.
    pub(crate) fn equal(&self) -> bool {
        let sides = |account: &Account| {
            let mut sides = [&account.stored, &account.shipped].into_iter().flatten();
            sides.all(|side| side.equal != Some(false))
        };
        self.differences.count == 0 && self.accounts.iter().all(sides)
    }
}

// === impl Progress ===

impl Progress {
    /// One line, if the last one was some time ago.
    pub(crate) fn say(&mut self, of: &str, records: u64) {
        if self.said.elapsed() >= SAY_EVERY {
            self.said = Instant::now();
            eprintln!("{records} records of {of} are read");
        }
    }
}

/// A place as people read it.
pub(crate) fn place(stream: &Stream, seq: u64) -> String {
    format!("{stream} {seq}")
}
