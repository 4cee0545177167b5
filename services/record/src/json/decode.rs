//! Reads a record: the object is walked once, each value is read from its own text.
//!
//! Texts are borrowed from the input unless they hold escapes; nothing is allocated per field.
//! Nothing that stands in the input can make it panic, or take more memory than the input has.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::DecodeError;
use super::member::set;
use crate::key::Key;
use crate::{Part, Record};

/// Longest text that is tried, in bytes: the greatest message that a broker takes by default.
pub const DECODE_MAX: usize = 1 << 20;

/// Reads a record's JSON form.
///
/// `req_id` and `client_req_id` come out in the form of [`normalize_id`](crate::normalize_id).
///
/// # Errors
/// The first thing that is wrong. `time`, `gateway`, `epoch`, `worker` and `seq` must be there,
/// and `life` in a `start`.
pub fn decode(bytes: &[u8]) -> Result<Record<'_>, DecodeError> {
    if bytes.len() > DECODE_MAX {
        return Err(DecodeError::TooLong { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| DecodeError::NoText { at: error.valid_up_to() })?;
    let mut record = Record::default();
    let mut seen = 0;
    let mut failed = None;
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = Members { record: &mut record, seen: &mut seen, failed: &mut failed };
    let walked = reader.deserialize_map(members).and_then(|()| reader.end());
    if let Some(error) = failed {
        return Err(error);
    }
    walked.map_err(|error| DecodeError::Json { text: error.to_string() })?;
    complete(&record, seen)?;
    Ok(record)
}

/// What must be there is there.
fn complete(record: &Record<'_>, seen: u64) -> Result<(), DecodeError> {
    for key in [Key::Time, Key::Gateway, Key::Epoch, Key::Worker, Key::Seq] {
        if seen & key.bit() == 0 {
            return Err(DecodeError::Missing { key: key.as_str() });
        }
    }
    match (record.part, &record.life) {
        (Part::Start, None) => Err(DecodeError::Missing { key: Key::Life.as_str() }),
        (part @ (Part::Final | Part::Interim), Some(_)) => Err(DecodeError::StrayLife { part }),
        (Part::Start | Part::Heartbeat | Part::End, _) | (Part::Final | Part::Interim, None) => {
            Ok(())
        }
    }
}

/// Fills a record with the members of the object.
struct Members<'r, 'a> {
    record: &'r mut Record<'a>,
    seen: &'r mut u64,
    /// Our own error; serde's carries text only.
    failed: &'r mut Option<DecodeError>,
}

impl<'a> Visitor<'a> for Members<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key_seed(KeyOf)? {
            let Some(key) = key else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let raw: &'a RawValue = map.next_value()?;
            let outcome = if *self.seen & key.bit() == 0 {
                set(self.record, key, raw.get())
            } else {
                Err(DecodeError::Twice { key: key.as_str() })
            };
            if let Err(error) = outcome {
                *self.failed = Some(error);
                return Err(M::Error::custom("a value was refused"));
            }
            *self.seen |= key.bit();
        }
        Ok(())
    }
}

/// Reads a key without keeping its text; `None` for an unknown one.
struct KeyOf;

impl<'a> DeserializeSeed<'a> for KeyOf {
    type Value = Option<Key>;

    fn deserialize<D: serde::Deserializer<'a>>(self, reader: D) -> Result<Option<Key>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyOf {
    type Value = Option<Key>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<Key>, E> {
        Ok(Key::of(name))
    }
}
