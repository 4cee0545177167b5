//! Section `prices:` of tollgate.yaml: which book holds for whom, and where each month began.

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

#[derive(Debug, Clone, Default)]
struct Account {
    book: Option<String>,
    since: Option<Month>,
    opening: BTreeMap<Month, MonthUse>,
}

impl Prices {
    /// Reads the section and the books that it names; `load` gives the text of a file. All
    /// mistakes, those in the books too, go to `sink`, which must be the one of `value`.
    pub fn read(
        _value: &Value<'_>,
        _sink: &Sink,
        _load: &dyn Fn(&Path) -> io::Result<String>,
    ) -> Option<Self> {
        None
    }

    /// The version of the account's book that prices this hour; none before the first one.
    pub fn book_at(&self, account: &str, hour: Hour) -> Option<&Book> {
        let named = self.accounts.get(account).and_then(|account| account.book.as_ref());
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
