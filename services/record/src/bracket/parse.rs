//! A line as a record.
//!
//! The line is cut at three places: the last groups from its end, the groups of fixed shape in
//! its middle, and the first ones from its start. The front page says why.

use nom::bytes::complete::{tag, take_till, take_until};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use super::value::{count, id, last_span, name, span_sum, status, text, time, whole};
use super::{LINE_MAX, LineError};
use crate::key::Key;
use crate::{Record, mask_query};

type Outcome<T> = Result<T, LineError>;

/// Reads one line, with or without its line end.
///
/// Gateway, epoch and `seq` stay empty: the line does not say them. A query that stands in
/// `uri` goes, masked, to `query`. Of the times of several tries `ups_rsp_t` is the sum, the
/// others are the last one's. Texts of clients may be longer than a record takes:
/// [`Record::cap`] cuts them.
///
/// # Errors
/// The group that is missing or can not be read.
pub fn parse(line: &[u8]) -> Outcome<Record<'_>> {
    if line.len() > LINE_MAX {
        return Err(LineError::TooLong { bytes: line.len() });
    }
    let line = std::str::from_utf8(line)
        .map_err(|error| LineError::NoText { at: error.valid_up_to() })?
        .trim_end_matches(['\r', '\n']);
    let mut record = Record::default();
    let rest = tail(line, &mut record)?;
    let head = middle(rest, &mut record)?;
    first_groups(head, &mut record)?;
    Ok(record)
}

/// Takes `tcp_rtt` and what follows it from the end of the line.
fn tail<'a>(line: &'a str, record: &mut Record<'a>) -> Outcome<&'a str> {
    let (mut rest, mut last) = last_group(line, "time_local")?;
    if let Some(req_id) = last.strip_prefix("req_id:") {
        record.req_id = id(req_id, "req_id")?;
        (rest, last) = last_group(rest, "time_local")?;
    }
    record.time = time(last, "time_local")?;
    let (rest, pid) = last_group(rest, "pid")?;
    let pid: u64 = whole(pid, "pid")?.unwrap_or_default();
    // Process ids may be greater than our workers' numbers; such a one says nothing to us.
    record.worker = u16::try_from(pid).unwrap_or_default();
    let (rest, tcp_rtt) = last_group(rest, "tcp_rtt")?;
    let tcp_rtt = tcp_rtt.strip_prefix("tcp_rtt:");
    record.tcp_rtt = whole(tcp_rtt.ok_or(LineError::Missing { group: "tcp_rtt" })?, "tcp_rtt")?;
    Ok(rest)
}

/// The last group of a text, one that holds no bracket itself, and what stands before it.
fn last_group<'a>(text: &'a str, group: &'static str) -> Outcome<(&'a str, &'a str)> {
    let split = text.strip_suffix(']').and_then(|text| text.rsplit_once('['));
    split.ok_or(LineError::Missing { group })
}

/// The texts of the groups from `rsp_st` to `err_msg`, in the order in which they stand.
type Middle<'a> = [&'a str; 12];

/// Takes the groups from `rsp_st` to `err_msg`, with which `text` ends.
fn middle<'a>(text: &'a str, record: &mut Record<'a>) -> Outcome<&'a str> {
    let mut found = None;
    let mut places = 0_usize;
    let mut failed = LineError::Missing { group: "rsp_st" };
    for (at, _) in text.match_indices("][rsp_st:") {
        match groups_at(&text[at..]) {
            Ok(groups) => {
                found = Some((&text[..at], groups));
                places = places.saturating_add(1);
            }
            Err(error) => failed = error,
        }
    }
    let Some((head, groups)) = found else { return Err(failed) };
    if places > 1 {
        return Err(LineError::Ambiguous { places });
    }
    set_middle(groups, record)?;
    Ok(head)
}

/// Splits the groups that begin with `rsp_st`; `err_msg` takes all that is left.
fn groups_at(text: &str) -> Outcome<Middle<'_>> {
    let rest = &text[1..];
    let (rest, rsp_st) = tagged(rest, "rsp_st")?;
    let (rest, ups_st) = tagged(rest, "ups_st")?;
    let (rest, cip) = tagged(rest, "cip")?;
    let (rest, uip) = addresses(rest).map_err(|_| LineError::Missing { group: "uip" })?;
    let (rest, vip) = tagged(rest, "vip")?;
    let (rest, rsp_len) = tagged(rest, "rsp_len")?;
    let (rest, req_len) = tagged(rest, "req_len")?;
    let (rest, req_t) = tagged(rest, "req_t")?;
    let (rest, ups_rsp_t) = tagged(rest, "ups_rsp_t")?;
    let (rest, ups_conn_t) = tagged(rest, "ups_conn_t")?;
    let (rest, ups_head_t) = tagged(rest, "ups_head_t")?;
    let err_msg = rest.strip_prefix("[err_msg:").and_then(|rest| rest.strip_suffix(']'));
    let err_msg = err_msg.ok_or(LineError::Missing { group: "err_msg" })?;
    Ok([
        rsp_st, ups_st, cip, uip, vip, rsp_len, req_len, req_t, ups_rsp_t, ups_conn_t, ups_head_t,
        err_msg,
    ])
}

