//! ClickHouse's `Native` format, as much of it as one block of our columns needs.
//!
//! A block is: number of columns, number of rows, then per column its name, its type and its
//! values. Counts and lengths are LEB128, numbers little endian. A `Nullable` column is the
//! nulls of all rows, then the values of all rows.
//!
//! Records arrive row by row, so they are first written one after the other ([`Row`]), in the same
//! forms. [`encode`] then goes through the rows once, in the order of the key, and hands out each
//! value to its column.

use record::{Hour, Millis};

use super::columns::{COLUMNS, TRAVELLING, Wire};

/// Takes the values of one row, in the order of the columns.
pub(crate) struct Row<'a>(pub(crate) &'a mut Vec<u8>);

// === impl Row ===

impl Row<'_> {
    pub(crate) fn text(&mut self, text: &str) {
        put_text(self.0, text);
    }

    pub(crate) fn bool(&mut self, fact: bool) {
        self.0.push(fact.into());
    }

    pub(crate) fn u16(&mut self, number: u16) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Seconds since 1970. The hours of a block lie in one [`Day`](super::Day), so they fit.
    pub(crate) fn hour(&mut self, hour: Hour) {
        let seconds = u32::try_from(hour.start().0 / 1000).expect("a day of the table");
        self.0.extend_from_slice(&seconds.to_le_bytes());
    }

    /// A span of more than 49 days is stored as 49 days: it is a figure for people, nothing is
    /// computed from it.
    pub(crate) fn millis(&mut self, span: Millis) {
        self.0.extend_from_slice(&clamped(span).to_le_bytes());
    }

    pub(crate) fn maybe_millis(&mut self, span: Option<Millis>) {
        self.maybe32(span.map(clamped));
    }

    pub(crate) fn maybe32(&mut self, number: Option<u32>) {
        self.0.push(number.is_none().into());
        self.0.extend_from_slice(&number.unwrap_or(0).to_le_bytes());
    }
}

fn clamped(span: Millis) -> u32 {
    u32::try_from(span.0).unwrap_or(u32::MAX)
}

/// The values of one column, with its name and type before them.
struct Values {
    wire: Wire,
    values: Vec<u8>,
    /// What comes after the values: of a nullable column, `values` are the nulls.
    second: Vec<u8>,
}

/// A block of the rows that begin at `starts` in `rows`, in that order; in pieces.
pub(crate) fn encode(rows: &[u8], starts: impl ExactSizeIterator<Item = usize>) -> Vec<Vec<u8>> {
    let mut head = Vec::new();
    put_length(&mut head, COLUMNS.len());
    put_length(&mut head, starts.len());
    let mut columns: Vec<Values> = COLUMNS.iter().zip(&TRAVELLING).map(Values::new).collect();
    for start in starts {
        let mut rest = &rows[start..];
        for column in &mut columns {
            rest = column.take(rest);
        }
    }
    let values = columns.into_iter().flat_map(|column| [column.values, column.second]);
    std::iter::once(head).chain(values).filter(|piece| !piece.is_empty()).collect()
}

// === impl Values ===

impl Values {
    fn new((column, (name, travelling)): (&super::columns::Column, &(&str, &str))) -> Self {
        let mut values = Vec::new();
        put_text(&mut values, name);
        put_text(&mut values, travelling);
        Self { wire: column.wire, values, second: Vec::new() }
    }

    /// Takes this column's value from the front of a row; the rest of it.
    fn take<'a>(&mut self, row: &'a [u8]) -> &'a [u8] {
        match self.wire {
            Wire::Text => {
                let (value, rest) = row.split_at(text_end(row));
                self.values.extend_from_slice(value);
                rest
            }
            Wire::Fixed(bytes) => {
                let (value, rest) = row.split_at(bytes);
                self.values.extend_from_slice(value);
                rest
            }
            Wire::Nullable32 => {
                let (value, rest) = row.split_at(5);
                self.values.push(value[0]);
                self.second.extend_from_slice(&value[1..]);
                rest
            }
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn put_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// Where the text at the front of `row` ends.
fn text_end(row: &[u8]) -> usize {
    let (mut length, mut shift, mut at) = (0_usize, 0, 0);
    loop {
        let byte = row[at];
        length |= usize::from(byte & 0x7f) << shift;
        (shift, at) = (shift + 7, at + 1);
        if byte < 0x80 {
            return at + length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_leb128() {
        let check = |length, expect: &[u8]| {
            let mut out = Vec::new();
            put_length(&mut out, length);
            assert_eq!(out, expect, "{length}");
        };
        check(0, &[0]);
        check(127, &[0x7f]);
        check(128, &[0x80, 0x01]);
        check(300, &[0xac, 0x02]);
        check(16_384, &[0x80, 0x80, 0x01]);
    }

    #[test]
    fn a_text_ends_where_its_length_says() {
        for length in [0, 1, 127, 128, 300, 16_384] {
            let mut row = Vec::new();
            put_text(&mut row, &"x".repeat(length));
            let end = row.len();
            put_text(&mut row, "next");
            assert_eq!(text_end(&row), end, "{length}");
        }
    }
}
