//! `tollgate logs tail`: new records as they are stored, until it is told to end.
//!
//! It asks again each second for what was stored since the last answer, with some overlap: what was
//! printed is known by stream and number, so no record is printed twice, and one that is stored late
//! is printed when it comes.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use record::Time;
use serde_json::Value;
use tokio::time::MissedTickBehavior;

use super::search::{Query, cells, list};
use super::text;
use crate::cli::{LogsTail, Output};
use crate::client::Client;
use crate::commands::Signals;
use crate::output::{List, say};
use crate::process::now;

/// Between two questions: a person sees no difference to less.
const EACH: Duration = Duration::from_secs(1);

/// How long before now the first records may be, milliseconds; and the longest that storing may lag
/// behind for a record to be seen here.
const SPAN_MS: i64 = 3_600 * 1000;

/// How far questions overlap, milliseconds: the clocks of this machine and of the store differ by
/// less, and an insert takes less.
const OVERLAP_MS: i64 = 10_000;

/// Records at the start.
const FIRST: usize = 10;

/// Records of one page.
const PAGE: usize = 1000;

/// Pages of one question: nobody reads more in ten seconds.
const PAGES_MAX: usize = 10;

/// What was printed and when it was stored; what is older than the overlap is forgotten.
#[derive(Debug, Default)]
struct Printed(BTreeMap<String, Time>);

/// Prints until a signal.
pub(crate) async fn tail(args: &LogsTail, output: Output) -> anyhow::Result<ExitCode> {
    let client = Client::find(&args.server)?;
    let mut asked = Signals::new()?;
    tokio::select! {
        ended = follow(&client, &args.filter, output) => ended,
        () = asked.wait() => Ok(ExitCode::SUCCESS),
    }
}

/// Prints until something fails.
async fn follow(client: &Client, filter: &str, output: Output) -> anyhow::Result<ExitCode> {
    let mut printed = Printed::default();
    let mut each = tokio::time::interval(EACH);
    each.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut since = None;
    loop {
        each.tick().await;
        let start = now();
        let (logs, more) = newest(client, filter, since, start).await?;
        let new = printed.new_ones(&logs, start);
        let shown = match since {
            None => new.get(new.len().saturating_sub(FIRST)..).unwrap_or_default(),
            Some(_) => &new,
        };
        print(shown, output, since.is_none())?;
        if since.is_some() && more {
            let most = PAGES_MAX * PAGE;
            eprintln!("There were more than {most} within a moment: the oldest are left out.");
        }
        since = Some(Time(start.0.saturating_sub(OVERLAP_MS)));
    }
}

/// What was stored since, newest first, and whether there is more; at first a page of the newest.
async fn newest(
    client: &Client,
    filter: &str,
    since: Option<Time>,
    now: Time,
) -> anyhow::Result<(Vec<Value>, bool)> {
    let query = question(filter, since, now);
    let (mut logs, mut path) = (Vec::new(), query.path.clone());
    for page in 1.. {
        let mut answer = client.get(&path).await?;
        if let Some(found) = answer["logs"].as_array_mut() {
            logs.append(found);
        }
        let Some(token) = answer["next_page_token"].as_str() else { return Ok((logs, false)) };
        if since.is_none() || page >= PAGES_MAX {
            break;
        }
        path = Query { path: query.path.clone() }.with("page_token", token).path;
    }
    Ok((logs, true))
}

/// For the newest records, or for all that were stored since.
fn question(filter: &str, since: Option<Time>, now: Time) -> Query {
    let from = Time(now.0.saturating_sub(SPAN_MS).max(0)).to_rfc3339();
    let stored = since.map(|since| format!("stored_at >= {}", since.to_rfc3339()));
    let filter = match (stored, filter.trim()) {
        (None, filter) => filter.to_owned(),
        (Some(stored), "") => stored,
        (Some(stored), filter) => format!("{stored} AND ({filter})"),
    };
    // Both ends: a page token is of one span.
    Query::new("/v1/logs")
        .with("from", &from)
        .with("to", &Time(now.0.saturating_add(OVERLAP_MS)).to_rfc3339())
        .with("limit", &PAGE.to_string())
        .with("filter", &filter)
}

