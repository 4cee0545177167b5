//! The section `spool:` of the configuration.

use std::path::PathBuf;

use settings::{ByteSize, Fields, Value};

use crate::frame;

/// Holds the traffic of some minutes to hours: 1 GiB are about a million records.
const DEFAULT_SIZE: u64 = 1 << 30;

/// Large enough that a new file per segment costs nothing, small enough that freeing is prompt.
const DEFAULT_SEGMENT: u64 = 16 << 20;

/// Offsets inside a segment are 32 bits wide; a segment is freed only as a whole.
const SEGMENT_MAX: u64 = 1 << 30;

/// One segment is being written while another waits for its acknowledgement.
const SEGMENTS_MIN: u64 = 2;

/// Where the spool is and how large it may grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The folder; created when it is absent.
    pub dir: PathBuf,
    /// Name of the gateway; a folder belongs to one name for ever.
    pub gateway: String,
    /// Number of writers, at least 1.
    pub workers: u16,
    /// Bytes of all segments together, old lives included.
    pub size: u64,
    /// Bytes of one segment.
    pub segment: u64,
    /// Greatest payload of one record, bytes.
    pub record_max: u32,
    /// What an append survives.
    pub durability: Durability,
    /// What the gateway does when there is no room; the spool itself only carries it.
    pub when_full: WhenFull,
}

/// What an append survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// SIGKILL of the process.
    #[default]
    Process,
    /// Loss of power too: each write is synced before it returns.
    Host,
}

/// What the gateway does when the spool has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// New requests are refused.
    #[default]
    Reject,
    /// New requests are served without a record; each uses up its `seq`.
    Serve,
}

/// Reads the section `spool:`, which may be absent: `size` (default 1GiB), `segment` (16MiB),
/// `durability` (`process` or `host`), `when_full` (`reject` or `serve`).
///
/// `None` when something is wrong; the mistakes are then in the sink.
pub fn read(
    value: Option<&Value<'_>>,
    dir: PathBuf,
    gateway: String,
    workers: u16,
    record_max: u32,
) -> Option<Config> {
    let (size, segment) = (DEFAULT_SIZE, DEFAULT_SEGMENT);
    let (durability, when_full) = (Durability::default(), WhenFull::default());
    let config = Config { dir, gateway, workers, size, segment, record_max, durability, when_full };
    let Some(value) = value else { return Some(config) };
    let fields = value.fields()?;
    let size = bytes(&fields, "size", DEFAULT_SIZE);
    let segment = bytes(&fields, "segment", DEFAULT_SEGMENT);
    let durability = fields
        .choice("durability", &[("process", Durability::Process), ("host", Durability::Host)]);
    let when_full =
        fields.choice("when_full", &[("reject", WhenFull::Reject), ("serve", WhenFull::Serve)]);
    let config = Config {
        size: size?,
        segment: segment?,
        durability: durability?,
        when_full: when_full?,
        ..config
    };
    let fits = config.fits();
    if let Err(text) = &fits {
        fields.mistake(text);
    }
    fields.close();
    fits.ok().map(|()| config)
}

impl Config {
    /// Checks the sizes against each other.
    ///
    /// # Errors
    /// What does not fit, in words for the user.
    pub(crate) fn fits(&self) -> Result<(), String> {
        let Self { size, segment, record_max, workers, .. } = self;
        let least = frame::header_len(&self.gateway) + frame::framed(*record_max);
        if *workers == 0 {
            return Err("at least one worker is needed".to_owned());
        }
        if *segment < least || *segment > SEGMENT_MAX {
            return Err(format!(
                "`segment` is {segment} bytes; {least} (one record of {record_max} bytes) to \
                 {SEGMENT_MAX} are accepted"
            ));
        }
        let least = u64::from(*workers) * SEGMENTS_MIN * segment;
        if *size < least {
            return Err(format!(
                "`size` is {size} bytes; at least {least} are needed, {SEGMENTS_MIN} segments of \
                 {segment} bytes for each of {workers} workers"
            ));
        }
        Ok(())
    }
}

fn bytes(fields: &Fields<'_>, key: &'static str, default: u64) -> Option<u64> {
    match fields.optional(key) {
        None => Some(default),
        Some(value) => value.scalar::<ByteSize>().map(|ByteSize(bytes)| bytes),
    }
}

#[cfg(test)]
mod tests {
    use settings::{Document, Sink};

    use super::*;

    /// The configuration, or the mistakes, of a text.
    fn check(text: &str) -> Result<Config, String> {
        let sink = Sink::new();
        let config = Document::parse("tollgate.yaml", text, &sink).and_then(|document| {
            let root = document.root(&sink);
            let fields = root.fields()?;
            let section = fields.optional("spool");
            read(section.as_ref(), PathBuf::from("spool"), "gw".to_owned(), 2, 65536)
        });
        sink.finish(config).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn an_absent_section_means_the_defaults() {
        let config = check("other: 1").expect("valid");
        assert_eq!((config.size, config.segment), (1 << 30, 16 << 20));
        assert_eq!((config.durability, config.when_full), (Durability::Process, WhenFull::Reject));
    }

    #[test]
    fn every_key_is_read() {
        let text = "spool: { size: 64MiB, segment: 1MiB, durability: host, when_full: serve }";
        let config = check(text).expect("valid");
        assert_eq!((config.size, config.segment), (64 << 20, 1 << 20));
        assert_eq!((config.durability, config.when_full), (Durability::Host, WhenFull::Serve));
    }

    #[test]
    fn all_mistakes_come_at_once() {
        let found = check("spool:\n  durability: disk\n  when_full: wait\n").expect_err("wrong");
        assert!(found.contains("spool.durability: `disk` is not one of `process`, `host`"));
        assert!(found.contains("spool.when_full: `wait` is not one of `reject`, `serve`"));
        let found = check("spool: { bytes: 3 }").expect_err("wrong");
        assert!(found.contains("spool.bytes: unknown key"), "{found}");
    }

    #[test]
    fn sizes_must_fit_each_other() {
        let found = check("spool: { size: 3MiB, segment: 1MiB }").expect_err("wrong");
        assert!(found.contains("at least 4194304 are needed"), "{found}");
        let found = check("spool: { segment: 64KiB }").expect_err("wrong");
        assert!(found.contains("`segment` is 65536 bytes"), "{found}");
        assert!(check("spool: { segment: 2GiB, size: 8GiB }").is_err());
    }
}
