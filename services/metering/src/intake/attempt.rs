//! One attempt to store what is pending: judge every message, write what is missing.
//!
//! An attempt may be repeated from any point: it judges by what is read back, dead letters and gaps
//! are written where they do not stand, and records only when no row and no cut has their number.

use std::collections::BTreeMap;
use std::time::Duration;

use bus::{Message, Place};
use record::{Record, Stream, Time};
use store::Claim;
use store::records::{Day, RecordBlock};

use super::letters::Letters;
use super::outcome::{Outcome, Tally};
use super::partition::Partition;
use super::readback::read_back;
use super::suspects::{Suspect, impostors};
use crate::close::{clock, later};
use crate::config::Step;
use crate::known::{Fresh, Judged, Known};
use crate::owner::{Owner, Trouble};

/// Records from further ahead are no records: they would wait in an hour that nobody closes. A
/// clock that is wrong by less is a gateway's own trouble.
const FUTURE_MAX: Duration = Duration::from_secs(31 * 86_400);

/// What a message holds.
enum Content<'a> {
    Record(Box<Record<'a>>),
    /// Nothing that can be stored as a record, and why.
    Dead(String),
}

/// The pending messages, sorted by what is to be done with them.
struct Sorted {
    blocks: BTreeMap<Day, Vec<RecordBlock>>,
    letters: Letters,
    gaps: Letters,
    suspects: BTreeMap<Stream, Vec<Suspect>>,
    /// Numbers in flight that become dead letters; all others become rows.
    dead: Vec<(Stream, u64)>,
    tally: Tally,
    /// The later one of our clock and the store's, once that was asked.
    now: Option<Time>,
}

/// One message on its way through an attempt.
struct Passing<'a> {
    message: &'a Message,
    bytes: &'a [u8],
    at: (usize, usize),
    /// An earlier attempt has tried to write it.
    tried: bool,
}

// === impl Partition ===

impl Partition {
    /// Stores all that is pending. `Ok`: every message has its outcome in the store.
    pub(super) async fn attempt(&mut self, owner: &Owner) -> Result<Tally, Trouble> {
        let store = &owner.store;
        let mut sorted = Sorted::new();
        let mut number = 0;
        for (batch_number, batch) in self.pending.iter().enumerate() {
            for (index, (message, bytes)) in batch.iter().enumerate() {
                let tried = self.tried.get_mut(number).expect("one flag for each message");
                let at = (batch_number, index);
                let passing = Passing { message, bytes, at, tried: *tried };
                let known = &mut self.known;
                *tried |= sorted.pass(owner, &self.claim, known, passing).await?;
                number += 1;
            }
        }
        for (stream, suspects) in std::mem::take(&mut sorted.suspects) {
            sorted.tally.duplicates += suspects.len() as u64;
            for suspect in impostors(store, &stream, suspects).await? {
                let batch = &self.pending[suspect.at.0];
                let message = &batch.messages[suspect.at.1];
                let place = (&stream, suspect.seq);
                let reason = "a record with another id is stored with this number";
                let bytes = batch.bytes(message);
                sorted.letters.collision(&self.claim, message, place, reason, bytes)?;
                sorted.tally.duplicates -= 1;
                sorted.tally.add(Outcome::Collision);
            }
        }
        self.write(owner, sorted).await
    }

    async fn write(&mut self, owner: &Owner, sorted: Sorted) -> Result<Tally, Trouble> {
        let Sorted { blocks, letters, gaps, dead, tally, .. } = sorted;
        let rows: u64 = blocks.values().flatten().map(RecordBlock::rows).sum();
        owner.config.step(Step::BeforeInsert);
        if !owner.config.revive {
            letters.write(&owner.store, &self.claim).await?;
        }
        gaps.write(&owner.store, &self.claim).await?;
        owner.config.step(Step::BetweenInserts);
        for block in blocks.into_values().flatten().filter_map(RecordBlock::finish) {
            owner.store.insert(&self.claim, &block).await?;
        }
        for (stream, seq) in dead {
            self.known.get_mut(&stream).expect("it was judged").dead(seq);
        }
        let landed: u64 = self.known.values_mut().map(Known::landed).sum();
        assert_eq!(landed, rows, "DUP-1: what was judged fresh is what was written");
        Ok(tally)
    }
}

