//! The words and spans of single records.

use record::{Fault, judge};

use super::*;

fn explain(record: &Record<'_>, language: Language) -> serde_json::Value {
    let judged = judge(record);
    let verdict =
        VerdictBody { billable: judged.billable, reason: judged.reason.as_str(), rule: 1 };
    let body = ExplainBody::new(record, verdict, billed::nothing(), language);
    serde_json::to_value(body).expect("JSON")
}

fn failed() -> Record<'static> {
    Record {
        req_id: "foreign".into(),
        time: Time(10_000),
        method: "GET".into(),
        uri: "/a".into(),
        rsp_st: 504,
        ups_st: "504".into(),
        req_t: Millis(3_200),
        ups_conn_t: Some(Millis(50)),
        ups_rsp_t: Some(Millis(3_000)),
        err_msg: "Gateway Time-out.".into(),
        fault: Fault::Backend,
        phase: "waiting".into(),
        ..Record::default()
    }
}

fn spans(json: &serde_json::Value) -> Vec<(String, String)> {
    let phases = json["phases"].as_array().expect("a list");
    let word = |phase: &serde_json::Value, key: &str| phase[key].as_str().map(str::to_owned);
    let span = |phase| Some((word(phase, "phase")?, word(phase, "seconds")?));
    phases.iter().map(|phase| span(phase).expect("texts")).collect()
}

fn check(json: &serde_json::Value, expected: &[(&str, &str)]) {
    let spans = spans(json);
    let spans: Vec<_> = spans.iter().map(|(phase, seconds)| (&**phase, &**seconds)).collect();
    assert_eq!(spans, expected);
}

#[test]
fn a_failure_has_its_phase_its_fault_and_its_remedy() {
    let json = explain(&failed(), Language::En);
    assert_eq!(json["arrived_at"], "1970-01-01T00:00:06.800Z");
    assert_eq!(
        json["summary"],
        "GET /a was answered with 504; the backend's status was 504; the gateway said: Gateway \
         Time-out."
    );
    check(
        &json,
        &[
            ("connecting", "0.050"),
            ("unanswered", "2.950"),
            ("gateway", "0.200"),
            ("total", "3.200"),
        ],
    );
    assert_eq!(json["fault"]["whose"], "backend");
    assert_eq!(
        json["fault"]["words"],
        "The backend's. It failed while waiting for the backend's response."
    );
    assert_eq!(json["error"]["status"], 504);
    assert!(json["error"]["remedy"].as_str().is_some_and(|text| text.ends_with('.')));
    assert_eq!(json["reason"], "It counts as a call, because the request reached the backend.");
}

#[test]
fn cause_and_remedy_name_the_case() {
    let record = Record {
        rsp_st: 404,
        err_msg: "There is no api match uri[/a/$host].".into(),
        fault: Fault::None,
        phase: "".into(),
        ..failed()
    };
    let json = explain(&record, Language::En);
    assert!(
        json["error"]["cause"].as_str().is_some_and(|text| text.contains("answers /a/$host in")),
        "{json}"
    );
    assert_eq!(json["error"]["text"], "There is no api match uri[$uri].");
    assert_eq!(json["fault"]["words"], "The record does not say.");
}

#[test]
fn the_spans_add_up_to_the_whole() {
    let good = Record {
        rsp_st: 200,
        ups_st: "200".into(),
        err_msg: "".into(),
        fault: Fault::None,
        ups_head_t: Some(Millis(2_000)),
        ..failed()
    };
    let json = explain(&good, Language::En);
    check(
        &json,
        &[
            ("connecting", "0.050"),
            ("waiting", "1.950"),
            ("receiving", "1.000"),
            ("gateway", "0.200"),
            ("total", "3.200"),
        ],
    );
    assert!(json.get("error").is_none());
    // Without a word about the backend, all of it is the gateway's.
    let refused = Record { ups_conn_t: None, ups_rsp_t: None, ups_head_t: None, ..good };
    let json = explain(&refused, Language::En);
    check(&json, &[("gateway", "3.200"), ("total", "3.200")]);
}

#[test]
fn every_word_is_there_in_chinese() {
    let chinese = |text: &serde_json::Value| {
        let text = text.as_str().unwrap_or_default();
        assert!(text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{text}");
    };
    for fault in Fault::ALL {
        for phase in ["", "resolving", "connecting", "sending", "waiting", "receiving"] {
            let record = Record { fault: *fault, phase: phase.into(), ..failed() };
            let json = explain(&record, Language::Zh);
            assert_eq!(json["language"], "zh");
            for text in [
                &json["summary"],
                &json["reason"],
                &json["bill"]["words"],
                &json["fault"]["words"],
                &json["error"]["cause"],
                &json["error"]["remedy"],
            ] {
                chinese(text);
            }
            for phase in json["phases"].as_array().expect("a list") {
                chinese(&phase["words"]);
            }
        }
    }
    for reason in Reason::ALL {
        chinese(&words::reason(*reason, Language::Zh).into());
        assert!(words::reason(*reason, Language::En).is_ascii());
    }
    let interim = Record { part: record::Part::Interim, ..failed() };
    chinese(&explain(&interim, Language::Zh)["summary"]);
}
