//! `tollgate audit recount`: a closed hour's bills, counted again from the records themselves.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::{AuditRecount, Output};
use crate::config::Config;
use crate::output::{self, List, say};
use crate::process::now;
use crate::recount::{
    Account, Asked, Difference, Report, Shipped, Side, What, place, recount as count,
};
use crate::storage::Storage;

/// What a recount leaves out.
const NOT_COMPARED: &str = "Not compared: corrections of earlier hours, and where the month stood \
                            before the hour; both are taken from the bills.";

/// Recounts an hour and says whether it is equal.
pub(crate) async fn recount(
    config: Config,
    args: &AuditRecount,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let storage = Storage::join(&config).await?;
    let asked = Asked {
        hour: args.hour,
        account: args.account.as_deref(),
        kafka: config.kafka.as_ref(),
        retention: config.retention,
        now: now(),
    };
    let report = count(&storage.store, &asked).await?;
    if output == Output::Table {
        say!(
            "hour {} (UTC); its own part: the bill without corrections of other hours\n",
            args.hour
        )?;
    }
    if output != Output::Table || !report.accounts.is_empty() {
        output::print(output, &accounts(&report), &as_json(&report, args))?;
    }
    if output == Output::Table {
        for line in said(&report) {
            say!("{line}")?;
        }
    }
    Ok(if report.equal() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn accounts(report: &Report) -> List {
    let mut list =
        List::new(&["account", "#own part", "#from ClickHouse", "#from Kafka", "bill equal?"]);
    for account in &report.accounts {
        let total = |side: &Option<Side>| {
            let total = side.as_ref().and_then(|side| side.total);
            total.map(|total| total.to_string()).unwrap_or_default()
        };
        list.row([
            account.account.clone(),
            account.billed.map(|total| total.to_string()).unwrap_or_default(),
            total(&account.stored),
            total(&account.shipped),
            word(account).to_owned(),
        ]);
    }
    list
}

fn word(account: &Account) -> &'static str {
    let sides = [&account.stored, &account.shipped];
    let equal: Vec<_> = sides.into_iter().flatten().map(|side| side.equal).collect();
    if equal.contains(&Some(false)) {
        "NO"
    } else if equal.contains(&Some(true)) {
        "yes"
    } else {
        "held back"
    }
}

/// All that follows the table.
fn said(report: &Report) -> Vec<String> {
    let mut lines = vec![String::new()];
    for account in &report.accounts {
        for (from, side) in [("ClickHouse", &account.stored), ("Kafka", &account.shipped)] {
            for note in side.iter().flat_map(|side| &side.notes) {
                lines.push(format!("account {}, from {from}: {note}", account.account));
            }
        }
    }
    for difference in &report.differences.named {
        lines.push(format!("{}: {}", name(difference), what(difference)));
    }
    let unnamed = report.differences.count - report.differences.named.len() as u64;
    if unnamed > 0 {
        lines.push(format!("{unnamed} more records differ"));
    }
    if lines.len() > 1 {
        lines.push(String::new());
    }
    lines.extend([clickhouse(report), kafka(&report.shipped)]);
    if report.files > 0 && !matches!(report.shipped, Shipped::Skipped(_)) {
        let files = report.files;
        lines.push(format!(
            "{files} records came from files and through no topic; they are counted from ClickHouse."
        ));
    }
    lines.push(NOT_COMPARED.to_owned());
    lines.push(verdict(report).to_owned());
    lines
}

fn clickhouse(report: &Report) -> String {
    match report.stored {
        Some(records) => format!("ClickHouse: {records} records counted."),
        None => "ClickHouse: skipped, its records of this hour were dropped after their retention."
            .to_owned(),
    }
}

fn kafka(shipped: &Shipped) -> String {
    match shipped {
        Shipped::All { records } => format!("Kafka: {records} records counted."),
        Shipped::Partly { records, gone } => format!(
            "Kafka: {records} records compared one by one; {gone} are no longer kept, so there is \
             no bill from Kafka."
        ),
        Shipped::Skipped(why) => format!("Kafka: skipped, {why}."),
    }
}

fn verdict(report: &Report) -> &'static str {
    let single = report.stored.is_none() || !matches!(report.shipped, Shipped::All { .. });
    let accounts_differ = report.accounts.iter().any(|account| word(account) == "NO");
    match (report.equal(), report.differences.count) {
        (true, _) => "Equal.",
        (false, 0) if accounts_differ && single => {
            "NOT equal. Which record it is can be said only where ClickHouse and Kafka both have \
             all of them."
        }
        (false, _) => "NOT equal.",
    }
}

