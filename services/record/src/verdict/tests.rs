//! RULE-1, row by row of the specification's table, and what is not in the table.

use proptest::prelude::*;

use super::{Reason, judge};
use crate::samples::record;
use crate::{Part, Record};

fn check(rsp_st: u16, ups_st: &str, billable: bool, reason: Reason) {
    let record = Record { rsp_st, ups_st: ups_st.into(), ..Record::default() };
    let verdict = judge(&record);
    assert_eq!((verdict.billable, verdict.reason), (billable, reason), "{rsp_st} | {ups_st}");
}

#[test]
fn every_row_of_the_table_has_its_verdict() {
    check(404, "404", true, Reason::BackendAnswered);
    check(200, "200", true, Reason::Ok);
    check(404, "-", false, Reason::GatewayRejected);
    check(200, "-", true, Reason::Ok);
    check(204, "-", false, Reason::GatewayAnswered);
    check(204, "204", true, Reason::BackendAnswered);
    check(499, "-", false, Reason::ClientLeft);
    check(499, "200", true, Reason::BackendAnswered);
    check(502, "502", true, Reason::BackendAnswered);
    check(504, "-", false, Reason::GatewayFailed);
    check(504, "504", true, Reason::BackendAnswered);
    check(101, "101", true, Reason::BackendAnswered);
    check(200, "502, 200", true, Reason::Ok);
    check(503, "-, -", false, Reason::GatewayFailed);
}

#[test]
fn empty_statuses_are_known_in_every_form() {
    for empty in ["", "-", "null", "-,-", "-, -", "- : -", ", ", "null, -", " - "] {
        check(502, empty, false, Reason::GatewayFailed);
    }
    for reached in ["-, 502", "502, -", "502 : -", "-, -, 504"] {
        check(502, reached, true, Reason::BackendAnswered);
    }
}

#[test]
fn the_gateways_own_answers_are_told_apart() {
    check(400, "", false, Reason::GatewayRejected);
    check(481, "", false, Reason::GatewayRejected);
    check(498, "", false, Reason::GatewayRejected);
    check(500, "", false, Reason::GatewayFailed);
    check(599, "", false, Reason::GatewayFailed);
    check(302, "", false, Reason::GatewayAnswered);
    check(399, "", false, Reason::GatewayAnswered);
    check(201, "", false, Reason::GatewayAnswered);
}

#[test]
fn only_final_records_are_calls() {
    for &part in Part::ALL {
        let record = Record { part, rsp_st: 200, ups_st: "200".into(), ..Record::default() };
        let called = part == Part::Final;
        assert_eq!(judge(&record).billable, called, "{part}");
        assert_eq!(judge(&record).reason == Reason::NotACall, !called, "{part}");
    }
}

proptest! {
    /// The promise in its shortest words, without the reasons.
    #[test]
    fn billable_is_200_or_a_backend_status(record in record()) {
        let reached = record.ups_st.chars().any(|sign| sign.is_ascii_digit());
        let promised = record.part == Part::Final && (record.rsp_st == 200 || reached);
        prop_assert_eq!(judge(&record).billable, promised);
    }
}
