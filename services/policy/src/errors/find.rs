//! From what stands in a record or in an answer back to the entry that it was made from.

use super::{Entry, catalog, first_placeholder};

/// The entry whose text, as recorded or as shown, is `text` with its placeholders filled in. Of
/// several the one that says the most of it itself.
pub fn of_text(status: u16, text: &str) -> Option<&'static Entry> {
    let fitting = |entry: &&'static Entry| {
        let texts = [Some(entry.text), entry.shown];
        entry.status == status && texts.into_iter().flatten().any(|own| fits(own, text))
    };
    catalog().filter(fitting).max_by_key(|entry| said(entry.text))
}

/// Whether values for the placeholders of `own` make it `text`.
fn fits(own: &str, text: &str) -> bool {
    let Some((at, name)) = first_placeholder(own) else { return own == text };
    let Some(mut rest) = text.strip_prefix(&own[..at]) else { return false };
    let mut own = &own[at + name.len()..];
    while let Some((at, name)) = first_placeholder(own) {
        let Some(found) = rest.find(&own[..at]) else { return false };
        rest = &rest[found + at..];
        own = &own[at + name.len()..];
    }
    rest.ends_with(own)
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
    use super::*;
    use crate::errors::fill;

    #[test]
    fn every_entry_is_found_by_its_text() {
        for entry in catalog() {
            let values = [("$host", "h"), ("$uri", "/a"), ("$env_mapping", "e"), ("xxx", "x-y")];
            let filled = fill(entry.text, &values);
            assert_eq!(of_text(entry.status, &filled), Some(entry), "{filled}");
        }
    }

    #[test]
    fn what_no_entry_says_is_not_guessed() {
        assert_eq!(of_text(404, ""), None);
        assert_eq!(of_text(500, "There is no api match uri[/a]."), None);
        assert_eq!(of_text(404, "There is no api match uri[/a]"), None);
        let found = of_text(404, "There is no api match uri[/a]b].").map(|entry| entry.text);
        assert_eq!(found, Some("There is no api match uri[$uri]."));
    }
}