fn name(difference: &Difference) -> String {
    let Difference { req_id, stream, seq, .. } = difference;
    let place = place(stream, *seq);
    match req_id.as_deref() {
        Some(id) if !id.is_empty() => format!("request {id} ({place})"),
        _ => format!("record {place}"),
    }
}

fn what(difference: &Difference) -> String {
    match &difference.what {
        What::Verdict { stored, judged } => {
            format!("stored as {stored}; by RULE-1 it is {judged}")
        }
        What::Twice => "stands more than once in ClickHouse".to_owned(),
        What::NotStored => "not in ClickHouse".to_owned(),
        What::NotShipped => "in ClickHouse, not in Kafka".to_owned(),
        What::Facts { differ, .. } => {
            let fact = |(name, stored, shipped): &(&str, String, String)| {
                format!("{name} is `{stored}` in ClickHouse, `{shipped}` in Kafka")
            };
            differ.iter().map(fact).collect::<Vec<_>>().join("; ")
        }
    }
}

fn as_json(report: &Report, args: &AuditRecount) -> Value {
    let clickhouse = json!({
        "state": if report.stored.is_some() { "counted" } else { "gone" },
        "records": report.stored,
        "from_files": report.files,
    });
    let kafka = match &report.shipped {
        Shipped::All { records } => json!({ "state": "counted", "records": records }),
        Shipped::Partly { records, gone } => {
            json!({ "state": "partly", "records": records, "no_longer_kept": gone })
        }
        Shipped::Skipped(why) => json!({ "state": "skipped", "reason": why }),
    };
    let bills: Vec<Value> = report.accounts.iter().map(account_json).collect();
    let named: Vec<Value> = report.differences.named.iter().map(difference_json).collect();
    json!({
        "hour": args.hour.to_string(),
        "equal": report.equal(),
        "clickhouse": clickhouse,
        "kafka": kafka,
        "bills": bills,
        "differences": { "count": report.differences.count, "named": named },
        "not_compared": NOT_COMPARED,
    })
}

fn account_json(account: &Account) -> Value {
    let side = |side: &Side| {
        json!({
            "total": side.total.map(|total| total.amount.to_string()),
            "equal": side.equal,
            "notes": side.notes,
        })
    };
    json!({
        "account": account.account,
        "bill": account.billed.map(|total| total.amount.to_string()),
        "currency": account.billed.map(|total| total.currency.to_string()),
        "corrections": account.corrections,
        "from_clickhouse": account.stored.as_ref().map(side),
        "from_kafka": account.shipped.as_ref().map(side),
    })
}

fn difference_json(difference: &Difference) -> Value {
    let kind = match &difference.what {
        What::Verdict { .. } => "verdict",
        What::Twice => "twice",
        What::NotStored => "not_in_clickhouse",
        What::NotShipped => "not_in_kafka",
        What::Facts { .. } => "differs",
    };
    let facts: serde_json::Map<String, Value> = match &difference.what {
        What::Facts { differ, .. } => differ
            .iter()
            .map(|(name, stored, shipped)| {
                ((*name).to_owned(), json!({ "clickhouse": stored, "kafka": shipped }))
            })
            .collect(),
        _ => serde_json::Map::new(),
    };
    json!({
        "req_id": difference.req_id,
        "stream": difference.stream.to_string(),
        "seq": difference.seq,
        "kind": kind,
        "facts": facts,
        "text": what(difference),
    })
}
