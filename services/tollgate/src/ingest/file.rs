//! From the bytes of a file to the messages of its stream. Pure: the same bytes and options give
//! the same messages.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{bail, ensure};
use record::{Life, Part, Record, Stream, Time, bracket};
use sha2::{Digest, Sha256};

/// A larger file does not fit in memory beside its records; it can be cut into several.
const FILE_MAX: usize = 512 << 20;
/// The record of a line is cut to this, as the gateway cuts its own (`record.max`), bytes.
const RECORD_MAX: usize = 16 << 10;
/// A dead letter keeps this much of its line, bytes.
const LINE_KEPT: usize = 4 << 10;

/// The form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The provider's bracket form.
    Bracket,
    /// Our own records, one JSON object a line.
    Json,
}

/// What a form has no place for. Empty values leave what the line says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) source: String,
    pub(crate) region: String,
    pub(crate) instance: String,
    pub(crate) method: String,
    pub(crate) secret_id: String,
    pub(crate) order_id: String,
}

/// A file as the messages of its stream.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) stream: Arc<Stream>,
    /// In the order of `seq`; the last one is the `end`.
    pub(crate) messages: Vec<Message>,
    /// Time of the first and the last record.
    pub(crate) span: (Time, Time),
    /// Lines that tell of the life of another stream, and are no records of requests.
    pub(crate) passed_over: u64,
}

/// One message: a record in its JSON form, or an unreadable line with its reason.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) seq: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) unreadable: Option<String>,
}

/// One line on its way: when, and what it became.
struct Line<'f> {
    time: Time,
    read: Result<Record<'f>, (String, &'f [u8])>,
}

/// Reads a whole file.
///
/// # Errors
/// When it is too large, or no line of it can be read.
pub(crate) fn read(content: &[u8], form: Form, options: &Options) -> anyhow::Result<Taken> {
    ensure!(
        content.len() <= FILE_MAX,
        "the file has {} bytes; at most {FILE_MAX} are taken in at once: split it by lines",
        content.len()
    );
    let digest = Sha256::digest(content);
    let stream = stream(&options.source, &digest)?;
    let (mut lines, passed_over) = lines(content, form)?;
    // Stable: lines of one moment keep the order of the file.
    lines.sort_by_key(|line| line.time);
    let span = match (lines.first(), lines.last()) {
        (Some(first), Some(last)) => (first.time, last.time),
        _ => bail!("the file is empty"),
    };
    let mut messages = Vec::with_capacity(lines.len() + 1);
    for (seq, line) in (0..).zip(lines) {
        messages.push(match line.read {
            Ok(record) => message(record, &stream, seq, options),
            Err((reason, line)) => {
                let kept = line[..line.len().min(LINE_KEPT)].to_vec();
                Message { seq, bytes: kept, unreadable: Some(reason) }
            }
        });
    }
    messages.push(end(&stream, messages.len() as u64, span.1, &digest));
    Ok(Taken { stream: Arc::new(stream), messages, span, passed_over })
}

/// `ingest:SOURCE`, its epoch from the content.
fn stream(source: &str, digest: &[u8]) -> anyhow::Result<Stream> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    ensure!(
        (1..=64).contains(&source.len()) && source.chars().all(valid),
        "`{source}` is no name of a source: 1 to 64 letters, digits, `-`, `_` and `.` are accepted"
    );
    let head: [u8; 8] = digest[..8].try_into().expect("a SHA-256 has 32 bytes");
    let epoch = u64::from_be_bytes(head) >> (64 - 53);
    Ok(Stream { gateway: format!("ingest:{source}"), epoch, worker: 0 })
}

/// The lines of the file, and how many of them were passed over.
fn lines(content: &[u8], form: Form) -> anyhow::Result<(Vec<Line<'_>>, u64)> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut passed_over = 0;
    let mut first_reason = None;
    for (number, text) in (1..).zip(content.split(|&byte| byte == b'\n')) {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.is_empty() {
            continue;
        }
        let record = match form {
            Form::Bracket => bracket::parse(text).map_err(|error| error.to_string()),
            Form::Json => record::decode(text).map_err(|error| error.to_string()),
        };
        // A stream begins, beats and ends for itself; this file is another one.
        if record
            .as_ref()
            .is_ok_and(|record| matches!(record.part, Part::Start | Part::Heartbeat | Part::End))
        {
            passed_over += 1;
            continue;
        }
        // An unreadable line stands beside the one before it.
        let before = lines.last().map(|line| line.time);
        lines.push(match record {
            Ok(record) => Line { time: record.time, read: Ok(record) },
            Err(reason) => {
                let reason = format!("line {number}: {reason}");
                first_reason.get_or_insert_with(|| reason.clone());
                Line { time: before.unwrap_or(Time(i64::MIN)), read: Err((reason, text)) }
            }
        });
    }
    // Unreadable lines before the first record stand beside that one.
    let first = lines.iter().find_map(|line| line.read.as_ref().ok().map(|record| record.time));
    match (first, first_reason) {
        (Some(first), _) => {
            for line in lines.iter_mut().take_while(|line| line.read.is_err()) {
                line.time = first;
            }
            Ok((lines, passed_over))
        }
        (None, Some(reason)) => bail!("no line of the file can be read as this form: {reason}"),
        (None, None) => bail!("the file holds no record of a request"),
    }
}

