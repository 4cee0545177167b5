//! The forms that the path of an API is written in, and what each means.
//!
//! | written | means |
//! |---|---|
//! | `=/user` | this path alone |
//! | `^~/user` | what begins so, before any pattern is looked at |
//! | `/user/{id}` | variables: each takes one byte or more, slashes too, as much as it can |
//! | `/user/[0-9]+` | a regular expression, for the whole path |
//! | `/user` | what begins so; the longest wins |
//!
//! A path is a regular expression if it has one of `\ ^ $ | ? * + ( ) [ ]`; a full stop alone makes
//! none. Behind `=` and `^~` everything means itself.

use super::expressions::Expression;
use super::pattern::{Pattern, Variables};
use super::raw::{has_bad_percent, has_dot_segment};

/// Longest path of an API in bytes. A request's URI is bounded near it, so more could not match.
const PATH_MAX: usize = 2048;
/// What only regular expressions have.
const REGEX_SIGNS: &[char] = &['\\', '^', '$', '|', '?', '*', '+', '(', ')', '[', ']'];

/// The path of an API, read.
#[derive(Debug)]
pub(crate) enum Form {
    /// `=/user`, without the sign.
    Exact(String),
    /// `^~/user`, without the sign.
    First(String),
    /// With variables, or a regular expression.
    Pattern(Pattern),
    /// `/user`.
    Plain(String),
}

// === impl Form ===

impl Form {
    /// Reads a path; else says what is wrong, in a sentence that begins with the path.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > PATH_MAX {
            let length = text.len();
            return Err(format!("the path has {length} bytes; at most {PATH_MAX} are accepted"));
        }
        if let Some(exact) = text.strip_prefix('=') {
            return plain(text, exact).map(Self::Exact);
        }
        if let Some(first) = text.strip_prefix("^~") {
            return plain(text, first).map(Self::First);
        }
        if !text.starts_with('/') {
            return Err(format!("`{text}` is not a path: it begins with `/`, `=/` or `^~/`"));
        }
        let variables = Variables::parse(text).map_err(|reason| format!("`{text}`: {reason}"))?;
        match (variables, text.contains(REGEX_SIGNS)) {
            (None, false) => plain(text, text).map(Self::Plain),
            (Some(_), true) => {
                Err(format!("`{text}`: a path has variables or is a regular expression, not both"))
            }
            (Some(variables), false) => {
                for literal in variables.literals() {
                    check(text, literal)?;
                }
                if has_dot_segment(text) {
                    return Err(dot_segment(text));
                }
                Ok(Self::Pattern(Pattern::Variables(variables)))
            }
            (None, true) => {
                let expression =
                    Expression::new(text).map_err(|reason| format!("`{text}`: {reason}"))?;
                Ok(Self::Pattern(Pattern::Regex(Box::new(expression))))
            }
        }
    }

    /// The names of its variables, in their order.
    pub(crate) fn variables(&self) -> &[String] {
        match self {
            Self::Pattern(pattern) => pattern.names(),
            Self::Exact(_) | Self::First(_) | Self::Plain(_) => &[],
        }
    }
}

/// The path without its sign, if it can be that of a request.
fn plain(text: &str, path: &str) -> Result<String, String> {
    if !path.starts_with('/') {
        return Err(format!("`{text}` is not a path: behind its sign it begins with `/`"));
    }
    check(text, path)?;
    if has_dot_segment(path) {
        return Err(dot_segment(text));
    }
    Ok(path.to_owned())
}

fn check(text: &str, literal: &str) -> Result<(), String> {
    if let Some(bad) = literal.chars().find(|c| !may_stand_in_path(*c)) {
        return Err(format!("`{text}` is not a path: `{bad}` can not stand in it"));
    }
    if has_bad_percent(literal) {
        return Err(format!("`{text}`: two hexadecimal digits follow a percent sign"));
    }
    Ok(())
}

fn dot_segment(text: &str) -> String {
    format!("`{text}`: requests with a `.` or `..` segment are refused")
}

/// What RFC 3986 lets stand in a path, percent-encoding included.
fn may_stand_in_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@%/".contains(c)
}
