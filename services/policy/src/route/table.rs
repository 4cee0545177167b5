//! The paths of one service in one version, compiled.
//!
//! - All fixed beginnings lie in one trie: paths behind `=` and `^~`, plain paths, and what
//!   patterns begin with. One walk along the request's path finds the exact one, the longest of
//!   each kind, and the patterns that may match.
//! - Patterns are tried in the order of the configuration, after `=` and `^~`, before plain paths.
//!   Those that compete for one path are listed when the table is made, and their number has a
//!   limit ([`COMPETING_MAX`]). So the cost of a request does not grow with the number of APIs.
//! - A path decides before the method: APIs with the same path share one entry.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::form::Form;
use super::pattern::{Pattern, Places};
use super::trie::Trie;
use crate::service::Methods;

/// Most patterns of a service that are free, which means that they are regular expressions or begin
/// with a variable: they are tried for every path. And most others that are tried for one path.
/// Each costs a step per byte of it.
pub(crate) const COMPETING_MAX: usize = 100;
/// What free patterns begin with.
const FREE: &[u8] = b"/";

/// More patterns than may be tried for one request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooManyCompete {
    #[error(
        "{0} paths are regular expressions or begin with a variable; at most {COMPETING_MAX} are \
         accepted: let them begin with a fixed text"
    )]
    Free(usize),
    #[error(
        "{count} paths with variables compete for requests that begin with `{opening}`; at most \
         {COMPETING_MAX} are accepted: let them begin with different fixed texts"
    )]
    Beginning { count: usize, opening: String },
}

/// The compiled paths; immutable.
#[derive(Debug)]
pub(crate) struct Table {
    trie: Trie,
    /// By place of its text in the trie.
    leaves: Vec<Leaf>,
    entries: Vec<Entry>,
    /// Entries of patterns; each leaf has its stretch, in the order of the configuration.
    competing: Vec<usize>,
}

/// One path, and who answers it.
#[derive(Debug)]
pub(crate) struct Entry {
    pattern: Option<Pattern>,
    /// Methods, and the place of the API among those of its service. No method stands twice.
    apis: Vec<(Methods, usize)>,
}

/// What a request found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'t> {
    pub(crate) entry: &'t Entry,
    /// Bytes of the prefix that matched; nothing for a path that matched as a whole.
    pub(crate) prefix: Option<usize>,
}

/// What ends at one text.
#[derive(Debug, Default)]
struct Leaf {
    exact: Option<usize>,
    first: Option<usize>,
    plain: Option<usize>,
    /// Patterns that begin with the text or a shorter one.
    competing: Range<usize>,
}

// === impl Table ===

