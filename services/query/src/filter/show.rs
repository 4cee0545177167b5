//! A filter as text again: one form for each tree, which page tokens are bound to.

use std::fmt::{self, Display, Formatter, Write};

use record::Millis;

use super::{Filter, Kind, Op, Term, Value};

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => {
                joined(f, parts, " AND ", |part| matches!(part, Self::All(_) | Self::Any(_)))
            }
            Self::Any(parts) => joined(f, parts, " OR ", |part| matches!(part, Self::Any(_))),
            Self::Not(part) => {
                f.write_str("NOT ")?;
                grouped(f, part, matches!(**part, Self::All(_) | Self::Any(_)))
            }
            Self::Term(term) => term.fmt(f),
        }
    }
}

fn joined(
    f: &mut Formatter<'_>,
    parts: &[Filter],
    word: &str,
    in_parentheses: impl Fn(&Filter) -> bool,
) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(word)?;
        }
        grouped(f, part, in_parentheses(part))?;
    }
    Ok(())
}

fn grouped(f: &mut Formatter<'_>, part: &Filter, in_parentheses: bool) -> fmt::Result {
    if in_parentheses { write!(f, "({part})") } else { part.fmt(f) }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.field.name, self.op.as_str())?;
        match self.op {
            Op::In => {
                f.write_char('(')?;
                for (at, value) in self.values.iter().enumerate() {
                    f.write_str(if at > 0 { ", " } else { "" })?;
                    shown(f, self.field.kind, value)?;
                }
                f.write_char(')')
            }
            _ => self.values.iter().try_for_each(|value| shown(f, self.field.kind, value)),
        }
    }
}

fn shown(f: &mut Formatter<'_>, kind: Kind, value: &Value) -> fmt::Result {
    match value {
        Value::Empty => f.write_char('-'),
        Value::Text(text) => quoted(f, text),
        Value::Number(ms) if matches!(kind, Kind::Seconds | Kind::MaybeSeconds) => {
            Millis(*ms).fmt(f)
        }
        Value::Number(number) => number.fmt(f),
        Value::Time(time) => f.write_str(&time.to_rfc3339()),
        Value::Range(range) if range.prefix_len() == range.max_prefix_len() => range.addr().fmt(f),
        Value::Range(range) => range.fmt(f),
        Value::Word(word) => f.write_str(word),
        Value::Flag(flag) => flag.fmt(f),
    }
}

fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}
