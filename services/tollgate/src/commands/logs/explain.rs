//! `tollgate logs explain`: what happened to one request, in words.

use std::process::ExitCode;

use serde_json::Value;

use super::text;
use crate::cli::{Language, LogsExplain, Output};
use crate::client::{Client, segment};
use crate::output::{self, List, say};

/// Fetches the explanation and prints it.
pub(crate) async fn explain(args: &LogsExplain, output: Output) -> anyhow::Result<ExitCode> {
    let language = args.tongue.language();
    let client = Client::find(&args.server)?.speaking(language);
    let answer = client.get(&format!("/v1/logs/{}/explain", segment(&args.req_id))).await?;
    if output != Output::Table {
        output::print(output, &phases(&answer), &answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    say!("{}\n", text(&answer["summary"]))?;
    say!("{}\n", phases(&answer).to_table())?;
    for (label, words) in sentences(&answer, language) {
        say!("{label}{words}")?;
    }
    let lines = lines(&answer);
    if !lines.is_empty() {
        say!("\n{}", lines.to_table())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the time went.
fn phases(answer: &Value) -> List {
    let mut list = List::new(&["phase", "#seconds", "what"]);
    for phase in answer["phases"].as_array().into_iter().flatten() {
        list.row([text(&phase["phase"]), text(&phase["seconds"]), text(&phase["words"])]);
    }
    list
}

/// What is said of it, each with its label; what is not there is left out.
fn sentences(answer: &Value, language: Language) -> Vec<(&'static str, String)> {
    let bill = &answer["bill"];
    let hour = text(&bill["hour"]);
    let all = [
        (language.pick("Arrived: ", "到达时间："), text(&answer["arrived_at"])),
        (language.pick("Fault: ", "故障方："), text(&answer["fault"]["words"])),
        (language.pick("Cause: ", "原因："), text(&answer["error"]["cause"])),
        (language.pick("Remedy: ", "处理方法："), text(&answer["error"]["remedy"])),
        (language.pick("Verdict: ", "计费判定："), text(&answer["reason"])),
        (language.pick("Bill: ", "账单："), format!("{hour} {}", text(&bill["words"]))),
    ];
    all.into_iter().filter(|(_, words)| !words.is_empty()).collect()
}

/// The lines of the bill.
fn lines(answer: &Value) -> List {
    let mut list = List::new(&[
        "line",
        "item",
        "region",
        "direction",
        "tier",
        "#quantity",
        "unit",
        "#unit_price",
        "#amount",
    ]);
    for line in answer["bill"]["lines"].as_array().into_iter().flatten() {
        let word = |key: &str| text(&line[key]);
        list.row([
            word("id"),
            word("item"),
            word("region"),
            word("direction"),
            word("tier"),
            word("quantity"),
            word("unit"),
            word("unit_price"),
            word("amount"),
        ]);
    }
    list
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_there_is_left_out() {
        let answer = json!({
            "arrived_at": "t", "fault": { "words": "Nobody's." }, "reason": "It counts.",
            "bill": { "hour": "h", "words": "w", "lines": [{ "id": "0" }] },
        });
        let said: Vec<_> =
            sentences(&answer, Language::En).into_iter().map(|(label, _)| label).collect();
        assert_eq!(said, ["Arrived: ", "Fault: ", "Verdict: ", "Bill: "]);
        assert!(!lines(&answer).is_empty() && phases(&answer).is_empty());
    }
}