fn message(mut record: Record<'_>, stream: &Stream, seq: u64, options: &Options) -> Message {
    place(&mut record, stream, seq);
    record.query = match record::mask_query(&record.query) {
        Cow::Borrowed(_) => record.query,
        Cow::Owned(masked) => Cow::Owned(masked),
    };
    record.life = None;
    let fill = |text: &mut Cow<'_, str>, option: &String| {
        if text.is_empty() && !option.is_empty() {
            *text = Cow::Owned(option.clone());
        }
    };
    fill(&mut record.region, &options.region);
    fill(&mut record.instance, &options.instance);
    fill(&mut record.method, &options.method);
    fill(&mut record.secret_id, &options.secret_id);
    fill(&mut record.order_id, &options.order_id);
    record.cap(RECORD_MAX);
    let mut bytes = Vec::with_capacity(512);
    record::encode(&record, &mut bytes);
    Message { seq, bytes, unreadable: None }
}

/// The record that closes the stream. Its id comes from the content, so that it too is the same
/// when the file is taken in again.
fn end(stream: &Stream, seq: u64, time: Time, digest: &[u8]) -> Message {
    let mut record = Record { time, part: Part::End, ..Record::default() };
    record.req_id = Cow::Owned(digest[16..32].iter().map(|byte| format!("{byte:02x}")).collect());
    record.life = Some(Box::new(Life { workers: 1, retires: true, ..Life::default() }));
    place(&mut record, stream, seq);
    let mut bytes = Vec::with_capacity(256);
    record::encode(&record, &mut bytes);
    Message { seq, bytes, unreadable: None }
}

fn place(record: &mut Record<'_>, stream: &Stream, seq: u64) {
    record.gateway = Cow::Owned(stream.gateway.clone());
    record.epoch = stream.epoch;
    record.worker = stream.worker;
    record.seq = seq;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options {
            source: "old-gateway".to_owned(),
            region: "ap-guangzhou".to_owned(),
            ..Options::default()
        }
    }

    fn line(second: u32, id: &str) -> String {
        format!(
            "[1250000001][release][service-a][a.test][api-a][/x][https][rsp_st:200][ups_st:200]\
             [cip:10.0.0.1][uip:10.0.0.2:80][vip:-][rsp_len:749][req_len:578][req_t:0.028]\
             [ups_rsp_t:0.016][ups_conn_t:0.000][ups_head_t:0.016][err_msg:-][tcp_rtt:1000][7]\
             [17/Jan/2024:12:08:{second:02} +0800][req_id:{id}]"
        )
    }

    #[test]
    fn lines_become_one_stream_in_the_order_of_time_with_an_end() {
        let text = format!("{}\n{}\n", line(49, "b"), line(9, "a"));
        let taken = read(text.as_bytes(), Form::Bracket, &options()).expect("readable");
        let ids: Vec<String> = taken
            .messages
            .iter()
            .map(|message| record::decode(&message.bytes).expect("our own form"))
            .inspect(|record| assert_eq!(record.gateway, "ingest:old-gateway"))
            .map(|record| record.req_id.into_owned())
            .collect();
        assert_eq!(ids[..2], ["a", "b"]);
        let last = record::decode(&taken.messages[2].bytes).expect("our own form");
        assert_eq!((last.part, last.seq), (Part::End, 2));
        assert!(taken.stream.epoch < 1 << 53);
    }

    #[test]
    fn an_unreadable_line_keeps_its_place_and_says_why() {
        let text = format!("garbage\n{}\nmore garbage\n{}\n", line(9, "a"), line(49, "b"));
        let taken = read(text.as_bytes(), Form::Bracket, &options()).expect("readable");
        let reasons: Vec<_> = taken.messages.iter().map(|m| m.unreadable.is_some()).collect();
        assert_eq!(reasons, [true, false, true, false, false]);
        let reason = taken.messages[2].unreadable.as_deref().unwrap_or_default();
        assert!(reason.starts_with("line 3: "), "{reason}");
    }

    #[test]
    fn the_same_content_is_the_same_stream_and_another_is_not() {
        let (one, other) = (line(9, "a"), line(9, "b"));
        let read = |text: &str| read(text.as_bytes(), Form::Bracket, &options()).expect("readable");
        assert_eq!(read(&one).stream, read(&one).stream);
        assert_ne!(read(&one).stream, read(&other).stream);
    }

    #[test]
    fn lives_of_other_streams_are_passed_over_and_interim_records_stay_what_they_are() {
        let json = |part, rsp_len| {
            let life = (part != Part::Interim).then(|| Box::new(Life::default()));
            let (gateway, time) = (Cow::Borrowed("g"), Time(1_700_000_000_000));
            let record = Record { part, life, gateway, time, rsp_len, ..Record::default() };
            let mut line = Vec::new();
            record::encode(&record, &mut line);
            line.push(b'\n');
            line
        };
        let parts = [Part::Start, Part::Heartbeat, Part::Interim, Part::End];
        let file: Vec<u8> = parts.into_iter().flat_map(|part| json(part, 7)).collect();
        let taken = read(&file, Form::Json, &options()).expect("readable");
        assert_eq!((taken.messages.len(), taken.passed_over), (2, 3));
        let record = record::decode(&taken.messages[0].bytes).expect("our own form");
        assert_eq!((record.part, record.rsp_len), (Part::Interim, 7));
        let beat = json(Part::Heartbeat, 0);
        assert!(read(&beat, Form::Json, &options()).is_err());
    }

    #[test]
    fn a_file_without_any_record_is_refused() {
        let error = read(b"nothing\n", Form::Bracket, &options()).expect_err("no record");
        assert!(error.to_string().contains("line 1: "), "{error}");
        assert!(read(b"", Form::Json, &options()).is_err());
    }
}