// === impl Sorted ===

impl Sorted {
    fn new() -> Self {
        Self {
            blocks: BTreeMap::new(),
            letters: Letters::dead(),
            gaps: Letters::gaps(),
            suspects: BTreeMap::new(),
            dead: Vec::new(),
            tally: Tally::default(),
            now: None,
        }
    }

    fn now(&self, owner: &Owner) -> Time {
        self.now.unwrap_or_else(|| (owner.config.machine)())
    }

    /// Judges one message. Whether this attempt is going to write it.
    async fn pass(
        &mut self,
        owner: &Owner,
        claim: &Claim,
        known: &mut BTreeMap<Stream, Known>,
        passing: Passing<'_>,
    ) -> Result<bool, Trouble> {
        self.tally.read += 1;
        let Passing { message, bytes, .. } = passing;
        let content = match &message.unreadable {
            Some(reason) => Content::Dead(format!("undecodable: {reason}")),
            None => {
                let place = message.place.as_ref();
                match content(place, bytes, self.now(owner)) {
                    // A clock of ours that is behind must not make dead letters of good records.
                    Err(_ahead) => {
                        let stored = clock(&owner.store).await?;
                        self.now = Some(self.now(owner).max(stored));
                        content(place, bytes, self.now(owner)).unwrap_or_else(Content::Dead)
                    }
                    Ok(content) => content,
                }
            }
        };
        let own;
        // A record that has a place agrees with it.
        let (stream, seq) = match (&content, &message.place) {
            (_, Some(place)) => (&*place.stream, place.seq),
            (Content::Record(record), None) => {
                own = stream_of(record);
                (&own, record.seq)
            }
            (Content::Dead(reason), None) => {
                self.letters.letter(claim, message, None, reason, bytes)?;
                self.tally.add(Outcome::Dead);
                return Ok(true);
            }
        };
        if !known.contains_key(stream) {
            let mut found = read_back(&owner.store, stream).await?;
            if owner.config.revive {
                found.revive();
            }
            known.insert(stream.clone(), found);
        }
        let judge = known.get_mut(stream).expect("it was just read back");
        let judged = judge.judge(seq, message.hash);
        if let Judged::Fresh(fresh) = judged {
            self.fresh(claim, stream, seq, fresh, &content)?;
        }
        self.settle(claim, stream, seq, judged, content, &passing)?;
        Ok(matches!(judged, Judged::Fresh(_)))
    }

    fn fresh(
        &mut self,
        claim: &Claim,
        stream: &Stream,
        seq: u64,
        fresh: Fresh,
        content: &Content<'_>,
    ) -> Result<(), Trouble> {
        match fresh {
            Fresh::Next => {}
            Fresh::Fills => self.tally.filled += 1,
            Fresh::Gap { first, last } => {
                let seen_at = match content {
                    Content::Record(record) => record.time,
                    Content::Dead(_) => record::Time(self.tally.newest_ms),
                };
                tracing::warn!(%stream, first, last, seq, "numbers of a stream are missing");
                self.tally.gaps += 1;
                self.gaps.gap(claim, stream, (first, last), seen_at)?;
            }
        }
        Ok(())
    }

    fn settle(
        &mut self,
        claim: &Claim,
        stream: &Stream,
        seq: u64,
        judged: Judged,
        content: Content<'_>,
        passing: &Passing<'_>,
    ) -> Result<(), Trouble> {
        let &Passing { message, bytes, at, tried } = passing;
        let place = Some((stream, seq));
        let outcome = match (judged, content) {
            (Judged::Fresh(_), Content::Record(record)) => {
                self.push(&record);
                Outcome::Stored
            }
            (Judged::Fresh(_), Content::Dead(reason)) => {
                tracing::warn!(%stream, seq, reason, "a message became a dead letter");
                self.letters.letter(claim, message, place, &reason, bytes)?;
                self.dead.push((stream.clone(), seq));
                Outcome::Dead
            }
            // Written by an earlier attempt whose outcome was unknown.
            (Judged::Stored, Content::Record(record)) if tried => {
                self.tally.newest_ms = self.tally.newest_ms.max(record.time.0);
                Outcome::Stored
            }
            (Judged::Dead, _) if tried => Outcome::Dead,
            (Judged::Stored, Content::Record(record)) => {
                let (time, req_id) = (record.time, record.req_id.into_owned());
                let suspect = Suspect { seq, time, req_id, at };
                self.suspects.entry(stream.clone()).or_default().push(suspect);
                return Ok(());
            }
            (Judged::Stored | Judged::Dead | Judged::Twin, _) => Outcome::Duplicate,
            (Judged::Collision, _) => {
                let reason = "another record with this number came before it";
                self.letters.collision(claim, message, (stream, seq), reason, bytes)?;
                Outcome::Collision
            }
        };
        self.tally.add(outcome);
        Ok(())
    }

