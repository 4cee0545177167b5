//! A bill that stands, beside what its records come to.
//!
//! The use is rated from where the bill says that the month stood; lines, total and exact use are
//! compared. Corrections on the bill are left out: they rest on records of other hours.

use std::collections::BTreeSet;

use pricing::{HourUsage, Line, Money, rate};

use super::standing::{Billed, Standing};

/// One account of the hour.
pub(crate) struct Account {
    pub(crate) account: String,
    /// What the bill's lines for the hour itself come to; none without a bill.
    pub(crate) billed: Option<Money>,
    /// Lines of the bill that correct earlier hours; they are not compared.
    pub(crate) corrections: usize,
    /// From the records in ClickHouse; none when they are gone.
    pub(crate) stored: Option<Side>,
    /// From those in Kafka; none when they were not counted.
    pub(crate) shipped: Option<Side>,
}

/// What some records come to.
pub(crate) struct Side {
    /// None when it can not be rated.
    pub(crate) total: Option<Money>,
    /// Whether it is what was billed; none when it was held back and is not billed yet.
    pub(crate) equal: Option<bool>,
    /// What differs, in words; or why it is not compared.
    pub(crate) notes: Vec<String>,
}

/// Compares one account.
pub(crate) fn account(
    name: &str,
    standing: &Standing,
    stored: Option<HourUsage>,
    shipped: Option<HourUsage>,
) -> Account {
    let billed = standing.bills.get(name);
    let held = standing.held.contains(name);
    let side = |usage: HourUsage| side(billed, held, &usage);
    Account {
        account: name.to_owned(),
        billed: billed.map(Billed::own_total),
        corrections: billed.map_or(0, |billed| billed.bill.lines.len() - billed.own().count()),
        stored: stored.map(side),
        shipped: shipped.map(side),
    }
}

fn side(billed: Option<&Billed>, held: bool, usage: &HourUsage) -> Side {
    let counted = billed.is_some_and(|billed| !billed.bill.usage.is_empty());
    if held && !counted {
        let note = "its use was held back: there is no bill for it in this hour".to_owned();
        return Side { total: None, equal: None, notes: vec![note] };
    }
    let nothing = HourUsage::default();
    let mut notes = figures(billed.map_or(&nothing, |billed| &billed.bill.usage), usage);
    let Some(billed) = billed else {
        if !usage.is_empty() {
            notes.insert(0, "there is no bill".to_owned());
        }
        return Side { total: None, equal: Some(usage.is_empty()), notes };
    };
    let total = match rate(&billed.book, &billed.before, usage) {
        Ok(rated) => {
            notes.extend(lines(billed.own(), &rated.lines));
            Some(rated.total)
        }
        Err(error) => {
            notes.push(format!("it can not be rated: {error}"));
            None
        }
    };
    let same = total == Some(billed.own_total());
    Side { total, equal: Some(same && notes.is_empty()), notes }
}

/// Exact use that differs.
fn figures(billed: &HourUsage, counted: &HourUsage) -> Vec<String> {
    let mut notes = Vec::new();
    let keys: BTreeSet<_> = billed.calls.keys().chain(counted.calls.keys()).collect();
    for key in keys {
        let calls = |usage: &HourUsage| usage.calls.get(key).copied().unwrap_or_default();
        let (billed, counted) = (calls(billed), calls(counted));
        if billed != counted {
            let kind = key.instance_type;
            notes.push(format!("calls of {kind} instances: {billed} billed, {counted} recounted"));
        }
    }
    let keys: BTreeSet<_> = billed.traffic.keys().chain(counted.traffic.keys()).collect();
    for key in keys {
        let bytes = |usage: &HourUsage| usage.traffic.get(key).copied().unwrap_or_default();
        let (billed, counted) = (bytes(billed), bytes(counted));
        if billed != counted {
            let (region, direction) = (&key.region, key.direction.as_str());
            let kind = key.instance_type;
            notes.push(format!(
                "bytes, {region} {direction} {kind}: {billed} billed, {counted} recounted"
            ));
        }
    }
    notes
}

/// Lines that differ.
fn lines<'l>(billed: impl Iterator<Item = &'l Line>, counted: &'l [Line]) -> Vec<String> {
    let billed: Vec<&Line> = billed.collect();
    let ids: BTreeSet<&str> =
        billed.iter().copied().chain(counted).map(|line| line.id.as_str()).collect();
    let mut notes = Vec::new();
    for id in ids {
        let own = |lines: &[&'l Line]| -> Vec<&'l Line> {
            lines.iter().copied().filter(|line| line.id == id).collect()
        };
        let (was, is) = (own(&billed), own(&counted.iter().collect::<Vec<_>>()));
        if was != is {
            let shown = |lines: &[&Line]| match lines {
                [] => "no such line".to_owned(),
                some => {
                    let each = some.iter().map(|line| {
                        format!("{} for {} at {}", line.amount, line.quantity, line.unit_price)
                    });
                    each.collect::<Vec<_>>().join(" and ")
                }
            };
            notes.push(format!("line {id}: {} billed, {} recounted", shown(&was), shown(&is)));
        }
    }
    notes
}

