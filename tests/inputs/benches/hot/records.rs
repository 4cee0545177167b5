//! The records of the benches: a thousand of a busy installation, all different, of one hour.

use inputs::rows::{Rows, Sizes, Span, Words};
use record::{Record, Time};

pub const COUNT: usize = 1_000;

/// 2026-11-17T12:00:00Z
const BEGIN: Time = Time(1_794_916_800_000);
const HOUR_MS: u64 = 3_600_000;

pub fn words() -> Words {
    Words::new(Sizes::default())
}

pub fn records(words: &Words) -> Vec<Record<'_>> {
    let span = Span { rows: COUNT as u64, begin: BEGIN, length: HOUR_MS };
    let mut rows = Rows::new(words, span, BEGIN.0.unsigned_abs());
    let records: Vec<Record<'_>> = std::iter::from_fn(|| rows.next_record()).collect();
    assert_eq!(records.len(), COUNT);
    records
}

/// One record as it stands in the spool.
pub fn encoded(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    record::encode(record, &mut bytes);
    bytes
}
