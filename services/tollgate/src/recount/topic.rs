//! The hour's records as they are in Kafka, while it keeps them.
//!
//! - The cut knows the last offset of each partition that was stored when it was made. Commits come
//!   a little after what they commit, so when something is missing at that offset, some more are
//!   read.
//! - Reading begins with what was stamped shortly before the hour; what stands before that is read
//!   only when something is missing. Both orders see the same messages: clocks decide nothing.
//! - Messages that are no record of their place (unreadable, misplaced) are passed over, as they
//!   are dead letters and in no range.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::Context;
use bus::Message;
use bus::kafka::{Config, EndsError, Kept, SpanReader, kept, stamped_since};
use record::{Hour, Record, Time, decode, judge};

use super::Progress;
use super::compare::Records;
use super::count::{Usages, count};
use super::standing::Standing;

/// Messages that metering may have stored and not yet committed when the cut was made: at most an
/// insert or two of a partition.
const BEYOND_MAX: u64 = 1_000_000;

/// A message is written after its record; that gateways' and brokers' clocks agree is not taken for
/// granted.
const MARGIN_MS: i64 = 3_600_000;

/// What was counted from Kafka.
pub(crate) enum Shipped {
    /// All records of the hour that came through the topic: how many.
    All { records: u64 },
    /// Some were dropped by Kafka in the meantime: how many were there, and how many not. They are
    /// compared one by one, and come to no bill.
    Partly { records: u64, gone: u64 },
    /// Nothing, and why.
    Skipped(String),
}

/// Where the hour's messages are.
pub(crate) enum Topic<'a> {
    There { config: &'a Config, spans: Vec<Span>, dropped: bool },
    Skipped(String),
}

/// What is to be read of one partition.
pub(crate) struct Span {
    partition: u32,
    /// Up to the cut's end, from what was stamped shortly before the hour.
    near: Range<u64>,
    /// All that is kept before it.
    before: Range<u64>,
    /// A little more after it.
    beyond: Range<u64>,
}

/// Looks whether the topic still holds what the cut knows of it.
///
/// # Errors
/// The broker does not answer.
pub(crate) async fn find<'a>(
    config: Option<&'a Config>,
    standing: &Standing,
    hour: Hour,
) -> anyhow::Result<Topic<'a>> {
    let Some(config) = config else {
        return Ok(Topic::Skipped("records do not come through Kafka here".to_owned()));
    };
    let (topic, source) = (&config.topic, format!("kafka:{}", config.topic));
    let ends = standing.ends.iter().filter(|((of, _), _)| *of == source);
    let ends: BTreeMap<u32, u64> = ends.map(|((_, part), position)| (*part, *position)).collect();
    if ends.is_empty() {
        let why = format!("the cut of {hour} knows no offsets of topic `{topic}`");
        return Ok(Topic::Skipped(why));
    }
    let held = match kept(config).await {
        Ok(held) => held,
        Err(EndsError::NoTopic { topic }) => {
            return Ok(Topic::Skipped(format!("the broker has no topic `{topic}`")));
        }
        Err(error) => return Err(error).context("Kafka could not be asked what it keeps"),
    };
    for (part, position) in &ends {
        let end = held.get(part).map_or(0, |held| held.end);
        if end <= *position {
            let why = format!(
                "partition {part} of topic `{topic}` ends before offset {position}, which the cut \
                 knows: the topic was made anew"
            );
            return Ok(Topic::Skipped(why));
        }
    }
    let since = Time(hour.start().0.saturating_sub(MARGIN_MS));
    let near = stamped_since(config, since).await.context("Kafka could not be asked for a time")?;
    let dropped = held.values().any(|held| held.start > 0);
    Ok(Topic::There { config, spans: spans(&held, &ends, &near), dropped })
}

fn spans(held: &Kept, ends: &BTreeMap<u32, u64>, near: &BTreeMap<u32, u64>) -> Vec<Span> {
    let span = |(&partition, held): (&u32, &Range<u64>)| {
        let past = ends.get(&partition).map_or(held.start, |end| end.saturating_add(1));
        let past = past.clamp(held.start, held.end);
        let first = near.get(&partition).copied().unwrap_or(past).clamp(held.start, past);
        let beyond = past.saturating_add(BEYOND_MAX).min(held.end);
        Span { partition, near: first..past, before: held.start..first, beyond: past..beyond }
    };
    held.iter().map(span).collect()
}

// === impl Topic ===

