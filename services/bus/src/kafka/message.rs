//! What stands in a message beside its bytes: the headers.
//!
//! A message without good headers is still given, with its position alone; what can not be a
//! record says why. Nothing that somebody else writes into the topic stops the consumption.

use std::collections::HashMap;
use std::sync::Arc;

use rdkafka::message::{Header, Headers, OwnedHeaders};
use record::Stream;

use crate::Place;

/// The stream, `gateway/epoch/worker`; the key of the message is the same text.
pub const STREAM_HEADER: &str = "tollgate-stream";

/// The `seq`, decimal.
pub const SEQ_HEADER: &str = "tollgate-seq";

/// [`spool::hash`] of the record, 16 hex digits.
pub const HASH_HEADER: &str = "tollgate-hash";

/// Why the broker refused the record in whose place an empty message stands.
pub const REFUSED_HEADER: &str = "tollgate-refused";

/// Streams that are remembered so that their messages share them; a consumer seldom meets more.
const STREAMS_MAX: usize = 4096;

/// Room that a message needs beside its record: key, headers, and what Kafka adds.
pub(crate) const OVERHEAD_MAX: u32 = 1024;

/// What the headers of a message and its bytes say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) place: Option<Place>,
    pub(crate) unreadable: Option<Arc<str>>,
    pub(crate) hash: u64,
}

/// Streams by their text.
#[derive(Debug, Default)]
pub(crate) struct Streams(HashMap<Vec<u8>, Arc<Stream>>);

/// The headers of a record.
pub(crate) fn headers(stream: &str, seq: u64, hash: u64) -> OwnedHeaders {
    let (seq, hash) = (seq.to_string(), format!("{hash:016x}"));
    OwnedHeaders::new_with_capacity(3)
        .insert(Header { key: STREAM_HEADER, value: Some(stream) })
        .insert(Header { key: SEQ_HEADER, value: Some(&seq) })
        .insert(Header { key: HASH_HEADER, value: Some(&hash) })
}

/// The headers of the empty message in a refused record's place. `hash` is the record's.
pub(crate) fn refused(stream: &str, seq: u64, hash: u64, reason: &str) -> OwnedHeaders {
    headers(stream, seq, hash).insert(Header { key: REFUSED_HEADER, value: Some(reason) })
}

/// Reads a message; `record_max` is the greatest record in bytes.
pub(crate) fn read<H: Headers>(
    found: Option<&H>,
    bytes: &[u8],
    record_max: u32,
    streams: &mut Streams,
) -> Read {
    let value = |key: &str| {
        let mut headers = found.into_iter().flat_map(Headers::iter);
        headers.find(|header| header.key == key)?.value
    };
    let text = |key: &str| value(key).and_then(|value| std::str::from_utf8(value).ok());
    let hash = spool::hash(bytes);
    let stream = value(STREAM_HEADER).and_then(|value| streams.get(value));
    let seq = text(SEQ_HEADER).and_then(|text| text.parse().ok());
    let place = stream.zip(seq).map(|(stream, seq)| Place { stream, seq });
    let told = text(HASH_HEADER).and_then(|text| u64::from_str_radix(text, 16).ok());
    let unreadable = if let Some(reason) = value(REFUSED_HEADER) {
        Some(format!("the broker refused the record: {}", String::from_utf8_lossy(reason)))
    } else if bytes.len() as u64 > u64::from(record_max) {
        Some(format!("{} bytes; a record has at most {record_max}", bytes.len()))
    } else {
        let differs = told.filter(|told| *told != hash);
        differs.map(|told| format!("the hash of the bytes is {hash:016x}, not {told:016x}"))
    };
    Read { place, unreadable: unreadable.map(Arc::from), hash }
}

// === impl Streams ===

impl Streams {
    fn get(&mut self, text: &[u8]) -> Option<Arc<Stream>> {
        if let Some(stream) = self.0.get(text) {
            return Some(Arc::clone(stream));
        }
        let stream: Stream = std::str::from_utf8(text).ok()?.parse().ok()?;
        if self.0.len() >= STREAMS_MAX {
            self.0.clear();
        }
        let stream = Arc::new(stream);
        self.0.insert(text.to_vec(), Arc::clone(&stream));
        Some(stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, seq: u64) -> Option<Place> {
        Some(Place { stream: Arc::new(text.parse().expect("a stream")), seq })
    }

    fn check(headers: &OwnedHeaders, bytes: &[u8]) -> (Option<Place>, Option<String>) {
        let read = read(Some(headers), bytes, 10, &mut Streams::default());
        assert_eq!(read.hash, spool::hash(bytes));
        (read.place, read.unreadable.map(|reason| reason.to_string()))
    }

    #[test]
    fn what_is_written_is_read() {
        let written = headers("a/b/17/3", 42, spool::hash(b"{}"));
        assert_eq!(check(&written, b"{}"), (place("a/b/17/3", 42), None));
    }

    #[test]
    fn bytes_that_are_no_record_keep_their_place() {
        let written = headers("gw/1/0", 7, 0x0123);
        let (found, reason) = check(&written, b"{}");
        assert_eq!(found, place("gw/1/0", 7));
        let reason = reason.expect("the hash differs");
        assert!(reason.ends_with("not 0000000000000123"), "{reason}");

        let written = headers("gw/1/0", 8, spool::hash(b"more than ten"));
        let (found, reason) = check(&written, b"more than ten");
        assert_eq!(found, place("gw/1/0", 8));
        assert_eq!(reason.as_deref(), Some("13 bytes; a record has at most 10"));

        let written = refused("gw/1/0", 9, 5, "too large");
        let (found, reason) = check(&written, b"");
        assert_eq!(found, place("gw/1/0", 9));
        assert_eq!(reason.as_deref(), Some("the broker refused the record: too large"));
    }

    #[test]
    fn foreign_headers_mean_nothing() {
        let header = |key, value| OwnedHeaders::new().insert(Header { key, value: Some(value) });
        assert_eq!(check(&OwnedHeaders::new(), b"x"), (None, None));
        assert_eq!(check(&header(STREAM_HEADER, "no stream"), b"x"), (None, None));
        assert_eq!(check(&header(SEQ_HEADER, "12"), b"x"), (None, None));
        let text =
            header(STREAM_HEADER, "gw/1/0").insert(Header { key: SEQ_HEADER, value: Some("-1") });
        assert_eq!(check(&text, b"x"), (None, None));
        let none = read(None::<&OwnedHeaders>, b"", 10, &mut Streams::default());
        assert_eq!((none.place, none.unreadable), (None, None));
    }
}
