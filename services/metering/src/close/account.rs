//! The bill of one account and hour: pure, from the cut's terms, counted use, and bills that stand.
//!
//! - The hour begins where the account's newest bill of the month left it, else at the opening.
//! - Late use makes corrections (BILL-2): the months that it lies in are rated again from their
//!   openings with everything known now, less what was billed. Use of closed hours is taken from
//!   their bills, so corrections do not need rows that retention has dropped.
//! - What can not be rated is held back: the use of that hour, and nothing else. A person releases
//!   it, and it is billed then as what comes late is.

use std::collections::BTreeMap;

use pricing::{
    Bill, BillError, Book, CorrectError, Corrected, HourUsage, KnownHour, Month, MonthUse,
    RateError, State, billed_for, correct, rate,
};
use record::Hour;

use super::cut::Terms;
use super::usage::add;

mod wire;

/// Price books by SHA-256.
pub(crate) type Books = BTreeMap<String, Book>;

/// A bill that stands, with what it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) bill: Bill,
    pub(crate) basis: Basis,
}

/// What a bill was made from, besides the use of its hour. Stored beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Basis {
    /// SHA-256 of the price book of its hour.
    pub(crate) book: String,
    /// Where the month stood before.
    pub(crate) before: MonthUse,
    /// Where the month stands after it.
    pub(crate) after: MonthUse,
    /// What came late for earlier hours and is corrected here.
    pub(crate) late: Vec<LateUse>,
}

/// Late use of an earlier hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LateUse {
    pub(crate) hour: Hour,
    /// SHA-256 of the price book of that hour.
    pub(crate) book: String,
    pub(crate) usage: HourUsage,
}

/// Everything that one bill is made from.
pub(crate) struct Account<'a> {
    pub(crate) account: &'a str,
    pub(crate) hour: Hour,
    pub(crate) state: State,
    pub(crate) terms: &'a Terms,
    /// The use of the hour.
    pub(crate) own: &'a HourUsage,
    /// What is known of earlier hours only now, in the order of the hours.
    pub(crate) late: &'a [Late],
    /// Where the newest bill before this hour left its month.
    pub(crate) newest: Option<&'a MonthUse>,
    /// With late use: all bills before this hour, ascending, since the beginning of the months
    /// that it lies in.
    pub(crate) standing: &'a [Standing],
    pub(crate) books: &'a Books,
}

/// Use of an earlier hour: it came late, or was held back and is released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Late {
    /// Whose cut froze it.
    pub(crate) cut: Hour,
    /// The hour of the use.
    pub(crate) of: Hour,
    pub(crate) usage: HourUsage,
    /// The price book that a release names, by its SHA-256.
    pub(crate) book: Option<String>,
}

/// What can be billed, and what is held back.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// None when all is held back.
    pub(crate) standing: Option<Standing>,
    /// Use that can not be rated: the cut that froze it, its hour, and why.
    pub(crate) held: Vec<(Hour, Hour, Hold)>,
}

