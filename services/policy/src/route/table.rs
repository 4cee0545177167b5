//! The paths of one service in one version, compiled.
//!
//! - All fixed beginnings lie in one trie: paths behind `=` and `^~`, plain paths, and what paths
//!   with variables begin with. One walk along the request's path finds the exact one and the
//!   longest of each kind.
//! - Patterns count in the order of the configuration, after `=` and `^~`, before plain paths.
//!   Regular expressions share one table of states (see [`Expressions`]); paths with variables are
//!   searched for by their fixed pieces (see [`Beginning`]). So the cost of a request does not grow
//!   with the number of APIs.
//! - A path decides before the method: APIs with the same path share one entry.

use std::collections::{BTreeMap, HashMap};

use super::beginning::Beginning;
use super::expressions::{Expression, Expressions};
use super::form::Form;
use super::pattern::{Pattern, Places, Variables};
use super::trie::Trie;
use crate::service::Methods;

/// Most patterns of a service that are free, which means that they are regular expressions or begin
/// with a variable: they are looked at for every path.
pub(crate) const FREE_MAX: usize = 100;
/// Most beginnings of paths with variables that lie within each other: each is looked at for a path
/// that begins with the longest.
const NESTED_MAX: usize = 100;
/// What free patterns begin with.
const FREE: &[u8] = b"/";

/// More patterns than may be looked at for one request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooManyCompete {
    #[error(
        "{0} paths are regular expressions or begin with a variable; at most {FREE_MAX} are \
         accepted: let them begin with a fixed text"
    )]
    Free(usize),
    #[error(
        "paths with variables begin with `{0}` and with more than {NESTED_MAX} shorter texts that \
         it begins with; at most {NESTED_MAX} such beginnings are accepted"
    )]
    Nested(String),
}

/// The compiled paths; immutable.
#[derive(Debug)]
pub(crate) struct Table {
    trie: Trie,
    /// By place of its text in the trie.
    leaves: Vec<Leaf>,
    entries: Vec<Entry>,
    expressions: Expressions,
    beginnings: Vec<Beginning>,
}

/// One path, and who answers it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Of a path with variables.
    variables: Option<Variables>,
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
#[derive(Debug, Default, Clone, Copy)]
struct Leaf {
    exact: Option<usize>,
    first: Option<usize>,
    plain: Option<usize>,
    /// Paths with variables that begin so, by place among the beginnings.
    beginning: Option<usize>,
}

/// What is known of the paths while they are compiled.
#[derive(Debug, Default)]
struct Making {
    entries: Vec<Entry>,
    expressions: Vec<(usize, Box<Expression>)>,
    by_text: BTreeMap<Vec<u8>, (Leaf, Vec<usize>)>,
}

// === impl Table ===

impl Table {
    /// Compiles APIs, given as path, methods and place, in the order of the configuration.
    pub(crate) fn new<'a>(
        apis: impl Iterator<Item = (&'a str, Methods, usize)>,
    ) -> Result<Self, TooManyCompete> {
        let mut making = Making::default();
        let mut by_path: HashMap<&str, usize> = HashMap::new();
        for (path, methods, place) in apis {
            if let Some(known) = by_path.get(path) {
                making.entries[*known].apis.push((methods, place));
                continue;
            }
            // Every path was read before; one that could not be is a mistake already.
            let Ok(form) = Form::parse(path) else { continue };
            by_path.insert(path, making.entries.len());
            making.add(form, (methods, place));
        }
        making.done()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What answers `uri`.
    pub(crate) fn find(&self, uri: &str) -> Option<Found<'_>> {
        let (mut exact, mut first, mut plain, mut beginning) = (None, None, None, None);
        self.trie.prefixes(uri.bytes(), |place, length| {
            let leaf = &self.leaves[place];
            if length == uri.len() {
                exact = leaf.exact;
            }
            first = leaf.first.map(|entry| (entry, length)).or(first);
            plain = leaf.plain.map(|entry| (entry, length)).or(plain);
            beginning = leaf.beginning.or(beginning);
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
        self.pattern(uri, beginning).map(whole).or_else(|| plain.map(begun))
    }

    /// The first pattern that matches `uri`, whose longest beginning with variables is given.
    fn pattern(&self, uri: &str, mut beginning: Option<usize>) -> Option<usize> {
        let mut best = self.expressions.first(uri.as_bytes());
        let is_match = |entry: usize| {
            self.entries[entry].variables.as_ref().is_some_and(|of| of.is_match(uri))
        };
        while let Some(place) = beginning {
            let patterns = &self.beginnings[place];
            best = patterns.first(uri.as_bytes(), best, is_match);
            beginning = patterns.shorter;
        }
        best
    }
}

// === impl Making ===

impl Making {
    /// A path that was not there before.
    fn add(&mut self, form: Form, api: (Methods, usize)) {
        let number = self.entries.len();
        let mut variables = None;
        match form {
            Form::Exact(text) => self.text(&text).0.exact = Some(number),
            Form::First(text) => self.text(&text).0.first = Some(number),
            Form::Plain(text) => self.text(&text).0.plain = Some(number),
            Form::Pattern(Pattern::Regex(expression)) => {
                self.expressions.push((number, expression));
            }
            Form::Pattern(Pattern::Variables(of)) => {
                self.text(of.opening()).1.push(number);
                variables = Some(of);
            }
        }
        self.entries.push(Entry { variables, apis: vec![api] });
    }

    fn text(&mut self, text: &str) -> &mut (Leaf, Vec<usize>) {
        self.by_text.entry(text.into()).or_default()
    }

    fn done(self) -> Result<Table, TooManyCompete> {
        let Self { entries, expressions, by_text } = self;
        let begin_free = by_text.get(FREE).map_or(0, |(_, own)| own.len());
        let free = begin_free + expressions.len();
        if free > FREE_MAX {
            return Err(TooManyCompete::Free(free));
        }
        let texts: Vec<&[u8]> = by_text.keys().map(Vec::as_slice).collect();
        let trie = Trie::new(&texts);
        let mut leaves = Vec::with_capacity(by_text.len());
        let mut beginnings = Vec::new();
        // Beginnings that the current text begins with, and their places.
        let mut open: Vec<(&[u8], usize)> = Vec::new();
        for (text, (leaf, own)) in &by_text {
            let mut beginning = None;
            if !own.is_empty() {
                while open.last().is_some_and(|(shorter, _)| !text.starts_with(shorter)) {
                    open.pop();
                }
                if open.len() > NESTED_MAX {
                    let text = String::from_utf8_lossy(text).into_owned();
                    return Err(TooManyCompete::Nested(text));
                }
                let of = |entry: &usize| Some((*entry, entries[*entry].variables.as_ref()?));
                let shorter = open.last().map(|(_, place)| *place);
                beginning = Some(beginnings.len());
                open.push((text, beginnings.len()));
                beginnings.push(Beginning::new(own.iter().filter_map(of).collect(), shorter));
            }
            leaves.push(Leaf { beginning, ..*leaf });
        }
        let expressions = Expressions::new(expressions);
        Ok(Table { trie, leaves, entries, expressions, beginnings })
    }
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
        self.variables.as_ref().map_or(&[], Variables::names)
    }

    /// Where the values of the variables lie in a path that matched.
    pub(super) fn places(&self, uri: &str) -> Option<Places> {
        self.variables.as_ref()?.places(uri)
    }
}
