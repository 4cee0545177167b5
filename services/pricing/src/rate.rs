//! Rating one hour: use in, lines out.
//!
//! - Free tier first (lines of amount 0), then graduated tiers from where the month stands.
//! - The bytes of a region and direction are summed exactly and converted once. Where shared and
//!   dedicated instances share them, the quantity is split at the converted running sum, so that
//!   the parts sum to it.
//! - Lines stand in the order item, region, direction, instance type, tier; none has quantity 0.
//! - Use of the hour moves the month by exactly the quantities of the lines. Always asserted, as
//!   is that the lines sum to the total (BILL-3): better no bill than a wrong one.

use record::InstanceType;
use rust_decimal::Decimal;

use crate::book::Book;
use crate::line::{Item, Line, TierName, line_id};
use crate::money::{Gb, Money, MoneyError, billed_gb, line_amount, sum};
use crate::tiers::Tiers;
use crate::usage::{CallsKey, HourUsage, MonthUse, TrafficKey};

/// What an hour costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rated {
    /// By item, region, direction, instance type and tier; none has quantity 0.
    pub lines: Vec<Line>,
    /// Where the month stands after the hour.
    pub after: MonthUse,
    /// The exact sum of the lines.
    pub total: Money,
}

/// Why an hour can not be rated: the account's bill is held until a person acts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Billable traffic in a region that the book does not price.
    #[error("price book `{book}` has no price for traffic of region `{region}`")]
    UnknownRegion {
        /// The region of the records.
        region: String,
        /// The book's id.
        book: String,
    },
    /// An amount or quantity is beyond what is kept exactly.
    #[error("failed to rate {item} of an hour")]
    Money {
        /// `calls`, `traffic` or `total`.
        item: &'static str,
        /// What was wrong with it.
        #[source]
        source: MoneyError,
    },
}

/// Rates the use of one hour that begins where the month stands at `before`.
///
/// # Errors
/// An unknown region, or numbers beyond any real use.
pub fn rate(book: &Book, before: &MonthUse, usage: &HourUsage) -> Result<Rated, RateError> {
    let unknown = usage
        .traffic
        .iter()
        .find(|&(key, &bytes)| bytes > 0 && !book.traffic.contains_key(&key.region));
    if let Some((key, _)) = unknown {
        let (region, book) = (key.region.clone(), book.id.clone());
        return Err(RateError::UnknownRegion { region, book });
    }
    let calls = shared_calls(usage);
    let traffic = billed_traffic(usage).map_err(of(Item::Traffic))?;

    let mut rating = Rating { book, after: before.clone(), lines: Vec::new() };
    rating.calls(calls).map_err(of(Item::Calls))?;
    for &(key, gb) in &traffic {
        rating.traffic(key, gb).map_err(of(Item::Traffic))?;
    }
    let Rating { lines, after, .. } = rating;
    let amount = sum(lines.iter().map(|line| line.amount))
        .map_err(|source| RateError::Money { item: "total", source })?;
    let total = Money { amount, currency: book.currency };

    assert_whole(before, &after, &lines, calls, &traffic);
    assert_total(&lines, total);
    Ok(Rated { lines, after, total })
}

/// Calls that cost something: those of shared instances. Dedicated ones pay by the instance.
fn shared_calls(usage: &HourUsage) -> u64 {
    let key = CallsKey { instance_type: InstanceType::Shared };
    usage.calls.get(&key).copied().unwrap_or_default()
}

/// The billed quantity of each key, in the order of lines. Per region and direction they sum to
/// the converted sum of the bytes.
fn billed_traffic(usage: &HourUsage) -> Result<Vec<(&TrafficKey, Gb)>, MoneyError> {
    let mut billed = Vec::with_capacity(usage.traffic.len());
    let mut group = None;
    let (mut bytes, mut converted) = (0_u128, Gb::ZERO);
    for (key, &more) in &usage.traffic {
        let this = Some((key.region.as_str(), key.direction));
        if group != this {
            (group, bytes, converted) = (this, 0, Gb::ZERO);
        }
        bytes = bytes.checked_add(more).ok_or(MoneyError::TooLarge)?;
        let sum = billed_gb(bytes)?;
        let part = sum.checked_sub(converted).expect("converting more bytes gives no less");
        converted = sum;
        billed.push((key, part));
    }
    Ok(billed)
}

/// Whose item a calculation failed for.
fn of(item: Item) -> impl Fn(MoneyError) -> RateError {
    move |source| RateError::Money { item: item.as_str(), source }
}

struct Rating<'b> {
    book: &'b Book,
    after: MonthUse,
    lines: Vec<Line>,
}

/// Everything of a line but tier, quantity and price.
#[derive(Clone, Copy)]
struct Place<'k> {
    item: Item,
    key: Option<&'k TrafficKey>,
}

