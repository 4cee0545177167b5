//! Cuts, bills, closings and price books as they stand in the store.

use std::collections::{BTreeMap, BTreeSet};

use pricing::{Bill, Book, MonthUse};
use record::Hour;
use serde::{Deserialize, Serialize};
use settings::Sink;
use store::tables::{BILLS, CLOSINGS, CUTS, PRICE_BOOKS, Table};
use store::{Claim, Limits, QueryError, Rows, RowsError, Sql, Store};

use super::account::{Basis, Books, Standing};
use super::cut::{Cut, sha256};
use super::error::CloseError;
use super::frozen;
use super::look::hour_of;
use crate::owner::Trouble;

/// A month has at most 31 days, and its zone at most 14 hours beside UTC.
pub(crate) const MONTH_HOURS: i64 = 32 * 24;

/// Most accounts have a bill within the last day: the whole month is searched for the others only.
const DAY_HOURS: i64 = 24;

/// Bills of all accounts.
const LIMITS: Limits = Limits {
    rows: 1_000_000,
    bytes: 512 << 20,
    time: std::time::Duration::from_secs(300),
    threads: 0,
};

const CLOSED_SQL: &str = "\
SELECT
    count() AS rows,
    toUnixTimestamp(max(hour)) AS hour_s
FROM closings";

const FIRST_CUT_SQL: &str = "\
SELECT
    count() AS rows,
    toUnixTimestamp(min(hour)) AS hour_s
FROM cuts";

const LAST_CUT_SQL: &str = "\
SELECT
    count() AS rows,
    toUnixTimestamp(max(hour)) AS hour_s
FROM cuts";

const CUTS_SQL: &str = "\
SELECT
    toUnixTimestamp(hour) AS hour_s,
    cut
FROM cuts
WHERE hour >= toDateTime({from:Int64}, 'UTC')
  AND hour <= toDateTime({to:Int64}, 'UTC')
ORDER BY hour";

const NEWEST_SQL: &str = "\
SELECT
    account,
    argMax(use_after, hour) AS basis
FROM bills
WHERE hour >= toDateTime({from:Int64}, 'UTC')
  AND hour < toDateTime({hour:Int64}, 'UTC')
GROUP BY account";

const BILLS_SQL: &str = "\
SELECT
    account,
    bill,
    use_after AS basis
FROM bills
WHERE hour >= toDateTime({from:Int64}, 'UTC')
  AND hour < toDateTime({to:Int64}, 'UTC')";

const BOOKS_SQL: &str = "\
SELECT sha256, id, text
FROM price_books";

#[derive(Deserialize)]
struct HourRow {
    rows: u64,
    hour_s: i64,
}

#[derive(Deserialize)]
struct CutRow {
    hour_s: i64,
    cut: String,
}

#[derive(Deserialize)]
struct NewestRow {
    account: String,
    basis: String,
}

/// A bill as it stands, as text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct BillRow {
    pub(crate) account: String,
    pub(crate) bill: String,
    pub(crate) basis: String,
}

#[derive(Deserialize)]
struct BookRow {
    sha256: String,
    id: String,
    text: String,
}

/// The last closed hour.
pub(crate) async fn last_closed(store: &Store) -> Result<Option<Hour>, QueryError> {
    one_hour(store, CLOSED_SQL).await
}

/// The first hour that was ever cut.
pub(crate) async fn first_cut(store: &Store) -> Result<Option<Hour>, QueryError> {
    one_hour(store, FIRST_CUT_SQL).await
}

/// The last hour that is cut, closed or not.
pub(crate) async fn last_cut(store: &Store) -> Result<Option<Hour>, QueryError> {
    one_hour(store, LAST_CUT_SQL).await
}

async fn one_hour(store: &Store, sql: &str) -> Result<Option<Hour>, QueryError> {
    let rows: Vec<HourRow> = store.query(&Sql::new(sql)).await?;
    Ok(rows.first().filter(|row| row.rows > 0).map(|row| hour_of(row.hour_s)))
}

/// The cuts of these hours, both included, by hour.
pub(crate) async fn cuts(
    store: &Store,
    from: Hour,
    to: Hour,
) -> Result<BTreeMap<Hour, Cut>, CloseError> {
    let sql =
        Sql::new(CUTS_SQL).limits(LIMITS).param("from", seconds(from)).param("to", seconds(to));
    let mut found = BTreeMap::new();
    for CutRow { hour_s, cut } in store.query(&sql).await? {
        let hour = hour_of(hour_s);
        let cut = Cut::from_json(&cut).map_err(|source| CloseError::Cut { hour, source })?;
        found.insert(hour, cut);
    }
    Ok(found)
}

/// Where the newest bill before `hour` left each of these accounts.
pub(crate) async fn newest(
    store: &Store,
    hour: Hour,
    accounts: &BTreeSet<&str>,
) -> Result<BTreeMap<String, MonthUse>, CloseError> {
    let mut found = BTreeMap::new();
    for hours in [DAY_HOURS, MONTH_HOURS] {
        let sql = Sql::new(NEWEST_SQL)
            .limits(LIMITS)
            .param("from", seconds(before(hour, hours)))
            .param("hour", seconds(hour));
        for NewestRow { account, basis } in store.query(&sql).await? {
            if accounts.contains(account.as_str()) {
                let basis =
                    Basis::from_json(&basis).map_err(|source| unreadable(&account, source))?;
                found.insert(account, basis.after);
            }
        }
        if accounts.iter().all(|account| found.contains_key(*account)) {
            break;
        }
    }
    Ok(found)
}

