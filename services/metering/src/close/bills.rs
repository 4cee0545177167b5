//! The bills of a cut, and the price books that they need.

use std::collections::{BTreeMap, BTreeSet};

use pricing::{HourUsage, State};
use record::Hour;
use store::Store;

use super::account::{Account, Books, Late, Standing};
use super::closer::Closer;
use super::cut::{Cut, Release, Terms};
use super::error::CloseError;
use super::proof::{Figures, Held, ProofError, measure, measure_whole};
use super::stored::{self, MONTH_HOURS, before};
use super::usage::{self, Usages, frozen_usage, late_usage, whole_usage};

/// What the cut of an hour comes to.
pub(crate) struct Made {
    pub(crate) bills: Vec<Standing>,
    pub(crate) held: Vec<Held>,
    pub(crate) figures: Figures,
}

/// What an hour is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CountFrom {
    /// The sums that stand with the rows, where they are sums of the cut's rows alone.
    Sums,
    /// Each row: for those who want to know whether it still says the same.
    Rows,
}

/// Counts the rows of a cut.
async fn count(store: &Store, cut: &Cut, from: CountFrom) -> Result<(Usages, Figures), CloseError> {
    if from == CountFrom::Sums
        && let Some((figures, rows)) = measure_whole(store, cut).await?
    {
        let (own, counted) = whole_usage(store, cut.hour).await?;
        // No row came between the two.
        if counted == rows {
            return Ok((own, figures));
        }
    }
    let own = match cut.streams.is_empty() {
        true => Usages::new(),
        false => frozen_usage(store, cut.hour).await?,
    };
    Ok((own, measure(store, cut).await?))
}

/// Rates the hour of a cut. Nothing is written.
pub(crate) async fn bills(
    store: &Store,
    books: &Books,
    cut: &Cut,
    from: CountFrom,
) -> Result<Made, CloseError> {
    let hour = cut.hour;
    let (own, figures) = count(store, cut, from).await?;
    figures.check(cut).map_err(|source| CloseError::Proof { hour, source })?;
    let mut accounts: BTreeMap<String, Uses> = BTreeMap::new();
    for (account, usage) in own {
        accounts.entry(account).or_default().own = usage;
    }
    for &of in cut.late.keys() {
        for (account, usage) in late_usage(store, hour, of).await? {
            let uses = accounts.entry(account).or_default();
            if of == hour {
                // Strays.
                usage::add(&mut uses.own, &usage);
            } else {
                uses.late.push(Late { cut: hour, of, usage, book: None });
            }
        }
    }
    check_sums(&accounts, &figures).map_err(|source| CloseError::Proof { hour, source })?;
    add_released(store, cut, &mut accounts).await?;
    let names: BTreeSet<&str> = accounts.keys().map(String::as_str).collect();
    let newest = match names.is_empty() {
        true => BTreeMap::new(),
        false => stored::newest(store, hour, &names).await?,
    };
    let (mut bills, mut held) = (Vec::new(), Vec::new());
    for (account, uses) in &mut accounts {
        uses.late.sort_by_key(|late| (late.of, late.cut));
        let standing = match uses.late.first() {
            Some(first) => {
                stored::standing(store, before(first.of, MONTH_HOURS), hour, account).await?
            }
            None => Vec::new(),
        };
        let terms = cut.terms.get(account).cloned().unwrap_or_else(Terms::default);
        let outcome = Account {
            account,
            hour,
            state: State::Closed,
            terms: &terms,
            own: &uses.own,
            late: &uses.late,
            newest: newest.get(account),
            standing: &standing,
            books,
        }
        .bill();
        bills.extend(outcome.standing);
        held.extend(outcome.held.into_iter().map(|(cut, of, hold)| {
            let reason = crate::owner::chain(&hold);
            tracing::warn!(account, %hour, %of, reason, "use is held back from a bill");
            Held { account: account.clone(), cut: cut.to_string(), hour: of.to_string(), reason }
        }));
    }
    Ok(Made { bills, held, figures })
}

/// What is to be billed to one account.
#[derive(Default)]
struct Uses {
    own: HourUsage,
    late: Vec<Late>,
}

/// Held use of earlier cuts, as its releases want it billed.
async fn add_released(
    store: &Store,
    cut: &Cut,
    accounts: &mut BTreeMap<String, Uses>,
) -> Result<(), CloseError> {
    for released in &cut.released {
        let Release::Rate { book, regions } = &released.how else { continue };
        let frozen = cut_usage(store, released.cut, released.of, &released.account).await?;
        let Some(frozen) = frozen else { continue };
        let usage = in_regions(frozen, regions);
        let (cut, of, book) = (released.cut, released.of, book.clone());
        let uses = accounts.entry(released.account.clone()).or_default();
        uses.late.push(Late { cut, of, usage, book });
    }
    Ok(())
}

/// Use of one account in `of`, as the cut of `cut` froze it.
async fn cut_usage(
    store: &Store,
    cut: Hour,
    of: Hour,
    account: &str,
) -> Result<Option<HourUsage>, CloseError> {
    let mut usage = late_usage(store, cut, of).await?.remove(account);
    if of == cut
        && let Some(own) = frozen_usage(store, cut).await?.remove(account)
    {
        usage::add(usage.get_or_insert_default(), &own);
    }
    Ok(usage)
}

/// Use with its regions renamed.
fn in_regions(usage: HourUsage, regions: &BTreeMap<String, String>) -> HourUsage {
    let mut renamed = HourUsage { calls: usage.calls, ..HourUsage::default() };
    for (mut key, bytes) in usage.traffic {
        if let Some(region) = regions.get(&key.region) {
            key.region.clone_from(region);
        }
        let one = HourUsage { traffic: [(key, bytes)].into(), ..HourUsage::default() };
        usage::add(&mut renamed, &one);
    }
    renamed
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
fn check_sums(accounts: &BTreeMap<String, Uses>, figures: &Figures) -> Result<(), ProofError> {
    let uses = || {
        let late =
            |uses: &Uses| uses.late.iter().map(|late| late.usage.clone()).collect::<Vec<_>>();
        accounts.values().flat_map(move |uses| [vec![uses.own.clone()], late(uses)].concat())
    };
    let billed = uses().flat_map(|usage| usage.calls.into_values()).map(u128::from).sum();
    if billed != figures.calls() {
        return Err(ProofError::Sum { what: "calls", billed, counted: figures.calls() });
    }
    let billed = uses().flat_map(|usage| usage.traffic.into_values()).sum();
    if billed != figures.bytes() {
        return Err(ProofError::Sum { what: "bytes", billed, counted: figures.bytes() });
    }
    Ok(())
}