impl Rating<'_> {
    fn calls(&mut self, calls: u64) -> Result<(), MoneyError> {
        let place = Place { item: Item::Calls, key: None };
        let allowance = self.book.allowance(&self.after).map_or(0, |free| free.calls);
        let free = allowance.saturating_sub(self.after.free_calls).min(calls);
        let paid = calls.saturating_sub(free);
        self.free(place, u128::from(free))?;
        let used = u128::from(self.after.calls);
        self.tiers(place, &self.book.calls, used, u128::from(paid))?;
        let sums = (self.after.free_calls.checked_add(free), self.after.calls.checked_add(paid));
        let (Some(free_calls), Some(calls)) = sums else {
            return Err(MoneyError::TooLarge);
        };
        (self.after.free_calls, self.after.calls) = (free_calls, calls);
        Ok(())
    }

    fn traffic(&mut self, key: &TrafficKey, gb: Gb) -> Result<(), MoneyError> {
        let Some(tiers) = self.book.traffic.get(&key.region) else {
            assert_eq!(gb, Gb::ZERO, "traffic of an unknown region was refused before");
            return Ok(());
        };
        if gb == Gb::ZERO {
            return Ok(());
        }
        let place = Place { item: Item::Traffic, key: Some(key) };
        let allowance = self.book.allowance(&self.after).map_or(Gb::ZERO, |free| free.traffic);
        let left = allowance.checked_sub(self.after.free_traffic).unwrap_or(Gb::ZERO);
        let free = left.min(gb);
        let paid = gb.checked_sub(free).expect("the free part is at most the whole");
        self.free(place, free.steps())?;
        let used = self.after.traffic.get(&key.region).copied().unwrap_or(Gb::ZERO);
        self.tiers(place, tiers, used.steps(), paid.steps())?;
        let sums = (self.after.free_traffic.checked_add(free), used.checked_add(paid));
        let (Some(free_traffic), Some(used)) = sums else {
            return Err(MoneyError::TooLarge);
        };
        self.after.free_traffic = free_traffic;
        if used > Gb::ZERO {
            self.after.traffic.insert(key.region.clone(), used);
        }
        Ok(())
    }

    fn free(&mut self, place: Place<'_>, steps: u128) -> Result<(), MoneyError> {
        if steps == 0 {
            return Ok(());
        }
        self.line(place, TierName::Free, steps, Decimal::ZERO)
    }

    fn tiers(
        &mut self,
        place: Place<'_>,
        tiers: &Tiers,
        used: u128,
        steps: u128,
    ) -> Result<(), MoneyError> {
        for part in tiers.split(used, steps).ok_or(MoneyError::TooLarge)? {
            self.line(place, TierName::Nth(part.tier), part.steps, part.unit_price)?;
        }
        Ok(())
    }

    fn line(
        &mut self,
        place: Place<'_>,
        tier: TierName,
        steps: u128,
        unit_price: Decimal,
    ) -> Result<(), MoneyError> {
        let quantity = quantity(place.item, steps)?;
        let mut line = Line {
            id: String::new(),
            item: place.item,
            region: place.key.map(|key| key.region.clone()).unwrap_or_default(),
            direction: place.key.map(|key| key.direction),
            instance_type: place.key.map(|key| key.instance_type).unwrap_or_default(),
            tier,
            quantity,
            unit_price,
            amount: line_amount(quantity, unit_price)?,
            price_book: self.book.sha256.clone(),
            price_book_id: self.book.id.clone(),
            corrects: None,
        };
        line.id = line_id(&line);
        self.lines.push(line);
        Ok(())
    }
}

/// Steps as they stand on a line.
fn quantity(item: Item, steps: u128) -> Result<Decimal, MoneyError> {
    let gb = Gb::from_steps(steps).ok_or(MoneyError::TooLarge)?;
    match item {
        Item::Traffic => Ok(gb.to_decimal()),
        Item::Calls => i128::try_from(steps)
            .ok()
            .and_then(|calls| Decimal::try_from_i128_with_scale(calls, 0).ok())
            .ok_or(MoneyError::TooLarge),
    }
}

/// Lines sum to the use, and the month moved by exactly that.
fn assert_whole(
    before: &MonthUse,
    after: &MonthUse,
    lines: &[Line],
    calls: u64,
    traffic: &[(&TrafficKey, Gb)],
) {
    let billed = |item: Item| {
        let of_item = lines.iter().filter(|line| line.item == item);
        of_item.fold(Decimal::ZERO, |sum, line| {
            sum.checked_add(line.quantity).expect("quantities are below 10^20")
        })
    };
    let steps = |month: &MonthUse| {
        let all = month.traffic.values().chain([&month.free_traffic]);
        all.fold(0_u128, |sum, gb| sum.saturating_add(gb.steps()))
    };
    let counted =
        |month: &MonthUse| u128::from(month.calls).saturating_add(u128::from(month.free_calls));
    let moved = counted(after).checked_sub(counted(before));
    assert_eq!(moved, Some(u128::from(calls)), "the month moved by the calls of the hour");
    assert_eq!(billed(Item::Calls), Decimal::from(calls), "lines of calls sum to the calls");

    let gb = traffic.iter().fold(0_u128, |sum, (_, gb)| sum.saturating_add(gb.steps()));
    let moved = steps(after).checked_sub(steps(before));
    assert_eq!(moved, Some(gb), "the month moved by the traffic of the hour");
    let billed = billed(Item::Traffic).checked_mul(Decimal::from(10_000_u32));
    let gb = i128::try_from(gb).ok().and_then(|gb| Decimal::try_from_i128_with_scale(gb, 0).ok());
    assert_eq!(billed, gb, "lines of traffic sum to the traffic");
}

/// BILL-3, summed a second time in another way.
fn assert_total(lines: &[Line], total: Money) {
    let again = lines.iter().try_fold(Decimal::ZERO, |sum, line| sum.checked_add(line.amount));
    assert_eq!(again, Some(total.amount), "lines sum exactly to their total");
}
