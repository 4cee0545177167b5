//! Hours seen without being closed: what a closed one would be now, and what an open one is so far.
//!
//! Nothing is written and nothing is claimed.

use std::collections::{BTreeMap, BTreeSet};

use pricing::{Bill, MonthUse, Prices, State};
use record::{Hour, Time};
use serde::Deserialize;
use store::{Limits, Sql, Store};

use super::account::{Account, Books};
use super::bills::{CountFrom, bills};
use super::error::CloseError;
use super::look::{first_hour, hour_of};
use super::proof::Held;
use super::stored;
use super::terms::of_accounts;
use super::usage::{Usages, stored_usage};

/// Hours that are not closed and have records. More than a month of them is an outage that is
/// mended by closing, not by looking.
const OPEN_HOURS_MAX: u64 = 1_000;

const OPEN_HOURS_SQL: &str = "\
SELECT DISTINCT toUnixTimestamp(hour) AS hour_s
FROM records
WHERE time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
ORDER BY hour_s";

/// An hour, computed again or in advance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryRun {
    /// The hour.
    pub hour: Hour,
    /// How final it is.
    pub state: State,
    /// By account.
    pub bills: Vec<DryBill>,
    /// Accounts whose bill can not be made.
    pub held: Vec<Held>,
}

/// A bill of a dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryBill {
    /// The account.
    pub account: String,
    /// What it comes to now, canonical JSON; none when the account would get no bill.
    pub bill: Option<String>,
    /// What stands, canonical JSON; none when no bill stands.
    pub stored: Option<String>,
}

/// The bills of hours that are not closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Provisional {
    /// By hour and account, marked `open` or `provisional`.
    pub bills: Vec<Bill>,
    /// Bills that can not be made.
    pub held: Vec<Held>,
}

#[derive(Deserialize)]
struct HourRow {
    hour_s: i64,
}

// === impl DryRun ===

impl DryRun {
    /// BILL-1: whether what stands is, byte for byte, what it comes to now. None while the hour is
    /// not closed.
    pub fn same(&self) -> Option<bool> {
        let same = self.bills.iter().all(|bill| bill.bill == bill.stored);
        (self.state == State::Closed).then_some(same)
    }
}

/// Computes the bills of an hour: of a closed one again, from its cut; of another one from what is
/// stored now.
///
/// # Errors
/// [`CloseError::Proof`] when the rows are not those that the cut froze: dropped by retention, or
/// altered.
pub async fn dry_run(
    store: &Store,
    prices: Option<&Prices>,
    hour: Hour,
    now: Time,
) -> Result<DryRun, CloseError> {
    let cuts = stored::cuts(store, hour, hour).await?;
    let Some(standing) = cuts.get(&hour) else {
        let open = provisional(store, prices, None, now).await?;
        let bills = open.bills.iter().filter(|bill| bill.hour == hour).map(|bill| DryBill {
            account: bill.account.clone(),
            bill: Some(bill.to_json()),
            stored: None,
        });
        let state = state_at(hour, now);
        return Ok(DryRun { hour, state, bills: bills.collect(), held: open.held });
    };
    let books = stored::books(store).await?;
    let made = bills(store, &books, standing, CountFrom::Rows).await?;
    let mut found: BTreeMap<String, DryBill> = BTreeMap::new();
    for standing in &made.bills {
        let account = standing.bill.account.clone();
        let bill = Some(standing.bill.to_json());
        found.insert(account.clone(), DryBill { account, bill, stored: None });
    }
    for row in stored::bill_rows(store, hour, hour.next(), None).await? {
        let entry = found.entry(row.account.clone()).or_insert_with(|| DryBill {
            account: row.account.clone(),
            bill: None,
            stored: None,
        });
        entry.stored = Some(row.bill);
    }
    let closed = stored::last_closed(store).await?.is_some_and(|closed| closed >= hour);
    let state = if closed { State::Closed } else { State::Provisional };
    Ok(DryRun { hour, state, bills: found.into_values().collect(), held: made.held })
}

/// The hours that are not closed, rated from what is stored now: of one account, or of all.
/// Late records of closed hours are not in it.
///
/// # Errors
/// [`CloseError`]
pub async fn provisional(
    store: &Store,
    prices: Option<&Prices>,
    account: Option<&str>,
    now: Time,
) -> Result<Provisional, CloseError> {
    let closed = stored::last_closed(store).await?;
    let first = match closed {
        Some(closed) => Some(closed.next()),
        None => first_hour(store).await?,
    };
    let mut view = Provisional::default();
    let Some(first) = first else { return Ok(view) };
    let books: Books = prices
        .into_iter()
        .flat_map(Prices::books)
        .map(|book| (book.sha256.clone(), book.clone()))
        .collect();
    let sql = Sql::new(OPEN_HOURS_SQL)
        .limits(Limits { rows: OPEN_HOURS_MAX, ..Limits::default() })
        .param("from", first.start().0);
    let mut uses: BTreeMap<String, MonthUse> = BTreeMap::new();
    for HourRow { hour_s } in store.query(&sql).await? {
        let hour = hour_of(hour_s);
        let usages = stored_usage(store, hour, account).await?;
        let unknown: BTreeSet<&str> = usages.keys().map(String::as_str).collect();
        let unknown: BTreeSet<&str> =
            unknown.into_iter().filter(|account| !uses.contains_key(*account)).collect();
        if !unknown.is_empty() {
            uses.extend(stored::newest(store, first, &unknown).await?);
        }
        rate_open(hour, usages, prices, &books, now, &mut uses, &mut view);
    }
    Ok(view)
}

fn rate_open(
    hour: Hour,
    usages: Usages,
    prices: Option<&Prices>,
    books: &Books,
    now: Time,
    uses: &mut BTreeMap<String, MonthUse>,
    view: &mut Provisional,
) {
    for (account, usage) in usages {
        let hours = BTreeMap::from([(account.clone(), BTreeSet::from([hour]))]);
        let (terms, _) = of_accounts(&hours, prices);
        let outcome = Account {
            account: &account,
            hour,
            state: state_at(hour, now),
            terms: &terms[&account],
            own: &usage,
            late: &[],
            newest: uses.get(&account),
            standing: &[],
            books,
        }
        .bill();
        view.held.extend(outcome.held.into_iter().map(|(cut, of, hold)| {
            let (account, reason) = (account.clone(), crate::owner::chain(&hold));
            Held { account, cut: cut.to_string(), hour: of.to_string(), reason }
        }));
        if let Some(standing) = outcome.standing {
            uses.insert(account, standing.basis.after);
            view.bills.push(standing.bill);
        }
    }
}

fn state_at(hour: Hour, now: Time) -> State {
    if now < hour.end() { State::Open } else { State::Provisional }
}
