//! One record on its way: its partition, its headers, and what happens when it is refused.

use std::io;
use std::sync::Arc;

use rdkafka::error::RDKafkaErrorCode as Code;
use record::Stream;
use spool::Frame;

use super::super::producer::{Outgoing, SendError, Ticket};
use super::{SERVE_FULL, Ship};
use crate::kafka::message;
use crate::kafka::topic::TopicError;

/// Why a stream can not be sent now.
enum NoLane {
    Io(io::Error),
    Topic(TopicError),
}

impl Ship {
    /// Sends a record, with Kafka's time of it. When that fails, `failed` says so.
    pub(super) fn send(&mut self, frame: &Frame, payload: &[u8], stamp: i64) {
        let lane = match self.lane(&frame.stream) {
            Ok(lane) => lane,
            Err(NoLane::Io(error)) => {
                return self.trouble(&format!("a stream's partition can not be kept: {error}"));
            }
            Err(NoLane::Topic(error)) => {
                self.refuse(error);
                return self.failed = Some(super::Failure::Refusal);
            }
        };
        let mut suspect = false;
        if !self.condemned.is_empty() || !self.suspects.is_empty() {
            let place = (Arc::clone(&frame.stream), frame.seq);
            if let Some((code, _)) = self.condemned.get(&place) {
                return self.bury(frame, payload, stamp, lane, *code);
            }
            suspect = self.suspects.contains(&place);
            if suspect {
                self.drain();
                self.alone = Some(place);
            }
        }
        if self.failed.is_none() && !self.over() {
            match self.put(frame, lane, payload, stamp, None) {
                Ok(()) => {}
                Err(SendError::Refused(code)) => self.bury(frame, payload, stamp, lane, code),
                Err(SendError::Failed(error)) => self.trouble(&error.to_string()),
                Err(SendError::Full) => self.trouble("there is no room for long"),
            }
        }
        if suspect {
            self.drain();
            let place = self.alone.take();
            if self.failed.is_none()
                && !self.over()
                && let Some(place) = place
            {
                self.suspects.remove(&place);
                if self.suspects.is_empty() {
                    // The next producer waits for company again.
                    self.failed = Some(super::Failure::Refusal);
                }
            }
        }
    }

    /// Keeps a record that is never taken, and sends an empty message in its place.
    fn bury(&mut self, frame: &Frame, payload: &[u8], stamp: i64, lane: usize, code: Code) {
        let kept = match self.reader.keep_refused(&frame.stream, frame.seq, payload) {
            Ok(kept) => kept,
            Err(error) => {
                return self.trouble(&format!("a refused record can not be kept: {error}"));
            }
        };
        let place = (Arc::clone(&frame.stream), frame.seq);
        let (_, counted) = self.condemned.entry(place).or_insert((code, false));
        if !std::mem::replace(counted, true) {
            self.state.refused += 1;
            tracing::error!(
                stream = %frame.stream,
                seq = frame.seq,
                bytes = payload.len(),
                reason = %code,
                kept = %kept.display(),
                "the broker refused a record for good; an empty message takes its place"
            );
        }
        if let Err(error) = self.put(frame, lane, &[], stamp, Some(&code.to_string())) {
            self.trouble(&format!("the message in a record's place was not taken: {error:?}"));
        }
    }

    /// Gives a message to the client, waiting for room.
    fn put(
        &mut self,
        frame: &Frame,
        lane: usize,
        payload: &[u8],
        stamp: i64,
        refused: Option<&str>,
    ) -> Result<(), SendError> {
        let (seq, hash) = (frame.seq, frame.hash);
        let ticket = Ticket { lane, seq, bytes: payload.len() };
        loop {
            let Some(producer) = &mut self.producer else { return Err(SendError::Full) };
            let way = self.lanes.get(lane);
            let headers = match refused {
                None => message::headers(seq, hash),
                Some(reason) => message::refused(seq, hash, reason),
            };
            let (partition, key) = (way.partition, way.key.as_str());
            match producer.send(Outgoing { ticket, partition, key, headers, stamp, payload }) {
                Ok(()) => {
                    self.lanes.sent(ticket);
                    return Ok(());
                }
                Err(SendError::Full) if !self.over() && self.failed.is_none() => {
                    self.serve(*SERVE_FULL.start());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until nothing is under way.
    fn drain(&mut self) {
        while self.lanes.count() > 0 && self.failed.is_none() && !self.over() {
            self.serve(*SERVE_FULL.start());
        }
    }

    /// The lane of a stream. Its partition is chosen once, and kept before anything is sent.
    fn lane(&mut self, stream: &Arc<Stream>) -> Result<usize, NoLane> {
        if let Some(lane) = self.lanes.number(stream) {
            return Ok(lane);
        }
        let partitions = self.topic.map_or(1, |topic| topic.partitions);
        let kept = self.reader.partition(stream).map_err(NoLane::Io)?;
        let partition = match kept.map(|kept| u32::try_from(kept).unwrap_or(u32::MAX)) {
            Some(partition) if partition < partitions => partition,
            Some(partition) => {
                // Another partition would part the stream from what is there of it already.
                let (topic, stream) = (self.config.topic.clone(), stream.to_string());
                return Err(NoLane::Topic(TopicError::Shrunk {
                    topic,
                    stream,
                    partition,
                    partitions,
                }));
            }
            None => {
                let partition = choose(stream, partitions);
                let kept = self.reader.keep_partition(stream, u64::from(partition));
                kept.map_err(NoLane::Io)?;
                partition
            }
        };
        let partition = i32::try_from(partition).expect("Kafka counts partitions so");
        Ok(self.lanes.add(stream, partition))
    }
}

/// Spreads the streams over the partitions: FNV-1a, whose low bits differ for neighbours.
fn choose(stream: &Stream, partitions: u32) -> u32 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = stream.to_string().bytes().fold(0xcbf2_9ce4_8422_2325, step);
    let chosen = (hash ^ (hash >> 32)) % u64::from(partitions.max(1));
    u32::try_from(chosen).expect("below a u32")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_spread_over_the_partitions() {
        let mut counts = [0_u32; 4];
        for epoch in 0..50 {
            for worker in 0..4 {
                let epoch = 1_795_249_169_651 + epoch * 86_400_000;
                let stream = Stream { gateway: "gw-1".to_owned(), epoch, worker };
                counts[choose(&stream, 4) as usize] += 1;
            }
        }
        assert!(counts.iter().all(|count| (30..70).contains(count)), "{counts:?} of 200");
    }
}
