//! The grammar of the `Authorization` header: `hmac key="value", key="value", …`.
//!
//! The scheme may be written in any case. Keys may come in any order; unknown ones are skipped,
//! so that a later form of the header is still understood; none may come twice, because two
//! readers could believe different ones. Values hold no `"`: there is no escape.

use nom::bytes::complete::{tag_no_case, take_while, take_while1};
use nom::character::complete::{char, space0, space1};
use nom::combinator::all_consuming;
use nom::multi::fold_many0;
use nom::sequence::{delimited, preceded, separated_pair, terminated};
use nom::{IResult, Parser};

/// What the header says. A part that is absent is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Authorization<'h> {
    pub(super) id: &'h str,
    pub(super) algorithm: &'h str,
    pub(super) headers: &'h str,
    pub(super) signature: &'h str,
}

/// The parts while they are collected: which keys came, so that none comes twice.
#[derive(Clone, Copy, Default)]
struct Parts<'h> {
    id: Option<&'h str>,
    algorithm: Option<&'h str>,
    headers: Option<&'h str>,
    signature: Option<&'h str>,
    repeated: bool,
}

// === impl Authorization ===

impl<'h> Authorization<'h> {
    /// Reads the whole header, or nothing.
    pub(super) fn parse(text: &'h str) -> Option<Self> {
        let (_, parts) = all_consuming(terminated(header, space0)).parse(text).ok()?;
        if parts.repeated {
            return None;
        }
        Some(Self {
            id: parts.id.unwrap_or_default(),
            algorithm: parts.algorithm.unwrap_or_default(),
            headers: parts.headers.unwrap_or_default(),
            signature: parts.signature.unwrap_or_default(),
        })
    }
}

// === impl Parts ===

impl<'h> Parts<'h> {
    fn with(mut self, (key, value): (&'h str, &'h str)) -> Self {
        let slot = match key {
            "id" => &mut self.id,
            "algorithm" => &mut self.algorithm,
            "headers" => &mut self.headers,
            "signature" => &mut self.signature,
            _ => return self,
        };
        self.repeated |= slot.replace(value).is_some();
        self
    }
}

fn header(text: &str) -> IResult<&str, Parts<'_>> {
    let (text, _) = (tag_no_case("hmac"), space1).parse(text)?;
    let (text, first) = parameter(text)?;
    let further = preceded((space0, char(','), space0), parameter);
    let start = move || Parts::default().with(first);
    fold_many0(further, start, Parts::with).parse(text)
}

fn parameter(text: &str) -> IResult<&str, (&str, &str)> {
    let key = take_while1(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let value = delimited(char('"'), take_while(|c| c != '"'), char('"'));
    separated_pair(key, (space0, char('='), space0), value).parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_form_is_read() {
        let text =
            r#"hmac id="AKID", algorithm="hmac-sha1", headers="date source", signature="a+/=""#;
        let expect = Authorization {
            id: "AKID",
            algorithm: "hmac-sha1",
            headers: "date source",
            signature: "a+/=",
        };
        assert_eq!(Authorization::parse(text), Some(expect));
        let loose = r#"HMAC signature = "a+/=",id="AKID" ,x-later="1",headers="date source", algorithm="hmac-sha1" "#;
        assert_eq!(Authorization::parse(loose), Some(expect));
    }

    #[test]
    fn parts_may_be_absent_or_empty() {
        let expect = Authorization { id: "a", ..Authorization::default() };
        assert_eq!(Authorization::parse(r#"hmac id="a""#), Some(expect));
        assert_eq!(Authorization::parse(r#"hmac id="a", signature="""#), Some(expect));
    }

    #[test]
    fn anything_else_is_refused_whole() {
        let bad = [
            "",
            "hmac",
            "hmac ",
            "Basic dTpw",
            r#"hmacid="a""#,
            r#"hmac id=a"#,
            r#"hmac id="a"#,
            r#"hmac id="a","#,
            r#"hmac id="a" signature="b""#,
            r#"hmac ,id="a""#,
            r#"hmac id="a", id="a""#,
            r#"hmac id="a"; signature="b""#,
            r#"hmac id="a" x"#,
            r#"hmac ="a""#,
        ];
        for text in bad {
            assert_eq!(Authorization::parse(text), None, "{text}");
        }
    }
}
