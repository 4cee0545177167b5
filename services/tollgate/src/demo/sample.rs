//! A day of sample records in the provider's bracket form: what a gateway elsewhere logged
//! yesterday. Made by rule, so that two demos of one day take in the same file.

use std::borrow::Cow;

use record::{Fault, Hour, Millis, Record, Time, bracket};

/// Calls of one region in one hour. With it the crossing of the tier falls into the afternoon.
const CALLS_PER_HOUR: i64 = 150;
/// Hours of the day.
const HOURS: i64 = 24;
/// A day's ids are counted on from here; the seed's examples have 32 digits too.
const ID_BASE: u128 = 0x7cee_a94a_f3f7_65f7_0000_0000_0000_0000;

/// How many of a region's calls are billable in a day: the demo places its opening use by it.
pub(crate) fn billable_per_hour() -> u64 {
    let billable = (0..CALLS_PER_HOUR).filter(|&number| !outcome(number).1.is_empty()).count();
    u64::try_from(billable).expect("a count of a small range")
}

/// The lines of one region's day that begins at `day`.
pub(crate) fn day(region: &str, day: Hour) -> Vec<u8> {
    let mut out = Vec::new();
    let salt = u128::from(region.bytes().fold(7_u64, |sum, byte| sum * 31 + u64::from(byte)));
    for number in 0..HOURS * CALLS_PER_HOUR {
        let hour = number / CALLS_PER_HOUR;
        let within = number % CALLS_PER_HOUR;
        let at = day.start().0 + hour * 3_600_000 + within * (3_600_000 / CALLS_PER_HOUR) + 137;
        let (rsp_st, ups_st, err_msg, fault) = outcome(within);
        let reached = !ups_st.is_empty();
        let after = |ms: u64| reached.then_some(Millis(ms));
        let id = ID_BASE + (salt << 24) + u128::from(number.unsigned_abs());
        let record = Record {
            req_id: Cow::Owned(format!("{id:032x}")),
            time: Time(at),
            account: Cow::Borrowed(super::SELLER),
            service_id: Cow::Borrowed(super::SERVICE),
            api_id: Cow::Borrowed("api-steady"),
            env: Cow::Borrowed("release"),
            scheme: Cow::Borrowed("https"),
            host: Cow::Borrowed(super::HOST),
            uri: Cow::Owned(format!("/steady/item/{within}")),
            rsp_st,
            ups_st: Cow::Borrowed(ups_st),
            ip: Cow::Borrowed("203.0.113.7"),
            upip: Cow::Borrowed(if reached { "10.1.0.5:8080" } else { "" }),
            vip: Cow::Borrowed("198.51.100.10"),
            req_len: 578,
            rsp_len: rsp_len(rsp_st, within),
            req_t: Millis(28),
            ups_rsp_t: after(16),
            ups_conn_t: after(1),
            ups_head_t: after(16),
            err_msg: Cow::Borrowed(err_msg),
            fault,
            ..Record::default()
        };
        bracket::write(&record, bracket::Zone::UTC, &mut out);
        out.push(b'\n');
    }
    out
}

/// Status, backend's status, the gateway's error and whose fault it was, by the call's number.
fn outcome(within: i64) -> (u16, &'static str, &'static str, Fault) {
    match within % 25 {
        3 => (404, "404", "", Fault::None),
        11 => (404, "", "There is no api match uri[/steady/item].", Fault::Client),
        17 => (502, "502", "Bad Gateway.", Fault::Backend),
        19 => (504, "", "Gateway Time-out.", Fault::Backend),
        _ => (200, "200", "", Fault::None),
    }
}

/// Answers of a few megabytes, so that an hour of the sample is a visible part of a gigabyte.
fn rsp_len(rsp_st: u16, within: i64) -> u64 {
    if rsp_st == 200 { 1_500_000 + within.unsigned_abs() * 40_000 } else { 273 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_can_be_read_again_and_gives_the_promised_verdicts() {
        let text = day("ap-guangzhou", Hour(490_000));
        let lines: Vec<&[u8]> = text.split(|&b| b == b'\n').filter(|l| !l.is_empty()).collect();
        assert_eq!(lines.len() as i64, HOURS * CALLS_PER_HOUR);
        let billable = lines
            .iter()
            .map(|line| bracket::parse(line).expect("a line of ours"))
            .filter(|record| record::judge(record).billable)
            .count();
        assert_eq!(billable as u64, billable_per_hour() * HOURS as u64);
    }
}