    fn push(&mut self, record: &Record<'_>) {
        let day = Day::of(record.time).expect("a record of no day is a dead letter");
        let blocks = self.blocks.entry(day).or_default();
        if blocks.last().is_none_or(|block| !block.has_room()) {
            blocks.push(RecordBlock::new(day));
        }
        let block = blocks.last_mut().expect("it was just pushed");
        block.push(record, record::judge(record));
        self.tally.newest_ms = self.tally.newest_ms.max(record.time.0);
    }
}

/// Reads a message; what can not be a row at its place is dead.
///
/// # Errors
/// It is from too far ahead of `now`; if that is the time, it is dead, for this reason.
fn content<'a>(place: Option<&Place>, bytes: &'a [u8], now: Time) -> Result<Content<'a>, String> {
    let record = match record::decode(bytes) {
        Ok(record) => record,
        Err(error) => return Ok(Content::Dead(format!("undecodable: {error}"))),
    };
    if let Some(Place { stream, seq }) = place {
        let same = record.gateway == stream.gateway
            && record.epoch == stream.epoch
            && record.worker == stream.worker
            && record.seq == *seq;
        if !same {
            let own = stream_of(&record);
            let said = record.seq;
            return Ok(Content::Dead(format!(
                "misplaced: the record says {own}/{said}, its message {stream}/{seq}"
            )));
        }
    }
    if Day::of(record.time).is_none() {
        return Ok(Content::Dead(format!("untimely: {} can not be stored", record.time)));
    }
    if record.time > later(now, FUTURE_MAX) {
        let days = FUTURE_MAX.as_secs() / 86_400;
        return Err(format!("untimely: {} is more than {days} days ahead", record.time));
    }
    Ok(Content::Record(Box::new(record)))
}

fn stream_of(record: &Record<'_>) -> Stream {
    let gateway = record.gateway.clone().into_owned();
    Stream { gateway, epoch: record.epoch, worker: record.worker }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_message_that_contradicts_its_place_or_can_not_be_read_is_dead() {
        let stream = Stream { gateway: "g".into(), epoch: 7, worker: 1 };
        let record = Record {
            req_id: "r".into(),
            gateway: "g".into(),
            epoch: 7,
            worker: 1,
            seq: 3,
            time: record::Time(1_700_000_000_000),
            ..Record::default()
        };
        let encode = |record: &Record<'_>| {
            let mut bytes = Vec::new();
            record::encode(record, &mut bytes);
            bytes
        };
        let check = |bytes: &[u8], seq: Option<u64>, expect: &str| {
            let place = seq.map(|seq| Place { stream: Arc::new(stream.clone()), seq });
            let shown = match content(place.as_ref(), bytes, record::Time(1_700_000_000_000)) {
                Ok(Content::Record(record)) => format!("record {}", record.seq),
                Ok(Content::Dead(reason)) => reason,
                Err(ahead) => format!("perhaps {ahead}"),
            };
            assert!(shown.starts_with(expect), "{shown}");
        };
        let bytes = encode(&record);
        check(&bytes, Some(3), "record 3");
        check(&bytes, None, "record 3");
        check(&bytes, Some(4), "misplaced: the record says g/7/1/3, its message g/7/1/4");
        check(b"{", Some(4), "undecodable: ");
        let early = encode(&Record { time: record::Time(-1), ..record.clone() });
        check(&early, Some(3), "undecodable: `time`");
        let ahead = record::Time(record.time.0 + 31 * 86_400_000);
        check(&encode(&Record { time: ahead, ..record.clone() }), Some(3), "record 3");
        let ahead = encode(&Record { time: record::Time(ahead.0 + 1), ..record });
        check(&ahead, Some(3), "perhaps untimely: ");
    }
}
