//! Reads a filter: OR binds loosest, then AND, then NOT.
//!
//! ```text
//! any   = all (OR all)*
//! all   = not (AND not)*
//! not   = NOT not | '(' any ')' | term
//! term  = field op value | field in value | field in '(' value (',' value)* ')'
//! value = "text" | word without spaces, quotes, parentheses and commas | -
//! ```

use std::cell::Cell;

use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::{char, multispace0};
use nom::error::{ErrorKind, ParseError};
use nom::sequence::preceded;
use nom::{IResult, Parser};
use thiserror::Error;

use super::field::FIELDS;
use super::{BYTES_MAX, DEPTH_MAX, Field, Filter, Op, TERMS_MAX, Term, Value, value};

/// Where a filter can not be read, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("column {column}: {expected}")]
pub struct FilterError {
    /// Counted in characters, from 1; one past the last at the end.
    pub column: usize,
    /// A sentence.
    pub expected: String,
}

/// A failure while reading: what was left then, in bytes.
#[derive(Debug)]
struct Fail {
    left: usize,
    expected: String,
}

type Res<'a, T> = IResult<&'a str, T, Fail>;

/// What is counted on the way.
#[derive(Default)]
struct Count {
    terms: Cell<usize>,
}

/// The filter of a text.
pub(crate) fn parse(text: &str) -> Result<Filter, FilterError> {
    if text.len() > BYTES_MAX {
        let kept = text.char_indices().take_while(|(at, _)| *at < BYTES_MAX).count();
        let expected = format!("expected the end: a filter has at most {BYTES_MAX} bytes");
        return Err(FilterError { column: kept + 1, expected });
    }
    let read = any(&Count::default(), 0, text).and_then(|(rest, filter)| {
        let (rest, _) = multispace0(rest)?;
        match rest {
            "" => Ok(filter),
            rest => Err(fail(rest, "expected `AND`, `OR` or the end")),
        }
    });
    read.map_err(|error| match error {
        nom::Err::Error(fail) | nom::Err::Failure(fail) => {
            let read = text.get(..text.len() - fail.left).unwrap_or(text);
            FilterError { column: read.chars().count() + 1, expected: fail.expected }
        }
        // The parsers of `complete` never say it.
        nom::Err::Incomplete(_) => {
            FilterError { column: text.chars().count() + 1, expected: "expected more".to_owned() }
        }
    })
}

fn any<'a>(count: &Count, depth: usize, input: &'a str) -> Res<'a, Filter> {
    let (rest, parts) = joined("OR", input, |input| all(count, depth, input))?;
    Ok((rest, group(parts, Filter::Any)))
}

fn all<'a>(count: &Count, depth: usize, input: &'a str) -> Res<'a, Filter> {
    let (rest, parts) = joined("AND", input, |input| not(count, depth, input))?;
    Ok((rest, group(parts, Filter::All)))
}

/// One part, and further ones that follow the word.
fn joined<'a>(
    word: &str,
    input: &'a str,
    part: impl Fn(&'a str) -> Res<'a, Filter>,
) -> Res<'a, Vec<Filter>> {
    let (mut rest, first) = part(input)?;
    let mut parts = vec![first];
    while let Some(after) = keyword(word, rest) {
        let (left, next) = part(after)?;
        parts.push(next);
        rest = left;
    }
    Ok((rest, parts))
}

/// A single part stands for itself.
fn group(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

fn not<'a>(count: &Count, depth: usize, input: &'a str) -> Res<'a, Filter> {
    let (input, _) = multispace0(input)?;
    let (inner, negated) = match keyword("NOT", input) {
        Some(rest) => (rest, true),
        None => match input.strip_prefix('(') {
            Some(rest) => (rest, false),
            None => return term(count, input),
        },
    };
    if depth >= DEPTH_MAX {
        let expected = format!("parentheses and `NOT` nest at most {DEPTH_MAX} deep");
        return Err(fail(input, expected));
    }
    if negated {
        let (rest, part) = not(count, depth + 1, inner)?;
        return Ok((rest, Filter::Not(Box::new(part))));
    }
    let (rest, part) = any(count, depth + 1, inner)?;
    let (rest, _) = multispace0(rest)?;
    match rest.strip_prefix(')') {
        Some(rest) => Ok((rest, part)),
        None => Err(fail(rest, "expected `AND`, `OR` or `)`")),
    }
}

fn term<'a>(count: &Count, input: &'a str) -> Res<'a, Filter> {
    let (rest, field) = field(input)?;
    let (rest, op) = op(field, rest)?;
    let (rest, _) = multispace0(rest)?;
    let (rest, values) = match rest.strip_prefix('(') {
        Some(inner) if op == Op::In => list(count, field, inner)?,
        _ => {
            let (rest, value) = value(count, field, op, rest)?;
            (rest, vec![value])
        }
    };
    Ok((rest, Filter::Term(Term { field, op, values })))
}

