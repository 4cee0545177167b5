//! Section `prices:` of tollgate.yaml: which book holds for whom, and where each month began.
//!
//! ```yaml
//! prices:
//!   books: [bundled:published, books/ours.yaml]   # files, or books that come with Tollgate
//!   default_book: published-usd                   # of accounts that name none
//!   accounts:
//!     - id: acme
//!       book: ours
//!       since: 2026-03                            # its first month, for the free tier
//!       opening_use:                              # what was used before Tollgate counted
//!         - month: 2026-11
//!           calls: 9_999_000                      # beyond the free tier
//!           traffic: [{region: ap-tokyo, gb: 12.5}]
//!           free_calls: 1_000_000                 # of the free tier; by default all of it
//!           free_traffic_gb: 1                    # where the item has opening use, else nothing
//! ```
//!
//! - All versions of one book have the same zone; another currency begins with a month.
//! - A version prices from its `effective_from` to that of the next one.

mod accounts;
mod read;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use record::Hour;
use settings::{Sink, Value};

use crate::book::Book;
use crate::month::Month;
use crate::usage::MonthUse;

/// All price books, and what is said of accounts.
#[derive(Debug, Clone)]
pub struct Prices {
    /// By id; the versions of each by `effective_from`, ascending.
    books: BTreeMap<String, Vec<Book>>,
    /// The book of accounts that name none.
    default_book: String,
    accounts: BTreeMap<String, Account>,
}

/// What is said of one account.
#[derive(Debug, Clone)]
struct Account {
    /// The id of its book.
    book: String,
    /// Its first month, for the free tier.
    since: Option<Month>,
    /// Where months begin that do not begin at nothing.
    opening: BTreeMap<Month, MonthUse>,
}

// === impl Prices ===

impl Prices {
    /// Reads the section and the books that it names; `load` gives the text of a file. All
    /// mistakes, those in the books too, go to `sink`, which must be the one of `value`. What
    /// comes out is whole only when the sink is empty: ask [`Sink::finish`].
    pub fn read(
        value: &Value<'_>,
        sink: &Sink,
        load: &dyn Fn(&Path) -> io::Result<String>,
    ) -> Option<Self> {
        read::prices(value, sink, load)
    }

    /// The version of the account's book that prices this hour; none before the first one.
    pub fn book_at(&self, account: &str, hour: Hour) -> Option<&Book> {
        let named = self.accounts.get(account).map(|account| &account.book);
        let versions = self.books.get(named.unwrap_or(&self.default_book))?;
        versions.iter().rev().find(|book| book.effective_from <= hour)
    }

    /// Where a month begins for an account: its opening use, or nothing used.
    pub fn opening(&self, account: &str, month: Month) -> MonthUse {
        let Some(account) = self.accounts.get(account) else {
            return MonthUse::new(month, None);
        };
        let opening = account.opening.get(&month).cloned();
        opening.unwrap_or_else(|| MonthUse::new(month, account.since))
    }

    /// Where an hour of an account begins: after `last`, its latest use, when that is of the
    /// same month, else at the month's opening. None when no book prices the hour.
    pub fn use_before(
        &self,
        account: &str,
        hour: Hour,
        last: Option<MonthUse>,
    ) -> Option<MonthUse> {
        let month = self.book_at(account, hour)?.zone.month_of(hour)?;
        let last = last.filter(|last| last.month == month);
        Some(last.unwrap_or_else(|| self.opening(account, month)))
    }

    /// All versions of all books, by id and `effective_from`.
    pub fn books(&self) -> impl Iterator<Item = &Book> {
        self.books.values().flatten()
    }
}