impl Topic<'_> {
    /// Reads the hour's records, compares each, and adds its use.
    ///
    /// # Errors
    /// The broker does not answer, or drops what is being read.
    pub(crate) async fn read(
        self,
        hour: Hour,
        records: &mut Records<'_>,
        usages: &mut Usages,
        progress: &mut Progress,
    ) -> anyhow::Result<Shipped> {
        let (config, spans, dropped) = match self {
            Self::There { config, spans, dropped } => (config, spans, dropped),
            Self::Skipped(why) => return Ok(Shipped::Skipped(why)),
        };
        let mut reading = Reading { config, hour, records, usages, progress, found: 0, read: 0 };
        for span in &spans {
            reading.span(span.partition, &span.near, false).await?;
        }
        for span in &spans {
            reading.span(span.partition, &span.beyond, true).await?;
        }
        for span in &spans {
            reading.span(span.partition, &span.before, true).await?;
        }
        let found = reading.found;
        let gone = records.all_shipped_seen(dropped);
        Ok(match (found, gone) {
            (records, 0) => Shipped::All { records },
            (0, _) => {
                let why = format!("topic `{}` no longer keeps the records of {hour}", config.topic);
                Shipped::Skipped(why)
            }
            (records, gone) => Shipped::Partly { records, gone },
        })
    }
}

struct Reading<'a, 'r> {
    config: &'a Config,
    hour: Hour,
    records: &'a mut Records<'r>,
    usages: &'a mut Usages,
    progress: &'a mut Progress,
    /// Records of the hour.
    found: u64,
    /// Messages, whatever they are.
    read: u64,
}

impl Reading<'_, '_> {
    /// Reads a span; with `search` only until nothing is missing.
    async fn span(
        &mut self,
        partition: u32,
        offsets: &Range<u64>,
        search: bool,
    ) -> anyhow::Result<()> {
        if offsets.is_empty() || (search && self.records.missing() == 0) {
            return Ok(());
        }
        let mut reader = SpanReader::new(self.config, partition, offsets.clone())?;
        while let Some(batch) = reader.next().await? {
            for (message, bytes) in batch.iter() {
                self.message(message, bytes);
            }
            self.read += batch.messages.len() as u64;
            self.progress.say(&format!("topic `{}`", self.config.topic), self.read);
            if search && self.records.missing() == 0 {
                break;
            }
        }
        Ok(())
    }

    fn message(&mut self, message: &Message, bytes: &[u8]) {
        let place = message.place.as_ref();
        let wanted = place.is_none_or(|place| self.records.wants(&place.stream, place.seq));
        if !wanted || message.unreadable.is_some() {
            return;
        }
        let Ok(record) = decode(bytes) else { return };
        let stream = record.stream();
        let misplaced =
            place.is_some_and(|place| *place.stream != stream || place.seq != record.seq);
        if misplaced || record.time.hour() != self.hour {
            return;
        }
        if self.records.shipped(&stream, &record) {
            self.found += 1;
            self.count(&record);
        }
    }

    fn count(&mut self, record: &Record<'_>) {
        count(self.usages, record, judge(record));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kept_offset_up_to_the_end_is_in_one_span_and_a_little_more_beyond() {
        let check =
            |held: Range<u64>, end: Option<u64>, near: Option<u64>, expect: [Range<u64>; 3]| {
                let (held, ends) = ([(3, held)].into(), end.map(|end| (3, end)));
                let near = near.map(|near| (3, near)).into_iter().collect();
                let found = spans(&held, &ends.into_iter().collect(), &near);
                let Span { partition: 3, near, before, beyond } = &found[0] else {
                    panic!("it is the partition's")
                };
                assert_eq!([before, near, beyond].map(Clone::clone), expect);
            };
        check(0..100, Some(59), Some(20), [0..20, 20..60, 60..100]);
        check(30..100, Some(59), Some(30), [30..30, 30..60, 60..100]);
        // Nothing is stamped so late, or only what comes after the end.
        check(0..100, Some(59), None, [0..60, 60..60, 60..100]);
        check(0..100, Some(59), Some(80), [0..60, 60..60, 60..100]);
        // What the cut knows is dropped, or it knows nothing of the partition.
        check(70..100, Some(59), Some(70), [70..70, 70..70, 70..100]);
        check(0..100, None, Some(20), [0..0, 0..0, 0..100]);
        check(0..3_000_000, Some(0), Some(0), [0..0, 0..1, 1..1_000_001]);
    }
}
