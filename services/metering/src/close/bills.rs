//! The bills of a cut, and the price books that they need.

use std::collections::{BTreeMap, BTreeSet};

use pricing::{HourUsage, State};
use record::Hour;
use store::Store;

use super::account::{Account, Books, Hold, Standing};
use super::closer::Closer;
use super::cut::{Cut, Terms};
use super::error::CloseError;
use super::proof::{Figures, Held, ProofError, measure};
use super::stored::{self, MONTH_HOURS, before};
use super::usage::{Usages, frozen_usage};

/// What the cut of an hour comes to.
pub(crate) struct Made {
    pub(crate) bills: Vec<Standing>,
    pub(crate) held: Vec<Held>,
    pub(crate) figures: Figures,
}

/// Rates the hour of a cut. Nothing is written.
pub(crate) async fn bills(store: &Store, books: &Books, cut: &Cut) -> Result<Made, CloseError> {
    let hour = cut.hour;
    let own = match cut.streams.is_empty() {
        true => Usages::new(),
        false => frozen_usage(store, hour, hour).await?,
    };
    let figures = measure(store, cut).await?;
    figures.check(cut).map_err(|source| CloseError::Proof { hour, source })?;
    check_sums(&own, &figures).map_err(|source| CloseError::Proof { hour, source })?;

    let mut accounts: BTreeMap<String, BTreeMap<Hour, HourUsage>> = BTreeMap::new();
    let mut add = |hour: Hour, usages: Usages| {
        for (account, usage) in usages {
            accounts.entry(account).or_default().insert(hour, usage);
        }
    };
    add(hour, own);
    for &late in cut.late.keys() {
        add(late, frozen_usage(store, hour, late).await?);
    }
    let names: BTreeSet<&str> = accounts.keys().map(String::as_str).collect();
    let newest = match names.is_empty() {
        true => BTreeMap::new(),
        false => stored::newest(store, hour, &names).await?,
    };
    let (mut bills, mut held) = (Vec::new(), Vec::new());
    for (account, usage) in &accounts {
        let standing = match usage.keys().next() {
            Some(&first) if first < hour => {
                stored::standing(store, before(first, MONTH_HOURS), hour, account).await?
            }
            _ => Vec::new(),
        };
        let terms = cut.terms.get(account).cloned().unwrap_or_else(Terms::default);
        let made = Account {
            account,
            hour,
            state: State::Closed,
            terms: &terms,
            usage,
            newest: newest.get(account),
            standing: &standing,
            books,
        }
        .bill();
        match made {
            Ok(bill) => bills.push(bill),
            Err(hold) => held.push(hold_back(account, hour, &hold)),
        }
    }
    Ok(Made { bills, held, figures })
}

impl Closer {
    /// Puts the configured price books where they are kept for ever.
    pub(super) async fn register_books(&mut self) -> Result<(), CloseError> {
        let store = &self.owner.store;
        self.books = stored::books(store).await?;
        let Some(prices) = self.prices.clone() else { return Ok(()) };
        let new = prices.books().filter(|book| !self.books.contains_key(&book.sha256));
        let new: Vec<_> = new.cloned().collect();
        if let Some(cut) = stored::last_cut(store).await? {
            let late = new.iter().find(|book| book.effective_from <= cut);
            if let Some(book) = late {
                let (id, effective_from) = (book.id.clone(), book.effective_from);
                return Err(CloseError::LateBook { id, effective_from, cut });
            }
        }
        stored::put_books(store, &self.claim, &new).await?;
        self.books.extend(new.into_iter().map(|book| (book.sha256.clone(), book)));
        Ok(())
    }

    /// A cut that another program made may name books that this one was not started with.
    pub(super) async fn load_books(&mut self, cut: &Cut) -> Result<(), CloseError> {
        if cut.books.iter().any(|book| !self.books.contains_key(&book.sha256)) {
            self.books = stored::books(&self.owner.store).await?;
        }
        Ok(())
    }
}

/// BILL-3: what is billed is what was counted, by two different queries.
fn check_sums(usages: &Usages, figures: &Figures) -> Result<(), ProofError> {
    let calls = usages.values().flat_map(|usage| usage.calls.values());
    let billed = calls.map(|&calls| u128::from(calls)).sum();
    if billed != figures.calls() {
        return Err(ProofError::Sum { what: "calls", billed, counted: figures.calls() });
    }
    let billed = usages.values().flat_map(|usage| usage.traffic.values()).sum();
    if billed != figures.bytes() {
        return Err(ProofError::Sum { what: "bytes", billed, counted: figures.bytes() });
    }
    Ok(())
}

pub(crate) fn hold_back(account: &str, hour: Hour, hold: &Hold) -> Held {
    let reason = crate::owner::chain(hold);
    tracing::warn!(account, %hour, reason, "a bill is held back");
    Held { account: account.to_owned(), reason }
}
