//! Lines of the bracket form: what was read, written and read again is the same record, and so is
//! what went through JSON.

use std::borrow::Cow;

use record::bracket::{LINE_MAX, Zone, parse, write};
use record::{CAP_MIN, Record, decode, encode, judge};

/// Greatest record of a gateway by default, bytes.
const RECORD_MAX: usize = 16 * 1024;

/// A line that is read is one record, whatever form it is kept in.
pub fn bracket(bytes: &[u8]) -> bool {
    let Ok(mut first) = parse(bytes) else { return false };
    assert!(bytes.len() <= LINE_MAX && first.time.storable());
    through_json(first.clone());
    // The form has no place for it.
    first.query = Cow::Borrowed("");
    let line = line(&first);
    let text = str::from_utf8(&line).expect("UTF-8");
    assert!(!text.contains(char::is_control), "{text:?}");
    let second = parse(&line).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    same_facts(&first, &second);
    if !is_rewritten(&first) {
        assert_eq!(first, second, "{text:?}");
    }
    assert_eq!(parse(&self::line(&second)).as_ref(), Ok(&second), "{text:?}");
    true
}

fn line(record: &Record<'_>) -> Vec<u8> {
    let mut line = Vec::new();
    write(record, Zone::UTC, &mut line);
    line
}

/// Whether writing may change a text of a client: it percent-encodes brackets and control
/// characters.
fn is_rewritten(record: &Record<'_>) -> bool {
    let texts = [&record.host, &record.uri, &record.upip, &record.err_msg];
    texts.iter().any(|text| text.contains(|sign: char| sign.is_control() || "[]".contains(sign)))
}

/// What bills are made of never changes.
fn same_facts(first: &Record<'_>, second: &Record<'_>) {
    assert_eq!(judge(first), judge(second));
    assert_eq!(first.time, second.time);
    assert_eq!((first.rsp_st, &first.ups_st), (second.rsp_st, &second.ups_st));
    assert_eq!((&first.account, &first.api_id), (&second.account, &second.api_id));
    assert_eq!((first.rsp_len, first.req_len), (second.rsp_len, second.req_len));
    assert_eq!((first.req_t, first.ups_rsp_t), (second.req_t, second.ups_rsp_t));
    assert_eq!((first.ups_conn_t, first.ups_head_t), (second.ups_conn_t, second.ups_head_t));
    assert_eq!((first.tcp_rtt, first.worker), (second.tcp_rtt, second.worker));
}

fn through_json(mut record: Record<'_>) {
    let verdict = judge(&record);
    record.gateway = Cow::Borrowed("elsewhere");
    for max in [RECORD_MAX, CAP_MIN] {
        record.cap(max);
        let mut json = Vec::new();
        encode(&record, &mut json);
        let names_are_plain =
            [&record.account, &record.env, &record.service_id, &record.api_id].iter().all(|name| {
                name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
            });
        assert!(!names_are_plain || json.len() <= max, "{} bytes of JSON", json.len());
        let read = decode(&json).expect("our own JSON");
        assert_eq!(read, record);
        assert_eq!(judge(&read), verdict);
    }
}
