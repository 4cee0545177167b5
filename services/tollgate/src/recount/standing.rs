//! What stands of the hour: its cut, its bills, and the price books that they name.
//!
//! The texts are read here once more, only as far as a recount needs them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use pricing::{Bill, Book, MonthUse};
use record::{Hour, RULE_VERSION, Stream};
use serde::Deserialize;
use serde_json::value::RawValue;
use settings::Sink;
use sha2::{Digest, Sha256};
use store::{Limits, Sql, Store};

use super::frozen::{Frozen, Span, Spans};

/// The bills of all accounts of an hour.
const LIMITS: Limits =
    Limits { rows: 1_000_000, bytes: 512 << 20, time: Duration::from_secs(300), threads: 0 };

const CUT_SQL: &str = "\
SELECT
    cut,
    hash,
    hour IN (SELECT hour FROM closings WHERE hour = toDateTime({hour:Int64}, 'UTC')) AS closed
FROM cuts
WHERE hour = toDateTime({hour:Int64}, 'UTC')";

const BILLS_SQL: &str = "\
SELECT
    account,
    bill,
    use_after AS basis
FROM bills
WHERE hour = toDateTime({hour:Int64}, 'UTC')
  AND ({all:UInt8} OR account = {account:String})";

const HELD_SQL: &str = "\
SELECT DISTINCT account
FROM held
WHERE at = toDateTime({hour:Int64}, 'UTC')
  AND cut = toDateTime({hour:Int64}, 'UTC')
  AND hour = toDateTime({hour:Int64}, 'UTC')";

const BOOKS_SQL: &str = "\
SELECT sha256, id, text
FROM price_books
WHERE sha256 IN {named:Array(String)}";

/// What stands of one hour.
pub(crate) struct Standing {
    pub(crate) frozen: Frozen,
    /// How far each source was consumed at the cut: the last offset stored, by source and
    /// partition.
    pub(crate) ends: BTreeMap<(String, u32), u64>,
    pub(crate) bills: BTreeMap<String, Billed>,
    /// Accounts whose use of the hour could not be rated, and was held back.
    pub(crate) held: BTreeSet<String>,
}

/// A bill with what it was rated with.
pub(crate) struct Billed {
    pub(crate) bill: Bill,
    pub(crate) book: Book,
    /// Where the month stood before.
    pub(crate) before: MonthUse,
}

#[derive(Deserialize)]
struct CutRow {
    cut: String,
    hash: String,
    closed: u8,
}

#[derive(Deserialize)]
struct BillRow {
    account: String,
    bill: String,
    basis: String,
}

#[derive(Deserialize)]
struct HeldRow {
    account: String,
}

#[derive(Deserialize)]
struct BookRow {
    sha256: String,
    id: String,
    text: String,
}

/// The canonical JSON of a cut, as far as it matters here.
#[derive(Deserialize)]
struct CutText {
    hour: String,
    rule: u16,
    streams: Vec<Share>,
    late: Vec<Late>,
    ends: Vec<End>,
    accounts: Vec<Terms>,
}

#[derive(Deserialize)]
struct Share {
    gateway: String,
    epoch: u64,
    worker: u16,
    ranges: Vec<Span>,
}

#[derive(Deserialize)]
struct Late {
    hour: String,
    streams: Vec<Share>,
}

#[derive(Deserialize)]
struct End {
    source: String,
    part: u32,
    position: u64,
}

#[derive(Deserialize)]
struct Terms {
    account: String,
    books: Vec<HourBook>,
}

#[derive(Deserialize)]
struct HourBook {
    hour: String,
    sha256: Option<String>,
}

#[derive(Deserialize)]
struct Basis {
    before: Box<RawValue>,
}

/// Reads what stands; the bill of one account, or all.
///
/// # Errors
/// The hour is not closed, was closed by another rule, or is too large; something that stands can
/// not be read.
pub(crate) async fn read(
    store: &Store,
    hour: Hour,
    account: Option<&str>,
) -> anyhow::Result<Standing> {
    let cut = cut(store, hour).await?;
    let ends = cut.ends.into_iter().map(|end| ((end.source, end.part), end.position)).collect();
    let (mut own, mut earlier) = (Spans::new(), Spans::new());
    add(&mut own, cut.streams);
    for late in cut.late {
        // Under the cut's own hour: rows of the hour outside of every share.
        let strays = late.hour == cut.hour;
        add(if strays { &mut own } else { &mut earlier }, late.streams);
    }
    let frozen = Frozen::new(own, earlier)?;
    let mut books = BTreeMap::new();
    for terms in cut.accounts {
        let book = terms.books.into_iter().find(|book| book.hour == cut.hour);
        if let Some(sha256) = book.and_then(|book| book.sha256) {
            books.insert(terms.account, sha256);
        }
    }
    let bills = bills(store, hour, account, &books).await?;
    let sql = Sql::new(HELD_SQL).limits(LIMITS).param("hour", seconds(hour));
    let held: Vec<HeldRow> = store.query(&sql).await.context("what is held could not be read")?;
    let held = held.into_iter().map(|row| row.account).collect();
    Ok(Standing { frozen, ends, bills, held })
}

