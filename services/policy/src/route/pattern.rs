//! Paths with variables, and regular expressions.
//!
//! - Variables are greedy from the left, also across `/`: the first takes all that leaves the
//!   others one byte each. Placing the fixed pieces from the right, each as far right as it can
//!   stand, gives just that, in one pass and without going back.
//! - Percent-encoded bytes are never cut: a fixed piece does not begin inside of one.
//! - A regular expression is compiled to a table of states, so that a match takes a step per byte
//!   whatever the expression, and needs no memory of its own. It reads bytes, not characters.

use std::ops::Range;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};

/// Most variables of one path: their places are kept on the stack.
pub(crate) const VARIABLES_MAX: usize = 16;
/// Longest name of a variable in bytes.
const NAME_MAX: usize = 64;
/// Largest table of one regular expression in bytes. Useful ones take a hundredth of it; one with
/// large counts (`.{1,500}x`) would take the gateway's memory.
const TABLE_MAX: usize = 1 << 20;
/// Bytes that making the table may take.
const MAKING_MAX: usize = 8 << 20;

/// Where the values of the variables lie in the path.
pub(super) type Places = [(u32, u32); VARIABLES_MAX];

/// A path that is not compared letter by letter.
#[derive(Debug)]
pub(crate) enum Pattern {
    Variables(Variables),
    Regex(Box<dense::DFA<Vec<u32>>>),
}

/// Fixed pieces with variables between them.
#[derive(Debug)]
pub(crate) struct Variables {
    /// One more than there are variables; the first begins with `/`, the last may be empty.
    literals: Vec<String>,
    names: Vec<String>,
}

// === impl Pattern ===

impl Pattern {
    /// Compiles `text`, which must match a path as a whole: all matches are followed, and one must
    /// end where the path does.
    pub(super) fn regex(text: &str) -> Result<Self, String> {
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let config = dense::Config::new()
            .start_kind(StartKind::Anchored)
            .match_kind(MatchKind::All)
            .dfa_size_limit(Some(TABLE_MAX))
            .determinize_size_limit(Some(MAKING_MAX));
        // Read once for the error alone: what fails after it is too large.
        syntax::parse_with(text, &syntax).map_err(|error| {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("it is no regular expression: {last}")
        })?;
        let limit = "as a table the regular expression takes more than 1 MiB; use smaller counts";
        dense::Builder::new()
            .configure(config)
            .syntax(syntax)
            .thompson(thompson())
            .build(text)
            .map(|table| Self::Regex(Box::new(table)))
            .map_err(|_| limit.to_owned())
    }

    pub(super) fn is_match(&self, path: &str) -> bool {
        match self {
            Self::Variables(variables) => variables.places(path).is_some(),
            Self::Regex(table) => is_whole_match(table, path.as_bytes()),
        }
    }

    /// Where the values lie; a regular expression has none.
    pub(super) fn places(&self, path: &str) -> Option<Places> {
        match self {
            Self::Variables(variables) => variables.places(path),
            Self::Regex(_) => None,
        }
    }

    pub(super) fn names(&self) -> &[String] {
        match self {
            Self::Variables(variables) => &variables.names,
            Self::Regex(_) => &[],
        }
    }

    /// What every path begins with that it matches. A regular expression is not looked into.
    pub(super) fn opening(&self) -> &str {
        match self {
            Self::Variables(variables) => &variables.literals[0],
            Self::Regex(_) => "/",
        }
    }
}

/// Counts in an expression multiply its parts before they become states.
fn thompson() -> regex_automata::nfa::thompson::Config {
    regex_automata::nfa::thompson::Config::new().nfa_size_limit(Some(TABLE_MAX))
}

fn is_whole_match(table: &dense::DFA<Vec<u32>>, path: &[u8]) -> bool {
    let config = start::Config::new().anchored(Anchored::Yes);
    let Ok(mut state) = table.start_state(&config) else { return false };
    for byte in path {
        state = table.next_state(state, *byte);
        if table.is_dead_state(state) || table.is_quit_state(state) {
            return false;
        }
    }
    table.is_match_state(table.next_eoi_state(state))
}

// === impl Variables ===

impl Variables {
    /// The variables in `text`; nothing when there are none.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, String> {
        let mut variables = Self { literals: Vec::new(), names: Vec::new() };
        let mut rest = text;
        let mut literal = String::new();
        while let Some((at, name)) = first_variable(rest) {
            literal.push_str(&rest[..at]);
            if literal.is_empty() {
                return Err(format!("something must stand before `{{{name}}}`"));
            }
            if variables.names.iter().any(|other| other == name) {
                return Err(format!("the variable `{name}` stands twice"));
            }
            variables.literals.push(std::mem::take(&mut literal));
            variables.names.push(name.to_owned());
            rest = &rest[at + name.len() + 2..];
        }
        if variables.names.is_empty() {
            return Ok(None);
        }
        let count = variables.names.len();
        if count > VARIABLES_MAX {
            return Err(format!("{count} variables; at most {VARIABLES_MAX} are accepted"));
        }
        variables.literals.push(rest.to_owned());
        Ok(Some(variables))
    }

    pub(super) fn literals(&self) -> &[String] {
        &self.literals
    }

    fn places(&self, path: &str) -> Option<Places> {
        let bytes = path.as_bytes();
        let (first, rest) = self.literals.split_first()?;
        let (last, between) = rest.split_last()?;
        let begin = first.len();
        let mut end = bytes.len().checked_sub(last.len()).filter(|end| *end > begin)?;
        let framed = bytes.starts_with(first.as_bytes()) && bytes.ends_with(last.as_bytes());
        if !framed || (!last.is_empty() && is_inside_escape(bytes, end)) {
            return None;
        }
        let mut places = Places::default();
        for (number, literal) in between.iter().enumerate().rev() {
            // Behind it the next variable has a byte at least.
            let at = find_last(bytes, begin..end - 1, literal.as_bytes())?;
            places[number + 1] = place(at + literal.len()..end);
            end = at;
        }
        places[0] = place(begin..end);
        (end > begin).then_some(places)
    }
}

/// The first variable of `text`: where its bracket opens, and its name. Other brackets mean
/// something else (`{2,3}` in a regular expression) or nothing.
pub(super) fn first_variable(text: &str) -> Option<(usize, &str)> {
    text.match_indices('{').find_map(|(at, _)| {
        let inner = &text[at + 1..];
        let name = &inner[..inner.find('}')?];
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let is_name = name.len() <= NAME_MAX
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(good);
        is_name.then_some((at, name))
    })
}

/// Where `literal` stands last within the range, as a whole and not inside of an escape.
fn find_last(bytes: &[u8], within: Range<usize>, literal: &[u8]) -> Option<usize> {
    let from = within.start;
    let windows = bytes.get(within)?.windows(literal.len());
    let mut places = windows.enumerate().rev().filter(|(_, window)| *window == literal);
    let at = |offset: usize| from + offset;
    places.find(|(offset, _)| !is_inside_escape(bytes, at(*offset))).map(|(offset, _)| at(offset))
}

/// True when the byte at `at` is a digit of a `%2F`.
fn is_inside_escape(bytes: &[u8], at: usize) -> bool {
    let is_percent = |before: usize| at.checked_sub(before).is_some_and(|at| bytes[at] == b'%');
    is_percent(1) || is_percent(2)
}

/// The path of a request is bounded far below 4 GiB.
fn place(range: Range<usize>) -> (u32, u32) {
    let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    (small(range.start), small(range.end))
}