// === impl Billed ===

impl Billed {
    /// The lines of the hour itself.
    fn own(&self) -> impl Iterator<Item = &Line> {
        self.bill.lines.iter().filter(|line| line.corrects.is_none())
    }

    /// What they come to.
    fn own_total(&self) -> Money {
        let mut total = self.bill.total;
        for line in self.bill.lines.iter().filter(|line| line.corrects.is_some()) {
            // Both are below 10^20, of 8 decimals: the difference is exact.
            total.amount -= line.amount;
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use pricing::{Bill, Book, CallsKey, Direction, MonthUse, State, TrafficKey, bundled};
    use record::{Hour, InstanceType};
    use settings::Sink;

    use super::*;
    use crate::recount::frozen::Frozen;

    const CALLS: CallsKey = CallsKey { instance_type: InstanceType::Shared };

    fn usage(calls: u64, region: &str, bytes: u128) -> HourUsage {
        let (region, direction) = (region.to_owned(), Direction::Response);
        let key = TrafficKey { region, direction, instance_type: InstanceType::Shared };
        let traffic = if bytes > 0 { [(key, bytes)].into() } else { BTreeMap::new() };
        let calls = if calls > 0 { [(CALLS, calls)].into() } else { BTreeMap::new() };
        HourUsage { calls, traffic }
    }

    fn billed(usage: &HourUsage) -> Billed {
        let text = bundled("published").expect("a book that comes with Tollgate");
        let sink = Sink::new();
        let book = Book::read("published", text, &sink);
        let book = sink.finish(book).expect("a good book");
        let hour: Hour = "2026-11-20T14".parse().expect("an hour");
        let month = book.zone.month_of(hour).expect("a month");
        let before = MonthUse { calls: 9_999_999, ..MonthUse::new(month, None) };
        let rated = rate(&book, &before, usage).expect("it can be rated");
        let bill = Bill::new("a", hour, State::Closed, usage, &rated, &[]).expect("a bill");
        Billed { bill, book, before }
    }

    /// Equal, and the notes.
    fn check(bill: Option<Billed>, held: bool, counted: &HourUsage) -> (Option<bool>, String) {
        let bills = bill.into_iter().map(|bill| ("a".to_owned(), bill)).collect();
        let held = held.then(|| "a".to_owned()).into_iter().collect();
        let standing = Standing { frozen: Frozen::default(), ends: BTreeMap::new(), bills, held };
        let account = account("a", &standing, Some(counted.clone()), None);
        assert!(account.shipped.is_none());
        let side = account.stored.expect("it was counted");
        (side.equal, side.notes.join("; "))
    }

    #[test]
    fn a_bill_is_equal_to_its_own_use_and_to_no_other() {
        let own = usage(3, "ap-guangzhou", 5 << 30);
        assert_eq!(check(Some(billed(&own)), false, &own), (Some(true), String::new()));
        // One byte is below the last decimal of a GB: the line stays, the figure does not.
        let more = usage(3, "ap-guangzhou", (5 << 30) + 1);
        assert_eq!(
            check(Some(billed(&own)), false, &more),
            (
                Some(false),
                "bytes, ap-guangzhou response shared: 5368709120 billed, 5368709121 recounted"
                    .to_owned()
            )
        );
        let (equal, notes) = check(Some(billed(&own)), false, &usage(2, "ap-guangzhou", 5 << 30));
        assert_eq!(equal, Some(false));
        assert!(notes.contains("calls of shared instances: 3 billed, 2 recounted"), "{notes}");
        assert!(notes.contains("line calls:t2: "), "{notes}");
        let (equal, notes) = check(Some(billed(&own)), false, &usage(3, "nowhere", 5 << 30));
        assert_eq!(equal, Some(false));
        assert!(notes.contains("it can not be rated: "), "{notes}");
    }

    #[test]
    fn use_without_a_bill_differs_unless_it_was_held_back() {
        let (own, none) = (usage(3, "ap-guangzhou", 1), HourUsage::default());
        let (equal, notes) = check(None, false, &own);
        assert_eq!(equal, Some(false));
        assert!(notes.starts_with("there is no bill; calls of "), "{notes}");
        assert_eq!(check(None, false, &none).0, Some(true));
        assert_eq!(check(None, true, &own).0, None);
        // A bill of corrections alone.
        assert_eq!(check(Some(billed(&none)), true, &own).0, None);
        assert_eq!(check(Some(billed(&none)), false, &own).0, Some(false));
        assert_eq!(check(Some(billed(&own)), false, &none).0, Some(false));
    }
}