async fn cut(store: &Store, hour: Hour) -> anyhow::Result<CutText> {
    let sql = Sql::new(CUT_SQL).limits(LIMITS).param("hour", seconds(hour));
    let rows: Vec<CutRow> = store.query(&sql).await.context("the cut could not be read")?;
    let row = match rows.as_slice() {
        [] => bail!("{hour} is not closed yet: there is nothing to compare a recount with"),
        [row] => row,
        more => bail!("{hour} has {} cuts, where there is never more than one", more.len()),
    };
    ensure!(row.closed == 1, "{hour} is being closed right now; ask again in a moment");
    let hash: String =
        Sha256::digest(row.cut.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(hash == row.hash, "the cut of {hour} was altered: its hash is {hash}");
    let cut: CutText = serde_json::from_str(&row.cut)
        .with_context(|| format!("the cut of {hour} can not be read"))?;
    ensure!(cut.hour == hour.to_string(), "the cut of {hour} is that of {}", cut.hour);
    let rule = cut.rule;
    ensure!(
        rule == RULE_VERSION,
        "{hour} was closed by version {rule} of RULE-1, this program knows {RULE_VERSION}"
    );
    Ok(cut)
}

fn add(spans: &mut Spans, shares: Vec<Share>) {
    for Share { gateway, epoch, worker, ranges } in shares {
        spans.entry(Stream { gateway, epoch, worker }).or_default().extend(ranges);
    }
}

async fn bills(
    store: &Store,
    hour: Hour,
    account: Option<&str>,
    books: &BTreeMap<String, String>,
) -> anyhow::Result<BTreeMap<String, Billed>> {
    let sql = Sql::new(BILLS_SQL)
        .limits(LIMITS)
        .param("hour", seconds(hour))
        .param("all", u16::from(account.is_none()))
        .param("account", account.unwrap_or_default());
    let rows: Vec<BillRow> = store.query(&sql).await.context("the bills could not be read")?;
    let named = rows.iter().filter_map(|row| books.get(&row.account)).cloned().collect();
    let texts = book_texts(store, named).await?;
    let mut found = BTreeMap::new();
    for BillRow { account, bill, basis } in rows {
        let unreadable = || format!("the bill of account {account} in {hour} can not be read");
        let bill = Bill::from_json(&bill).with_context(unreadable)?;
        ensure!(
            bill.hour == hour && bill.account == account,
            "the bill of account {account} in {hour} is that of {} in {}",
            bill.account,
            bill.hour
        );
        let basis: Basis = serde_json::from_str(&basis).with_context(unreadable)?;
        let before = MonthUse::from_json(basis.before.get()).with_context(unreadable)?;
        let book = books.get(&account).and_then(|sha256| texts.get(sha256));
        let book = book.with_context(|| {
            format!("the price book of account {account} in {hour} is not among the stored ones")
        })?;
        let billed = Billed { bill, book: book.clone(), before };
        let twice = found.insert(account.clone(), billed).is_some();
        ensure!(!twice, "account {account} has two bills for {hour}");
    }
    Ok(found)
}

async fn book_texts(
    store: &Store,
    named: BTreeSet<String>,
) -> anyhow::Result<BTreeMap<String, Book>> {
    let named: Vec<String> = named.into_iter().collect();
    let sql = Sql::new(BOOKS_SQL).limits(LIMITS).param("named", named);
    let rows: Vec<BookRow> =
        store.query(&sql).await.context("the price books could not be read")?;
    let mut books = BTreeMap::new();
    for BookRow { sha256, id, text } in rows {
        let sink = Sink::new();
        let book = Book::read(&id, &text, &sink);
        let book =
            sink.finish(book).with_context(|| format!("price book `{id}` can not be read"))?;
        ensure!(book.sha256 == sha256, "price book `{id}` was altered: it is not {sha256}");
        books.insert(sha256, book);
    }
    Ok(books)
}

fn seconds(hour: Hour) -> i64 {
    hour.start().0 / 1000
}