/// The bills of `[from, to)` as text, of one account or of all, ascending.
pub(crate) async fn bill_rows(
    store: &Store,
    from: Hour,
    to: Hour,
    account: Option<&str>,
) -> Result<Vec<BillRow>, QueryError> {
    let condition = if account.is_some() { "\n  AND account = {account:String}" } else { "" };
    let text = format!("{BILLS_SQL}{condition}\nORDER BY hour, account");
    let mut sql =
        Sql::new(text).limits(LIMITS).param("from", seconds(from)).param("to", seconds(to));
    if let Some(account) = account {
        sql = sql.param("account", account);
    }
    store.query(&sql).await
}

/// The bills of one account in `[from, to)`, ascending.
pub(crate) async fn standing(
    store: &Store,
    from: Hour,
    to: Hour,
    account: &str,
) -> Result<Vec<Standing>, CloseError> {
    let rows = bill_rows(store, from, to, Some(account)).await?;
    let read = |row: BillRow| {
        let bill = Bill::from_json(&row.bill).map_err(|error| unreadable(account, error.into()))?;
        let basis = Basis::from_json(&row.basis).map_err(|error| unreadable(account, error))?;
        Ok(Standing { bill, basis })
    };
    rows.into_iter().map(read).collect()
}

/// All stored price books.
pub(crate) async fn books(store: &Store) -> Result<Books, CloseError> {
    let rows: Vec<BookRow> = store.query(&Sql::new(BOOKS_SQL).limits(LIMITS)).await?;
    let read = |BookRow { sha256, id, text }: BookRow| {
        let sink = Sink::new();
        let book = Book::read(&id, &text, &sink);
        match sink.finish(book) {
            Ok(book) => Ok((sha256, book)),
            Err(mistakes) => Err(CloseError::Book { id, sha256, mistakes: mistakes.to_string() }),
        }
    };
    rows.into_iter().map(read).collect()
}

/// Writes rows where they do not stand.
pub(crate) async fn put<R: Serialize + Send>(
    store: &Store,
    claim: &Claim,
    table: &'static Table,
    hour: Option<Hour>,
    rows: Vec<R>,
) -> Result<(), Trouble> {
    let fresh = || match hour {
        Some(hour) => Rows::new(table).within("hour", frozen::plain(hour)),
        None => Rows::new(table),
    };
    let mut batch = fresh();
    for row in rows {
        match batch.push(&row) {
            Err(RowsError::Full { .. }) => {
                store.insert_absent(claim, &batch).await?;
                batch = fresh();
                batch.push(&row)?;
            }
            other => other?,
        }
    }
    store.insert_absent(claim, &batch).await?;
    Ok(())
}

/// Freezes hours.
pub(crate) async fn put_cuts(store: &Store, claim: &Claim, cuts: &[Cut]) -> Result<(), Trouble> {
    #[derive(Serialize)]
    struct Row {
        hour: String,
        cut: String,
        hash: String,
    }
    let rows = cuts.iter().map(|cut| {
        let text = cut.to_json();
        Row { hour: cut.hour.to_string(), hash: sha256(&text), cut: text }
    });
    // Collected: a closure that lives across an await would make the future unsendable.
    put(store, claim, &CUTS, None, rows.collect::<Vec<_>>()).await
}

/// Publishes the bills of an hour.
pub(crate) async fn put_bills(
    store: &Store,
    claim: &Claim,
    hour: Hour,
    bills: &[Standing],
) -> Result<(), Trouble> {
    #[derive(Serialize)]
    struct Row<'a> {
        hour: String,
        account: &'a str,
        bill: String,
        use_after: String,
        total: String,
        currency: String,
    }
    let rows = bills.iter().map(|Standing { bill, basis }| Row {
        hour: hour.to_string(),
        account: &bill.account,
        bill: bill.to_json(),
        use_after: basis.to_json(),
        total: bill.total.amount.to_string(),
        currency: bill.total.currency.to_string(),
    });
    put(store, claim, &BILLS, Some(hour), rows.collect::<Vec<_>>()).await
}

/// Closes hours: the last step of each.
pub(crate) async fn put_closings(
    store: &Store,
    claim: &Claim,
    proofs: Vec<(Hour, String)>,
) -> Result<(), Trouble> {
    #[derive(Serialize)]
    struct Row {
        hour: String,
        proof: String,
    }
    let rows = proofs.into_iter().map(|(hour, proof)| Row { hour: hour.to_string(), proof });
    put(store, claim, &CLOSINGS, None, rows.collect()).await
}

/// Keeps price books for ever, so that old hours can be rated again.
pub(crate) async fn put_books(store: &Store, claim: &Claim, books: &[Book]) -> Result<(), Trouble> {
    #[derive(Serialize)]
    struct Row<'b> {
        sha256: &'b str,
        id: &'b str,
        text: &'b str,
    }
    let rows =
        books.iter().map(|book| Row { sha256: &book.sha256, id: &book.id, text: &book.text });
    put(store, claim, &PRICE_BOOKS, None, rows.collect()).await
}

/// The hour `hours` before, not before 1970: what the tables can hold.
pub(crate) fn before(hour: Hour, hours: i64) -> Hour {
    Hour(hour.0.saturating_sub(hours).max(0))
}

fn seconds(hour: Hour) -> i64 {
    hour.start().0 / 1000
}

fn unreadable(account: &str, source: Box<dyn std::error::Error + Send + Sync>) -> CloseError {
    CloseError::Bill { account: account.to_owned(), source }
}
