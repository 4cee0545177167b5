//! `tollgate close HOUR --dry-run`: the hour's bills again, or ahead of time; nothing is written.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::bills::{NOTHING, lines};
use crate::cli::{Close, Output};
use crate::config::Config;
use crate::output;
use crate::output::say;
use crate::process::now;
use crate::storage::Storage;

/// Computes the bills of an hour and says, for a closed one, whether they are the same bytes.
pub(crate) async fn dry_run(
    config: Config,
    args: &Close,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let hour = args.hour;
    let storage = Storage::join(&config).await?;
    let run = metering::dry_run(&storage.store, Some(&config.prices), hour, now()).await?;
    let same = run.same();
    let parsed: Vec<Value> = run
        .bills
        .iter()
        .filter_map(|bill| bill.bill.as_deref().map(serde_json::from_str))
        .collect::<Result<_, _>>()?;
    let json = json!({
        "hour": hour.to_string(),
        "closed": same.is_some(),
        "same": same,
        "bills": parsed,
    });
    if output == Output::Table && run.bills.is_empty() && run.held.is_empty() {
        say!("{NOTHING}")?;
    } else {
        output::print(output, &lines(&json), &json)?;
    }
    let (verdict, code) = match same {
        None => ("The hour is not closed; this is what stands so far.", ExitCode::SUCCESS),
        Some(true) => ("Same bytes as the closed bills.", ExitCode::SUCCESS),
        Some(false) => ("NOT the same bytes as the closed bills.", ExitCode::FAILURE),
    };
    for held in &run.held {
        let metering::Held { account, hour, reason, .. } = held;
        eprintln!("account {account}: its use of {hour} can not be billed: {reason}");
    }
    if output == Output::Table {
        say!("\n{verdict}")?;
    } else {
        eprintln!("{verdict}");
    }
    Ok(code)
}
