//! The rows of dead letters and gaps.
//!
//! A dead letter is told apart by its place and a hash of its bytes, or, when not even its place is
//! known, by its position and the hash: the positions of some sources begin anew at each start. So
//! the same message becomes one dead letter, however often it is tried.

use bus::Message;
use record::Stream;
use serde::Serialize;
use store::tables::{DEAD_LETTERS, GAPS, Table};
use store::{Claim, Hex, Rows, RowsError, Store};

use crate::owner::Trouble;

/// Rows that are written where they do not stand yet, in as many calls as they need.
#[derive(Debug)]
pub(super) struct Letters {
    table: &'static Table,
    full: Vec<Rows>,
    rows: Rows,
}

#[derive(Serialize)]
struct Letter<'a> {
    source: &'a str,
    part: u32,
    position: String,
    gateway: &'a str,
    epoch: u64,
    worker: u16,
    seq: Option<u64>,
    reason: &'a str,
    bytes: Hex<'a>,
    hash: u64,
}

#[derive(Serialize)]
struct Gap<'a> {
    source: &'a str,
    part: u32,
    gateway: &'a str,
    epoch: u64,
    worker: u16,
    first: u64,
    last: u64,
    seen_at: String,
}

// === impl Letters ===

impl Letters {
    pub(super) fn dead() -> Self {
        Self::of(&DEAD_LETTERS)
    }

    pub(super) fn gaps() -> Self {
        Self::of(&GAPS)
    }

    fn of(table: &'static Table) -> Self {
        Self { table, full: Vec::new(), rows: Rows::new(table) }
    }

    /// Adds the letter of a message whose number another record has. It names no number: a number
    /// in a dead letter is read back as dead, and this one belongs to the other record, which may
    /// not be stored yet.
    pub(super) fn collision(
        &mut self,
        claim: &Claim,
        message: &Message,
        (stream, seq): (&Stream, u64),
        reason: &str,
        bytes: &[u8],
    ) -> Result<(), RowsError> {
        let reason = format!("collision: {reason}");
        self.push_letter(claim, message, (Some(stream), Some(seq)), None, &reason, bytes)
    }

    /// Adds a dead letter. Its number, when it has a place, is dead from then on.
    pub(super) fn letter(
        &mut self,
        claim: &Claim,
        message: &Message,
        place: Option<(&Stream, u64)>,
        reason: &str,
        bytes: &[u8],
    ) -> Result<(), RowsError> {
        let (stream, seq) = place.unzip();
        self.push_letter(claim, message, (stream, seq), seq, reason, bytes)
    }

    fn push_letter(
        &mut self,
        claim: &Claim,
        message: &Message,
        (stream, at): (Option<&Stream>, Option<u64>),
        seq: Option<u64>,
        reason: &str,
        bytes: &[u8],
    ) -> Result<(), RowsError> {
        let hash = message.hash;
        let position = match (stream, at) {
            (Some(stream), Some(at)) => format!("{stream}/{at}#{hash:016x}"),
            _ => format!("{}#{hash:016x}", message.position),
        };
        self.push(&Letter {
            source: &claim.source,
            part: claim.part,
            position,
            gateway: stream.map_or("", |stream| &stream.gateway),
            epoch: stream.map_or(0, |stream| stream.epoch),
            worker: stream.map_or(0, |stream| stream.worker),
            seq,
            reason,
            bytes: Hex(bytes),
            hash,
        })
    }

    /// Adds a gap, seen when the record after it was written.
    pub(super) fn gap(
        &mut self,
        claim: &Claim,
        stream: &Stream,
        (first, last): (u64, u64),
        seen_at: record::Time,
    ) -> Result<(), RowsError> {
        self.push(&Gap {
            source: &claim.source,
            part: claim.part,
            gateway: &stream.gateway,
            epoch: stream.epoch,
            worker: stream.worker,
            first,
            last,
            seen_at: seen_at.to_rfc3339(),
        })
    }

    fn push(&mut self, row: &impl Serialize) -> Result<(), RowsError> {
        match self.rows.push(row) {
            Err(RowsError::Full { .. }) => {
                let full = std::mem::replace(&mut self.rows, Rows::new(self.table));
                self.full.push(full);
                self.rows.push(row)
            }
            other => other,
        }
    }

    /// Writes them, fenced.
    pub(super) async fn write(&self, store: &Store, claim: &Claim) -> Result<(), Trouble> {
        for rows in self.full.iter().chain([&self.rows]) {
            store.insert_absent(claim, rows).await?;
        }
        Ok(())
    }
}
