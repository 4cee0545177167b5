//! `tollgate logs search`: the records that a filter lets through, page after page.

use std::process::ExitCode;

use record::Time;
use serde_json::{Value, json};

use super::{text, thousandths};
use crate::cli::{LogsSearch, Output, Span};
use crate::client::{Client, segment};
use crate::output::{self, List, say};
use crate::process::now;

/// The most records that the API gives at once.
const PAGE_MAX: u64 = 1000;

/// Fetches pages until there are enough records, and prints them.
pub(crate) async fn search(args: &LogsSearch, output: Output) -> anyhow::Result<ExitCode> {
    let client = Client::find(&args.server)?;
    let limit = u64::from(args.limit);
    let mut logs: Vec<Value> = Vec::new();
    let mut page: Option<String> = None;
    let (from, to, more) = loop {
        let left = limit - logs.len() as u64;
        let order = if args.oldest { "oldest" } else { "newest" };
        let mut query = Query::new("/v1/logs")
            .with("limit", &left.min(PAGE_MAX).to_string())
            .with("order", order)
            .with("filter", &args.filter);
        query = match &page {
            Some(token) => query.with("page_token", token),
            None => query.span(&args.span, now()),
        };
        let mut answer = client.get(&query.path).await?;
        if let Some(found) = answer["logs"].as_array_mut() {
            logs.append(found);
        }
        page = answer["next_page_token"].as_str().map(str::to_owned);
        if page.is_none() || logs.len() as u64 >= limit {
            break (answer["from"].clone(), answer["to"].clone(), page.is_some());
        }
    };
    let list = list(&logs);
    let (from_text, to_text) = (text(&from), text(&to));
    let json = json!({ "from": from, "to": to, "more": more, "logs": logs });
    if output == Output::Table && list.is_empty() {
        say!("No record from {from_text} to {to_text} is let through by the filter.")?;
        return Ok(ExitCode::SUCCESS);
    }
    output::print(output, &list, &json)?;
    if more {
        // Not on standard output: a program reads that.
        eprintln!("There are more: raise --limit, or ask for less.");
    }
    Ok(ExitCode::SUCCESS)
}

/// A path with its parameters, made step by step.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) path: String,
}

impl Query {
    pub(crate) fn new(path: &str) -> Self {
        Self { path: path.to_owned() }
    }

    /// One more parameter; an empty one is left out.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.path.push(if self.path.contains('?') { '&' } else { '?' });
            self.path.push_str(name);
            self.path.push('=');
            self.path.push_str(&segment(value));
        }
        self
    }

    /// `from` and `to`.
    pub(crate) fn span(self, span: &Span, now: Time) -> Self {
        let last = span.last.map(|last| {
            let ms = i64::try_from(last.as_millis()).unwrap_or(i64::MAX);
            Time(now.0.saturating_sub(ms).max(0))
        });
        let time = |time: Option<Time>| time.map(Time::to_rfc3339).unwrap_or_default();
        self.with("from", &time(last.or(span.from))).with("to", &time(span.to))
    }
}

/// What a person looks for first: when, how it went, what, how long, why.
pub(crate) fn list(logs: &[Value]) -> List {
    let mut list = List::new(&[
        "time",
        "#status",
        "#backend",
        "method",
        "uri",
        "api",
        "env",
        "#total_s",
        "#backend_s",
        "billable",
        "error",
        "req_id",
    ]);
    for entry in logs {
        list.row(cells(entry));
    }
    list
}

/// One record in those columns.
pub(crate) fn cells(entry: &Value) -> [String; 12] {
    let word = |key: &str| text(&entry["record"][key]);
    let seconds = |key: &str| match word(key) {
        empty if empty.is_empty() => empty,
        seconds => thousandths(&seconds),
    };
    [
        word("time"),
        word("rsp_st"),
        word("ups_st"),
        word("method"),
        word("uri"),
        word("api_id"),
        word("env"),
        seconds("req_t"),
        seconds("ups_rsp_t"),
        text(&entry["verdict"]["billable"]),
        word("err_msg"),
        word("req_id"),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn parameters_are_encoded_and_empty_ones_left_out() {
        let none = Span { from: None, to: None, last: None };
        let last = Span { last: Some(Duration::from_secs(3_600)), ..none };
        let query = Query::new("/v1/logs").with("filter", "a = \"b&c\"").with("order", "");
        assert_eq!(query.path, "/v1/logs?filter=a%20%3D%20%22b%26c%22");
        let query = Query::new("/v1/logs").span(&last, Time(7_200_000));
        assert_eq!(query.path, "/v1/logs?from=1970-01-01T01%3A00%3A00.000Z");
    }

    #[test]
    fn a_record_is_one_row() {
        let entry = json!({
            "record": { "time": "t", "rsp_st": 502, "ups_st": "502", "req_t": 1.5, "uri": "/" },
            "verdict": { "billable": true },
        });
        let cells = cells(&entry);
        assert_eq!((&*cells[1], &*cells[7], &*cells[8], &*cells[9]), ("502", "1.500", "", "true"));
    }
}
