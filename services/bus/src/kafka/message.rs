//! What stands in a message beside its bytes: the key and the headers.
//!
//! The key is the stream, one header holds `seq` and hash. Earlier versions wrote a header for each
//! of the three; those are read as ever. One header costs the shipper a fifth less than three:
//! each is four allocations, and four pieces of the request to the broker.
//!
//! A message without good headers is still given, with its position alone; what can not be a
//! record says why. Nothing that somebody else writes into the topic stops the consumption.

use std::collections::HashMap;
use std::sync::Arc;

use rdkafka::message::{Header, Headers, OwnedHeaders};
use record::Stream;

use crate::Place;

/// The record's place in its stream: its `seq`, decimal, a space, and [`spool::hash`] of its bytes,
/// 16 hex digits. The stream, `gateway/epoch/worker`, is the key of the message.
pub const PLACE_HEADER: &str = "tollgate";

/// The stream, as earlier versions wrote it beside the key.
pub const STREAM_HEADER: &str = "tollgate-stream";

/// The `seq`, decimal, as earlier versions wrote it.
pub const SEQ_HEADER: &str = "tollgate-seq";

/// [`spool::hash`] of the record, 16 hex digits, as earlier versions wrote it.
pub const HASH_HEADER: &str = "tollgate-hash";

/// Why the broker refused the record in whose place an empty message stands.
pub const REFUSED_HEADER: &str = "tollgate-refused";

/// Streams that are remembered so that their messages share them; a consumer seldom meets more.
const STREAMS_MAX: usize = 4096;

/// Digits of a hash.
const HASH_DIGITS: usize = 16;

/// Bytes of [`PLACE_HEADER`] at most: a `u64`, a space, a hash.
const PLACE_MAX: usize = 20 + 1 + HASH_DIGITS;

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

/// The headers of a record; its stream is the key.
pub fn headers(seq: u64, hash: u64) -> OwnedHeaders {
    let mut value = [0; PLACE_MAX];
    let value = place(seq, hash, &mut value);
    OwnedHeaders::new_with_capacity(1).insert(Header { key: PLACE_HEADER, value: Some(value) })
}

/// The headers of the empty message in a refused record's place. `hash` is the record's.
pub(crate) fn refused(seq: u64, hash: u64, reason: &str) -> OwnedHeaders {
    headers(seq, hash).insert(Header { key: REFUSED_HEADER, value: Some(reason) })
}

/// The value of [`PLACE_HEADER`]. Written by hand: what `format!` takes is a tenth of sending.
fn place(seq: u64, hash: u64, value: &mut [u8; PLACE_MAX]) -> &[u8] {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(seq).as_bytes();
    value[..digits.len()].copy_from_slice(digits);
    value[digits.len()] = b' ';
    let length = digits.len() + 1 + HASH_DIGITS;
    for (place, byte) in value[digits.len() + 1..length].iter_mut().rev().zip(0..) {
        *place = b"0123456789abcdef"[(hash >> (4 * byte) & 0xf) as usize];
    }
    &value[..length]
}

/// `seq` and hash of [`PLACE_HEADER`].
fn numbers(value: &[u8]) -> Option<(u64, u64)> {
    let (seq, hash) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    Some((seq.parse().ok()?, u64::from_str_radix(hash, 16).ok()?))
}

/// What headers say of the record, before it is judged.
#[derive(Debug, Default)]
struct Told<'a> {
    stream: Option<&'a [u8]>,
    seq: Option<u64>,
    hash: Option<u64>,
    refused: Option<&'a [u8]>,
}

/// Goes over the headers once. The first of a name counts.
fn told<'a, H: Headers>(found: Option<&'a H>, key: Option<&'a [u8]>) -> Told<'a> {
    let mut told = Told::default();
    for Header { key: name, value } in found.into_iter().flat_map(Headers::iter) {
        let Some(value) = value else { continue };
        let text = || std::str::from_utf8(value).ok();
        match name {
            PLACE_HEADER => {
                if let Some((seq, hash)) = numbers(value) {
                    told.stream = told.stream.or(key);
                    (told.seq, told.hash) = (told.seq.or(Some(seq)), told.hash.or(Some(hash)));
                }
            }
            STREAM_HEADER => told.stream = told.stream.or(Some(value)),
            SEQ_HEADER => told.seq = told.seq.or_else(|| text()?.parse().ok()),
            HASH_HEADER => told.hash = told.hash.or_else(|| u64::from_str_radix(text()?, 16).ok()),
            REFUSED_HEADER => told.refused = told.refused.or(Some(value)),
            _ => {}
        }
    }
    told
}