fn field(input: &str) -> Res<'_, &'static Field> {
    let (rest, name) = take_while(is_word)(input)?;
    match Field::find(name) {
        Some(field) => Ok((rest, field)),
        None if name.is_empty() => Err(fail(input, "expected a field like `rsp_st`, `NOT` or `(`")),
        None => {
            let names: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
            let expected = format!("`{name}` is no field: expected one of {}", names.join(", "));
            Err(fail(input, expected))
        }
    }
}

fn op<'a>(field: &Field, input: &'a str) -> Res<'a, Op> {
    let (input, _) = multispace0(input)?;
    let found = Op::ALL.iter().find_map(|(text, op)| match op {
        Op::In => keyword(text, input).map(|rest| (rest, *op)),
        _ => input.strip_prefix(text).map(|rest| (rest, *op)),
    });
    match found {
        Some((rest, op)) if field.kind.takes(op) => Ok((rest, op)),
        Some((_, op)) => {
            let (name, op, ops) = (field.name, op.as_str(), field.kind.ops());
            Err(fail(input, format!("`{name}` does not take `{op}`: expected {ops}")))
        }
        None => Err(fail(input, format!("expected {} after `{}`", field.kind.ops(), field.name))),
    }
}

/// The values of a list, its opening parenthesis read.
fn list<'a>(count: &Count, field: &Field, input: &'a str) -> Res<'a, Vec<Value>> {
    let mut values = Vec::new();
    let mut rest = input;
    loop {
        let (left, _) = multispace0(rest)?;
        let (left, next) = value(count, field, Op::In, left)?;
        values.push(next);
        let (left, _) = multispace0(left)?;
        rest = match (left.strip_prefix(','), left.strip_prefix(')')) {
            (Some(left), _) => left,
            (None, Some(left)) => return Ok((left, values)),
            (None, None) => return Err(fail(left, "expected `,` or `)`")),
        };
    }
}

fn value<'a>(count: &Count, field: &Field, op: Op, input: &'a str) -> Res<'a, Value> {
    if count.terms.replace(count.terms.get() + 1) >= TERMS_MAX {
        let expected = format!("a filter has at most {TERMS_MAX} comparisons");
        return Err(fail(input, expected));
    }
    let wrong = || fail(input, format!("expected {}", field.kind.values()));
    let (rest, text) = match input.strip_prefix('"') {
        Some(inner) => quoted(inner)?,
        None => {
            let mut word = take_while1::<_, _, Fail>(|c: char| {
                !c.is_whitespace() && !matches!(c, '"' | '(' | ')' | ',')
            });
            let (rest, word) = word.parse_complete(input).map_err(|_: nom::Err<Fail>| wrong())?;
            let empty = word == "-";
            (rest, if empty { String::new() } else { word.to_owned() })
        }
    };
    if !text.is_empty() {
        return value::read(field.kind, op, &text).map(|value| (rest, value)).ok_or_else(wrong);
    }
    match op {
        Op::Equal | Op::Unequal | Op::In if field.kind.may_be_empty() => Ok((rest, Value::Empty)),
        Op::Equal | Op::Unequal | Op::In => {
            let (name, values) = (field.name, field.kind.values());
            Err(fail(input, format!("`{name}` is never empty: expected {values}")))
        }
        _ => {
            let op = op.as_str();
            Err(fail(input, format!("empty goes with `=`, `!=` and `in`, not with `{op}`")))
        }
    }
}

/// A text in quotes, the first one read.
fn quoted(input: &str) -> Res<'_, String> {
    let mut text = String::new();
    let mut rest = input;
    loop {
        let (left, plain) = take_while(|c| !matches!(c, '"' | '\\'))(rest)?;
        text.push_str(plain);
        let mut next = left.chars();
        match (next.next(), next.next()) {
            (Some('"'), _) => return char('"')(left).map(|(rest, _)| (rest, text)),
            (Some('\\'), Some(c @ ('"' | '\\'))) => {
                text.push(c);
                rest = next.as_str();
            }
            (Some(_), _) => {
                return Err(fail(
                    left,
                    "expected `\\\"` or `\\\\`: a `\\` stands before these two",
                ));
            }
            (None, _) => return Err(fail(left, "expected `\"`: the text has no end")),
        }
    }
}

/// What follows the word, if it stands here, in any case.
fn keyword<'a>(word: &str, input: &'a str) -> Option<&'a str> {
    let read: Res<'a, &'a str> = preceded(multispace0, take_while1(is_word)).parse(input);
    read.ok().filter(|(_, found)| found.eq_ignore_ascii_case(word)).map(|(rest, _)| rest)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn fail(rest: &str, expected: impl Into<String>) -> nom::Err<Fail> {
    nom::Err::Failure(Fail { left: rest.len(), expected: expected.into() })
}

// === impl Fail ===

impl ParseError<&str> for Fail {
    fn from_error_kind(input: &str, _: ErrorKind) -> Self {
        Self { left: input.len(), expected: "expected something else".to_owned() }
    }

    fn append(_: &str, _: ErrorKind, other: Self) -> Self {
        other
    }
}
