//! Paths with variables.
//!
//! - Variables are greedy from the left, also across `/`: the first takes all that leaves the
//!   others one byte each. Placing the fixed pieces from the right, each as far right as it can
//!   stand, gives just that, in one pass and without going back.
//! - Percent-encoded bytes are never cut: a fixed piece does not begin inside of one.

use std::ops::Range;

use super::expressions::Expression;

/// Most variables of one path: their places are kept on the stack.
pub(crate) const VARIABLES_MAX: usize = 16;
/// Longest name of a variable in bytes.
const NAME_MAX: usize = 64;

/// Where the values of the variables lie in the path.
pub(super) type Places = [(u32, u32); VARIABLES_MAX];

/// A path that is not compared letter by letter.
#[derive(Debug)]
pub(crate) enum Pattern {
    Variables(Variables),
    Regex(Box<Expression>),
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
    pub(super) fn names(&self) -> &[String] {
        match self {
            Self::Variables(variables) => variables.names(),
            Self::Regex(_) => &[],
        }
    }
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

    /// What every path begins with that it matches.
    pub(super) fn opening(&self) -> &str {
        &self.literals[0]
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn is_match(&self, path: &str) -> bool {
        self.places(path).is_some()
    }

    /// Where the values lie in a path that matches.
    pub(super) fn places(&self, path: &str) -> Option<Places> {
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