/// Reads a message; `record_max` is the greatest record in bytes.
pub(crate) fn read<H: Headers>(
    found: Option<&H>,
    key: Option<&[u8]>,
    bytes: &[u8],
    record_max: u32,
    streams: &mut Streams,
) -> Read {
    let Told { stream, seq, hash: told, refused } = told(found, key);
    let hash = spool::hash(bytes);
    let stream = stream.and_then(|text| streams.get(text));
    let place = stream.zip(seq).map(|(stream, seq)| Place { stream, seq });
    let unreadable = if let Some(reason) = refused {
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

    fn check(key: &str, headers: &OwnedHeaders, bytes: &[u8]) -> (Option<Place>, Option<String>) {
        let key = Some(key.as_bytes());
        let read = read(Some(headers), key, bytes, 10, &mut Streams::default());
        assert_eq!(read.hash, spool::hash(bytes));
        (read.place, read.unreadable.map(|reason| reason.to_string()))
    }

    fn header(key: &str, value: &str) -> OwnedHeaders {
        OwnedHeaders::new().insert(Header { key, value: Some(value) })
    }

    #[test]
    fn what_is_written_is_read() {
        for seq in [0, 42, u64::MAX] {
            let written = headers(seq, spool::hash(b"{}"));
            assert_eq!(check("a/b/17/3", &written, b"{}"), (place("a/b/17/3", seq), None));
        }
        let written = headers(42, 0x0123_4567_89ab_cdef);
        assert_eq!(written.get(0).value, Some(&b"42 0123456789abcdef"[..]));
        assert_eq!(written.count(), 1, "each costs the shipper");
    }

    #[test]
    fn what_earlier_versions_wrote_is_read() {
        let hash = format!("{:016x}", spool::hash(b"{}"));
        let old = header(STREAM_HEADER, "a/b/17/3")
            .insert(Header { key: SEQ_HEADER, value: Some("42") })
            .insert(Header { key: HASH_HEADER, value: Some(&hash) });
        assert_eq!(check("another key", &old, b"{}"), (place("a/b/17/3", 42), None));
        let (found, reason) = check("a/b/17/3", &old, b"{ }");
        assert_eq!(found, place("a/b/17/3", 42));
        assert!(reason.is_some_and(|reason| reason.ends_with(&hash)));
    }

    #[test]
    fn bytes_that_are_no_record_keep_their_place() {
        let (found, reason) = check("gw/1/0", &headers(7, 0x0123), b"{}");
        assert_eq!(found, place("gw/1/0", 7));
        let reason = reason.expect("the hash differs");
        assert!(reason.ends_with("not 0000000000000123"), "{reason}");

        let written = headers(8, spool::hash(b"more than ten"));
        let (found, reason) = check("gw/1/0", &written, b"more than ten");
        assert_eq!(found, place("gw/1/0", 8));
        assert_eq!(reason.as_deref(), Some("13 bytes; a record has at most 10"));

        let (found, reason) = check("gw/1/0", &refused(9, 5, "too large"), b"");
        assert_eq!(found, place("gw/1/0", 9));
        assert_eq!(reason.as_deref(), Some("the broker refused the record: too large"));
    }

    #[test]
    fn foreign_headers_mean_nothing() {
        let nothing = (None, None);
        assert_eq!(check("gw/1/0", &OwnedHeaders::new(), b"x"), nothing);
        assert_eq!(check("gw/1/0", &header(STREAM_HEADER, "no stream"), b"x"), nothing);
        assert_eq!(check("gw/1/0", &header(SEQ_HEADER, "12"), b"x"), nothing);
        let text =
            header(STREAM_HEADER, "gw/1/0").insert(Header { key: SEQ_HEADER, value: Some("-1") });
        assert_eq!(check("gw/1/0", &text, b"x"), nothing);
        for value in ["", "7", "7 ", "-1 0123", "7 no hash", "7 0123 9"] {
            assert_eq!(check("gw/1/0", &header(PLACE_HEADER, value), b"x"), nothing, "{value}");
        }
        assert_eq!(check("no stream", &headers(1, spool::hash(b"x")), b"x"), nothing);
        let keyless = headers(1, spool::hash(b"x"));
        let none = read(Some(&keyless), None, b"x", 10, &mut Streams::default());
        assert_eq!((none.place, none.unreadable), (None, None));
        let none = read(None::<&OwnedHeaders>, None, b"", 10, &mut Streams::default());
        assert_eq!((none.place, none.unreadable), (None, None));
    }
}