/// Why use is held back.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Hold {
    /// No price book was in force.
    #[error("no price book is in force in {0}")]
    NoBook(Hour),
    /// The price book of the cut is not there any more.
    #[error("price book {0} is not among the stored ones")]
    LostBook(String),
    /// The hour is outside of all calendars.
    #[error("{0} belongs to no month")]
    NoMonth(Hour),
    /// The use can not be rated.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// What came late can not be corrected.
    #[error(transparent)]
    Correct(#[from] CorrectError),
    /// The lines make no bill.
    #[error(transparent)]
    Bill(#[from] BillError),
}

// === impl Account ===

impl Account<'_> {
    /// Makes the bill from all that can be rated.
    pub(crate) fn bill(&self) -> Outcome {
        let mut held = Vec::new();
        let made = self.make(&mut held);
        match made {
            Ok(standing) => Outcome { standing, held },
            Err(hold) => {
                // Without a bill there is no place for corrections either.
                let late = self.late.iter().map(|late| (late.cut, late.of));
                let own = (!self.own.is_empty()).then_some((self.hour, self.hour));
                let all = late.chain(own).map(|(cut, of)| (cut, of, hold.clone()));
                Outcome { standing: None, held: all.collect() }
            }
        }
    }

    fn make(&self, held: &mut Vec<(Hour, Hour, Hold)>) -> Result<Option<Standing>, Hold> {
        let book = self.book(self.hour)?;
        let month = month_of(book, self.hour)?;
        let (mut late, mut corrections, mut corrected_here) = (Vec::new(), Vec::new(), None);
        for (late_month, candidates) in self.late_by_month(held) {
            let (accepted, corrected) = self.accept(late_month, candidates, held);
            let Some(corrected) = corrected else { continue };
            if late_month == month {
                corrected_here = Some(corrected.after.clone());
            }
            late.extend(accepted);
            corrections.push(corrected);
        }
        late.sort_by_key(|late| late.hour);
        let newest = self.newest.filter(|after| after.month == month);
        let before = corrected_here.or_else(|| newest.cloned());
        let before = before.unwrap_or_else(|| self.opening(month));
        let nothing = HourUsage::default();
        let (usage, rated) = match rate(book, &before, self.own) {
            Ok(rated) => (self.own, rated),
            Err(error) => {
                held.push((self.hour, self.hour, error.into()));
                (&nothing, rate(book, &before, &nothing)?)
            }
        };
        if usage.is_empty() && late.is_empty() {
            return Ok(None);
        }
        let bill = Bill::new(self.account, self.hour, self.state, usage, &rated, &corrections)?;
        let basis = Basis { book: book.sha256.clone(), before, after: rated.after, late };
        Ok(Some(Standing { bill, basis }))
    }

    /// What is late, by the month that it lies in.
    fn late_by_month(&self, held: &mut Vec<(Hour, Hour, Hold)>) -> BTreeMap<Month, Vec<&Late>> {
        let mut months: BTreeMap<Month, Vec<&Late>> = BTreeMap::new();
        for late in self.late {
            match self.late_book(late).and_then(|book| month_of(book, late.of)) {
                Ok(month) => months.entry(month).or_default().push(late),
                Err(hold) => held.push((late.cut, late.of, hold)),
            }
        }
        months
    }

    /// As much of the late use of a month as can be rated: all of it, or what does not stand in
    /// the way. One bad record must not keep back the others' corrections.
    fn accept(
        &self,
        month: Month,
        candidates: Vec<&Late>,
        held: &mut Vec<(Hour, Hour, Hold)>,
    ) -> (Vec<LateUse>, Option<Corrected>) {
        let all: Result<Vec<LateUse>, Hold> =
            candidates.iter().map(|late| self.late_use(late)).collect();
        if let Ok(all) = all
            && let Ok(corrected) = self.correct(month, &all)
        {
            return (all, Some(corrected));
        }
        let (mut accepted, mut standing) = (Vec::new(), None);
        for late in candidates {
            let tried = self.late_use(late).and_then(|use_of| {
                let mut with: Vec<LateUse> = accepted.clone();
                with.push(use_of);
                Ok((self.correct(month, &with)?, with))
            });
            match tried {
                Ok((corrected, with)) => (accepted, standing) = (with, Some(corrected)),
                Err(hold) => held.push((late.cut, late.of, hold)),
            }
        }
        (accepted, standing)
    }

    fn late_use(&self, late: &Late) -> Result<LateUse, Hold> {
        let book = self.late_book(late)?.sha256.clone();
        Ok(LateUse { hour: late.of, book, usage: late.usage.clone() })
    }

    /// An hour that was billed keeps its book; only others take the one of the release, or of the
    /// terms.
    fn late_book(&self, late: &Late) -> Result<&Book, Hold> {
        match self.known_book(late.of).or(late.book.as_deref()) {
            Some(sha256) => self.stored_book(sha256),
            None => self.book(late.of),
        }
    }

    /// The hours of a month with everything known now, less what was billed.
    fn correct(&self, month: Month, late: &[LateUse]) -> Result<Corrected, Hold> {
        let mut known: BTreeMap<Hour, (&str, HourUsage)> = BTreeMap::new();
        let earlier = self.standing.iter().flat_map(|standing| &standing.basis.late);
        for standing in self.standing {
            let Standing { bill, basis } = standing;
            known.insert(bill.hour, (&basis.book, bill.usage.clone()));
        }
        for LateUse { hour, book, usage } in earlier.chain(late) {
            let entry = known.entry(*hour).or_insert_with(|| (book, HourUsage::default()));
            add(&mut entry.1, usage);
        }
        let mut hours = Vec::new();
        for (hour, (sha256, usage)) in known {
            let book = self.stored_book(sha256)?;
            if month_of(book, hour)? != month || usage.is_empty() {
                continue;
            }
            let billed = billed_for(hour, self.standing.iter().map(|standing| &standing.bill));
            hours.push(KnownHour { hour, book, usage, billed });
        }
        Ok(correct(&self.opening(month), &hours)?)
    }

    /// Where a month begins: what its first bill began with, else what the cut says.
    fn opening(&self, month: Month) -> MonthUse {
        let befores = self.standing.iter().map(|standing| &standing.basis.before);
        let mut openings = befores.chain(&self.terms.openings);
        let found = openings.find(|before| before.month == month);
        found.cloned().unwrap_or_else(|| MonthUse::new(month, None))
    }

    /// The book that a closed hour was billed or corrected with.
    fn known_book(&self, hour: Hour) -> Option<&str> {
        let own = self.standing.iter().find(|standing| standing.bill.hour == hour);
        let late = || {
            let mut late = self.standing.iter().flat_map(|standing| &standing.basis.late);
            late.find(|late| late.hour == hour).map(|late| late.book.as_str())
        };
        own.map(|standing| standing.basis.book.as_str()).or_else(late)
    }

    /// The book that the cut says.
    fn book(&self, hour: Hour) -> Result<&Book, Hold> {
        let sha256 = self.terms.books.get(&hour).and_then(Option::as_ref);
        self.stored_book(sha256.ok_or(Hold::NoBook(hour))?)
    }

    fn stored_book(&self, sha256: &str) -> Result<&Book, Hold> {
        self.books.get(sha256).ok_or_else(|| Hold::LostBook(sha256.to_owned()))
    }
}

// === impl Basis ===

impl Basis {
    /// The canonical text.
    pub(crate) fn to_json(&self) -> String {
        wire::write(self)
    }

    /// Reads what [`Basis::to_json`] wrote.
    pub(crate) fn from_json(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        wire::read(text)
    }
}

fn month_of(book: &Book, hour: Hour) -> Result<Month, Hold> {
    book.zone.month_of(hour).ok_or(Hold::NoMonth(hour))
}

#[cfg(test)]
mod tests;
