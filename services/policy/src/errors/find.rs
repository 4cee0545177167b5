//! From what stands in a record or in an answer back to the entry that it was made from.

use std::borrow::Cow;
use std::cmp::Reverse;

use super::{Entry, catalog, fill, first_placeholder};

/// The entry that a text was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// The entry.
    pub entry: &'static Entry,
    /// What stands for its placeholders.
    pub values: Vec<(&'static str, &'a str)>,
}

/// The entry whose text, as recorded or as shown, is `text` with its placeholders filled in. Of
/// several the one that says the most of it itself; of those the first.
pub fn of_text(status: u16, text: &str) -> Option<Found<'_>> {
    let found = |entry: &'static Entry| {
        let texts = [Some(entry.text), entry.shown];
        let values = texts.into_iter().flatten().find_map(|own| values(own, text))?;
        (entry.status == status).then_some(Found { entry, values })
    };
    catalog().filter_map(found).min_by_key(|found| Reverse(said(found.entry.text)))
}

/// What makes `own` to `text` when it stands for the placeholders, if anything does.
fn values<'a>(own: &'static str, text: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
    let Some((at, mut name)) = first_placeholder(own) else {
        return (own == text).then(Vec::new);
    };
    let mut rest = text.strip_prefix(&own[..at])?;
    let mut own = &own[at + name.len()..];
    let mut values = Vec::new();
    while let Some((at, next)) = first_placeholder(own) {
        let end = rest.find(&own[..at])?;
        values.push((name, &rest[..end]));
        rest = &rest[end + at..];
        own = &own[at + next.len()..];
        name = next;
    }
    values.push((name, rest.strip_suffix(own)?));
    Some(values)
}

impl Found<'_> {
    /// Words of the entry with the values of this case.
    pub fn words(&self, words: &'static str) -> Cow<'static, str> {
        fill(words, &self.values)
    }
}

/// How many bytes of a text are its own.
fn said(own: &str) -> usize {
    match first_placeholder(own) {
        Some((at, name)) => at + said(&own[at + name.len()..]),
        None => own.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::variants;
    use super::*;

    #[test]
    fn every_entry_is_found_by_its_text() {
        for entry in catalog() {
            let values = [("$host", "h"), ("$uri", "/a"), ("$env_mapping", "e"), ("xxx", "x-y")];
            let filled = fill(entry.text, &values);
            let found = of_text(entry.status, &filled).expect(&filled);
            if variants::ENTRIES.contains(&entry) {
                assert_ne!(found.entry, entry, "{filled}");
                assert_eq!((found.entry.text, found.entry.fault), (entry.text, entry.fault));
                continue;
            }
            assert_eq!(found.entry, entry, "{filled}");
            assert_eq!(found.words(entry.text), filled);
        }
    }

    #[test]
    fn what_no_entry_says_is_not_guessed() {
        assert_eq!(of_text(404, ""), None);
        assert_eq!(of_text(500, "There is no api match uri[/a]."), None);
        assert_eq!(of_text(404, "There is no api match uri[/a]"), None);
        let found = of_text(404, "There is no api match uri[/a]b].").expect("an entry");
        assert_eq!(found.entry.text, "There is no api match uri[$uri].");
        assert_eq!(found.values, [("$uri", "/a]b")]);
    }
}
