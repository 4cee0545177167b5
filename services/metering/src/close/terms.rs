//! The terms of a cut: which price book holds for each account, and where its months begin.
//!
//! They are frozen, so that a change of the configuration changes no hour that is cut.

use std::collections::{BTreeMap, BTreeSet};

use pricing::{Month, Prices};
use record::Hour;
use serde::Deserialize;
use store::{Limits, QueryError, Sql, Store};

use super::cut::{BookName, Cut, Terms};
use super::frozen;
use super::look::hour_of;

/// Accounts × hours.
const LIMITS: Limits = Limits {
    rows: 1_000_000,
    bytes: 256 << 20,
    time: std::time::Duration::from_secs(300),
    threads: 0,
};

#[derive(Deserialize)]
struct Row {
    hour_s: i64,
    account: String,
}

/// The terms of all accounts with a record in the hours of a cut, or with released use, and the
/// books that they name.
pub(crate) async fn terms(
    store: &Store,
    cut: &Cut,
    prices: Option<&Prices>,
) -> Result<(BTreeMap<String, Terms>, Vec<BookName>), QueryError> {
    let sql = accounts_sql(&cut.hours());
    let rows: Vec<Row> = store.query(&Sql::new(sql).limits(LIMITS)).await?;
    let mut accounts: BTreeMap<String, BTreeSet<Hour>> = BTreeMap::new();
    for Row { hour_s, account } in rows {
        accounts.entry(account).or_default().insert(hour_of(hour_s));
    }
    for released in &cut.released {
        accounts.entry(released.account.clone()).or_default().insert(released.of);
    }
    // A bill with corrections alone needs the book of its own hour too.
    for hours in accounts.values_mut() {
        hours.insert(cut.hour);
    }
    Ok(of_accounts(&accounts, prices))
}

/// The terms of accounts with use in these hours.
pub(crate) fn of_accounts(
    accounts: &BTreeMap<String, BTreeSet<Hour>>,
    prices: Option<&Prices>,
) -> (BTreeMap<String, Terms>, Vec<BookName>) {
    let (mut found, mut names) = (BTreeMap::new(), BTreeSet::new());
    for (account, hours) in accounts {
        let mut terms = Terms::default();
        let mut months: BTreeSet<Month> = BTreeSet::new();
        for &hour in hours {
            let book = prices.and_then(|prices| prices.book_at(account, hour));
            terms.books.insert(hour, book.map(|book| book.sha256.clone()));
            let Some(book) = book else { continue };
            names.insert(BookName { id: book.id.clone(), sha256: book.sha256.clone() });
            months.extend(book.zone.month_of(hour));
        }
        let openings = months.into_iter();
        terms.openings =
            openings.filter_map(|month| Some(prices?.opening(account, month))).collect();
        found.insert(account.clone(), terms);
    }
    (found, names.into_iter().collect())
}

/// Answered from the sums that stand with the rows (`by_account`).
fn accounts_sql(hours: &[Hour]) -> String {
    format!(
        "\
SELECT
    toUnixTimestamp(toStartOfHour(time)) AS hour_s,
    account
FROM records
WHERE {}
GROUP BY toStartOfHour(time), account",
        frozen::among(hours)
    )
}