impl Table {
    /// Compiles APIs, given as path, methods and place, in the order of the configuration.
    pub(crate) fn new<'a>(
        apis: impl Iterator<Item = (&'a str, Methods, usize)>,
    ) -> Result<Self, TooManyCompete> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut by_path: HashMap<&str, usize> = HashMap::new();
        let mut by_text: BTreeMap<Vec<u8>, (Leaf, Vec<usize>)> = BTreeMap::new();
        for (path, methods, place) in apis {
            if let Some(known) = by_path.get(path) {
                entries[*known].apis.push((methods, place));
                continue;
            }
            // Every path was read before; one that could not be is a mistake already.
            let Ok(form) = Form::parse(path) else { continue };
            let number = entries.len();
            by_path.insert(path, number);
            let pattern = match form {
                Form::Exact(text) => {
                    by_text.entry(text.into()).or_default().0.exact = Some(number);
                    None
                }
                Form::First(text) => {
                    by_text.entry(text.into()).or_default().0.first = Some(number);
                    None
                }
                Form::Plain(text) => {
                    by_text.entry(text.into()).or_default().0.plain = Some(number);
                    None
                }
                Form::Pattern(pattern) => {
                    by_text.entry(pattern.opening().into()).or_default().1.push(number);
                    Some(pattern)
                }
            };
            entries.push(Entry { pattern, apis: vec![(methods, place)] });
        }
        let texts: Vec<&[u8]> = by_text.keys().map(Vec::as_slice).collect();
        let trie = Trie::new(&texts);
        let (leaves, competing) = compete(by_text)?;
        Ok(Self { trie, leaves, entries, competing })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What answers `uri`.
    pub(crate) fn find(&self, uri: &str) -> Option<Found<'_>> {
        let (mut exact, mut first, mut plain) = (None, None, None);
        let mut competing = 0..0;
        self.trie.prefixes(uri.as_bytes(), |place, length| {
            let leaf = &self.leaves[place];
            if length == uri.len() {
                exact = leaf.exact;
            }
            first = leaf.first.map(|entry| (entry, length)).or(first);
            plain = leaf.plain.map(|entry| (entry, length)).or(plain);
            if !leaf.competing.is_empty() {
                competing = leaf.competing.clone();
            }
        });
        let whole = |entry: usize| Found { entry: &self.entries[entry], prefix: None };
        let begun = |(entry, length): (usize, usize)| Found {
            entry: &self.entries[entry],
            prefix: Some(length),
        };
        if let Some(entry) = exact {
            return Some(whole(entry));
        }
        if first.is_some() {
            return first.map(begun);
        }
        let is_match = |entry: &Entry| entry.pattern.as_ref().is_some_and(|p| p.is_match(uri));
        let mut patterns = self.competing[competing].iter();
        let pattern = patterns.find(|entry| is_match(&self.entries[**entry]));
        pattern.map(|entry| whole(*entry)).or_else(|| plain.map(begun))
    }
}

/// The leaves in the order of their texts, and for each the patterns that begin with its text or
/// a shorter one.
fn compete(
    by_text: BTreeMap<Vec<u8>, (Leaf, Vec<usize>)>,
) -> Result<(Vec<Leaf>, Vec<usize>), TooManyCompete> {
    let mut leaves = Vec::with_capacity(by_text.len());
    let mut all: Vec<usize> = Vec::new();
    let mut free = 0;
    // Texts with patterns that the current one begins with, and where their stretches lie.
    let mut open: Vec<(Vec<u8>, Range<usize>)> = Vec::new();
    for (text, (leaf, own)) in by_text {
        let mut competing = 0..0;
        if !own.is_empty() {
            while open.last().is_some_and(|(opening, _)| !text.starts_with(opening)) {
                open.pop();
            }
            let from = all.len();
            if let Some((_, shorter)) = open.last() {
                all.extend_from_within(shorter.clone());
            }
            all.extend(own);
            competing = from..all.len();
            all[competing.clone()].sort_unstable();
            if text == FREE {
                free = competing.len();
                if free > COMPETING_MAX {
                    return Err(TooManyCompete::Free(free));
                }
            }
            // Every other text begins with that of the free ones.
            let count = competing.len() - free;
            if count > COMPETING_MAX {
                let opening = String::from_utf8_lossy(&text).into_owned();
                return Err(TooManyCompete::Beginning { count, opening });
            }
            open.push((text, competing.clone()));
        }
        leaves.push(Leaf { competing, ..leaf });
    }
    Ok((leaves, all))
}

// === impl Entry ===

impl Entry {
    /// The place of the API that answers the one method `method`.
    pub(crate) fn place_of(&self, method: Methods) -> Option<usize> {
        let found = self.apis.iter().find(|(methods, _)| methods.overlaps(method));
        found.map(|&(_, place)| place)
    }

    /// The names of the path's variables, in their order.
    pub(super) fn names(&self) -> &[String] {
        self.pattern.as_ref().map_or(&[], Pattern::names)
    }

    /// Where the values of the variables lie in a path that matched.
    pub(super) fn places(&self, uri: &str) -> Option<Places> {
        self.pattern.as_ref()?.places(uri)
    }
}
