//! The section's accounts: their book, their first month, their opening use.

use std::collections::BTreeMap;

use settings::{Fields, Value};

use super::Account;
use super::read::{Books, known_book};
use crate::book::{Book, FreeTier};
use crate::money::Gb;
use crate::month::Month;
use crate::usage::MonthUse;

/// All accounts by id. Mistakes go to the sink, and what has one is left out.
pub(super) fn accounts(
    fields: &Fields<'_>,
    books: &Books,
    default_book: Option<&str>,
) -> BTreeMap<String, Account> {
    let mut accounts = BTreeMap::new();
    for item in fields.list("accounts") {
        let Some(fields) = item.fields() else { continue };
        let id: Option<String> = fields.get("id");
        let named = fields.optional("book");
        let book = match &named {
            Some(value) => known_book(value, books),
            None => default_book.map(str::to_owned),
        };
        let since = fields.optional("since").and_then(|value| value.scalar());
        let versions = book.as_ref().and_then(|book| books.versions(book));
        let opening = opening_use(&fields, since, versions);
        fields.close();
        let (Some(id), Some(book)) = (id, book) else { continue };
        if id.is_empty() {
            item.mistake("`id` is empty");
        } else if accounts.insert(id, Account { book, since, opening }).is_some() {
            item.mistake("the account stands twice");
        }
    }
    accounts
}

/// `versions` are those of the account's book; none when it is not known, a mistake by itself.
fn opening_use(
    fields: &Fields<'_>,
    since: Option<Month>,
    versions: Option<&[Book]>,
) -> BTreeMap<Month, MonthUse> {
    let mut opening = BTreeMap::new();
    for item in fields.list("opening_use") {
        let Some(fields) = item.fields() else { continue };
        let month: Option<Month> = fields.get("month");
        let calls = fields.get_or("calls", 0);
        let traffic = traffic(&fields, versions.unwrap_or_default());
        let free_calls = fields.optional("free_calls").and_then(|value| value.scalar());
        let free_traffic = fields.optional("free_traffic_gb").and_then(|value| value.scalar());
        fields.close();
        let (Some(month), Some(versions)) = (month, versions) else { continue };
        let free = free_tier_at(versions, month);
        let all_calls = if calls > 0 { free.map_or(0, |free| free.calls) } else { 0 };
        let all_traffic =
            if traffic.is_empty() { Gb::ZERO } else { free.map_or(Gb::ZERO, |free| free.traffic) };
        let month_use = MonthUse {
            month,
            since,
            calls,
            traffic,
            free_calls: free_calls.unwrap_or(all_calls),
            free_traffic: free_traffic.unwrap_or(all_traffic),
        };
        if opening.insert(month, month_use).is_some() {
            item.mistake(format!("the month {month} stands twice"));
        }
    }
    opening
}

/// The free tier of the version that a month begins with; of the first one, when the book begins
/// later in the month.
fn free_tier_at(versions: &[Book], month: Month) -> Option<FreeTier> {
    let begins = |book: &&Book| book.effective_from <= book.zone.first_hour(month);
    let book = versions.iter().rev().find(begins).or(versions.first())?;
    book.free_tier
}

/// Opening use by region; a region of 0 GB is left out, as nothing was used there.
fn traffic(fields: &Fields<'_>, versions: &[Book]) -> BTreeMap<String, Gb> {
    let mut traffic = BTreeMap::new();
    for item in fields.list("traffic") {
        let Some(fields) = item.fields() else { continue };
        let region = fields.required("region");
        let gb: Option<Gb> = fields.get("gb");
        fields.close();
        let Some(region) = region.and_then(|value| known_region(&value, versions)) else {
            continue;
        };
        let Some(gb) = gb.filter(|&gb| gb > Gb::ZERO) else { continue };
        if traffic.insert(region.clone(), gb).is_some() {
            item.mistake(format!("the region `{region}` stands twice"));
        }
    }
    traffic
}

fn known_region(value: &Value<'_>, versions: &[Book]) -> Option<String> {
    let region: String = value.scalar()?;
    let known = versions.iter().any(|book| book.traffic.contains_key(&region));
    if !known && !versions.is_empty() {
        value.mistake(format!("the account's price book has no region `{region}`"));
        return None;
    }
    Some(region)
}