/// A list at first, so that there is a head; then a line each.
fn print(new: &[Value], output: Output, first: bool) -> anyhow::Result<()> {
    match output {
        Output::Json => {
            for entry in new {
                say!("{entry}")?;
            }
        }
        Output::Csv => print_csv(&list(new), first)?,
        Output::Table | Output::Text => {
            for entry in new {
                say!("{}", line(entry))?;
            }
        }
    }
    Ok(())
}

fn print_csv(list: &List, head: bool) -> anyhow::Result<()> {
    let csv = list.to_csv()?;
    let csv = String::from_utf8_lossy(&csv);
    for line in csv.lines().skip(usize::from(!head)) {
        say!("{line}")?;
    }
    Ok(())
}

/// One record on one line: when, how it went, what, how long, why, and its id.
fn line(entry: &Value) -> String {
    let [time, status, backend, method, uri, _, _, total, _, _, error, req_id] = cells(entry);
    let backend = if backend.is_empty() { "-".to_owned() } else { backend };
    let error = if error.is_empty() { error } else { format!("  {error}") };
    format!("{time}  {status:>3} {backend:>3}  {total:>7}  {method} {uri}{error}  {req_id}")
}

// === impl Printed ===

impl Printed {
    /// Those that were not printed before, oldest first; they count as printed from now on.
    fn new_ones(&mut self, logs: &[Value], now: Time) -> Vec<Value> {
        let mut new = Vec::new();
        for entry in logs.iter().rev() {
            let record = &entry["record"];
            let place =
                ["gateway", "epoch", "worker", "seq"].map(|key| text(&record[key])).join("/");
            let stored = Time::parse_rfc3339(&text(&entry["stored_at"])).unwrap_or(now);
            if self.0.insert(place, stored).is_none() {
                new.push(entry.clone());
            }
        }
        // Twice the overlap: the questions reach back by one, and clocks differ.
        let end = now.0.saturating_sub(2 * OVERLAP_MS);
        self.0.retain(|_, stored| stored.0 >= end);
        new
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(seq: u64, stored: i64) -> Value {
        json!({
            "record": { "gateway": "g", "epoch": 1, "worker": 0, "seq": seq },
            "stored_at": Time(stored).to_rfc3339(),
        })
    }

    #[test]
    fn a_record_is_printed_once_and_forgotten_when_it_can_not_come_again() {
        let mut printed = Printed::default();
        let seqs = |new: Vec<Value>| {
            new.iter().map(|entry| entry["record"]["seq"].clone()).collect::<Vec<_>>()
        };
        // Newest first, as the API gives them.
        assert_eq!(seqs(printed.new_ones(&[entry(2, 900), entry(1, 800)], Time(1000))), [1, 2]);
        assert_eq!(seqs(printed.new_ones(&[entry(3, 1000), entry(2, 900)], Time(2000))), [3]);
        assert!(printed.new_ones(&[], Time(900 + 2 * OVERLAP_MS)).is_empty());
        assert_eq!(printed.0.len(), 2, "the one of 800 is forgotten");
    }

    #[test]
    fn later_questions_are_for_what_was_stored_since() {
        let now = Time(SPAN_MS);
        let first = question("a = b", None, now).path;
        assert!(first.starts_with("/v1/logs?from=1970-01-01T00%3A00%3A00.000Z&to="), "{first}");
        assert!(first.ends_with("&limit=1000&filter=a%20%3D%20b"), "{first}");
        let path = question("a = b OR c = d", Some(Time(0)), now).path;
        assert!(path.ends_with(
            "filter=stored_at%20%3E%3D%201970-01-01T00%3A00%3A00.000Z%20AND%20%28a%20%3D%20b%20OR\
             %20c%20%3D%20d%29"
        ));
    }

    #[test]
    fn a_line_has_what_a_person_looks_for() {
        let entry = json!({ "record": {
            "time": "t", "rsp_st": 404, "method": "GET", "uri": "/a", "req_t": 0.5,
            "err_msg": "Found no api.", "req_id": "r",
        } });
        assert_eq!(line(&entry), "t  404   -    0.500  GET /a  Found no api.  r");
    }
}