/// One group `[name:value]` without brackets in it, and what follows.
fn tagged<'a>(text: &'a str, name: &'static str) -> Outcome<(&'a str, &'a str)> {
    let value = take_till(|sign| matches!(sign, '[' | ']'));
    let group = (tag("["), tag(name), tag(":"));
    let parsed: IResult<&str, &str> = delimited(group, value, tag("]")).parse(text);
    parsed.map_err(|_| LineError::Missing { group: name })
}

/// The group `uip`: a backend's address may be `[::1]:80`.
fn addresses(text: &str) -> IResult<&str, &str> {
    let mut value = preceded(tag("[uip:"), take_until("][vip:"));
    let (rest, value) = value.parse(text)?;
    let (rest, _) = tag("]").parse(rest)?;
    Ok((rest, value))
}

fn set_middle<'a>(groups: Middle<'a>, record: &mut Record<'a>) -> Outcome<()> {
    let [
        rsp_st,
        ups_st,
        cip,
        uip,
        vip,
        rsp_len,
        req_len,
        req_t,
        ups_rsp_t,
        ups_conn_t,
        ups_head_t,
        err_msg,
    ] = groups;
    record.rsp_st = status(rsp_st, "rsp_st")?;
    record.ups_st = name(ups_st, "ups_st", Key::UpsSt)?;
    record.ip = name(cip, "cip", Key::Ip)?;
    record.upip = text(uip);
    record.vip = name(vip, "vip", Key::Vip)?;
    record.rsp_len = count(rsp_len, "rsp_len")?;
    record.req_len = count(req_len, "req_len")?;
    record.req_t = span_sum(req_t, "req_t")?.unwrap_or_default();
    record.ups_rsp_t = span_sum(ups_rsp_t, "ups_rsp_t")?;
    record.ups_conn_t = last_span(ups_conn_t, "ups_conn_t")?;
    record.ups_head_t = last_span(ups_head_t, "ups_head_t")?;
    record.err_msg = text(err_msg);
    Ok(())
}

/// Takes the groups from `app_id` to `scheme`, all but the last closing bracket.
fn first_groups<'a>(head: &'a str, record: &mut Record<'a>) -> Outcome<()> {
    let rest = head.strip_prefix('[').ok_or(LineError::Missing { group: "app_id" })?;
    let (app_id, rest) = first_group(rest, "app_id")?;
    let (env_name, rest) = first_group(rest, "env_name")?;
    let (service_id, rest) = first_group(rest, "service_id")?;
    let (rest, scheme) = rest.rsplit_once("][").ok_or(LineError::Missing { group: "scheme" })?;
    let (http_host, api_id, uri) = split_host(rest)?;
    record.account = name(app_id, "app_id", Key::Account)?;
    record.env = name(env_name, "env_name", Key::Env)?;
    record.service_id = name(service_id, "service_id", Key::ServiceId)?;
    record.host = text(http_host);
    record.api_id = name(api_id, "api_id", Key::ApiId)?;
    record.scheme = name(scheme, "scheme", Key::Scheme)?;
    match uri.split_once('?') {
        Some((path, query)) => {
            record.uri = text(path);
            record.query = if query == "-" { "".into() } else { mask_query(query) };
        }
        None => record.uri = text(uri),
    }
    Ok(())
}

fn first_group<'a>(text: &'a str, group: &'static str) -> Outcome<(&'a str, &'a str)> {
    text.split_once("][").ok_or(LineError::Missing { group })
}

/// Parts `host][api_id][uri`, where host and uri may hold brackets: at the first place at which
/// a name is followed by a path, since a host holds no path. Else at the first two bounds.
fn split_host(text: &str) -> Outcome<(&str, &str, &str)> {
    for (at, bound) in text.match_indices("][") {
        let after = &text[at.saturating_add(bound.len())..];
        let Some((api_id, uri)) = after.split_once("][") else { break };
        if uri.starts_with('/') && !api_id.contains(['/', '[', ']']) {
            return Ok((&text[..at], api_id, uri));
        }
    }
    let (http_host, rest) = first_group(text, "http_host")?;
    let (api_id, uri) = first_group(rest, "api_id")?;
    Ok((http_host, api_id, uri))
}
