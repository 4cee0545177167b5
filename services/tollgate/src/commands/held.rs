//! `tollgate bills held` and `tollgate bills release`: use that could not be rated, and what a
//! person decides about it.

use std::collections::BTreeMap;
use std::process::ExitCode;

use metering::{HeldUse, Release};
use serde_json::{Value, json};

use crate::Usage;
use crate::cli::{BillsHeld, BillsRelease, Output};
use crate::config::Config;
use crate::output::{self, List, say};
use crate::storage::Storage;

/// Prints what waits for a decision.
pub(crate) async fn held(
    config: Config,
    _args: &BillsHeld,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let storage = Storage::join(&config).await?;
    let held = metering::held(&storage.store).await?;
    let mut list = List::new(&["hour", "account", "held at", "reason"]);
    for HeldUse { hour, account, at, reason, .. } in &held {
        list.row([hour.to_string(), account.clone(), at.to_string(), reason.clone()]);
    }
    if output == Output::Table && held.is_empty() {
        say!("Nothing is held back.")?;
        return Ok(ExitCode::SUCCESS);
    }
    let json: Vec<Value> = held.iter().map(as_json).collect();
    output::print(output, &list, &json!({ "held": json }))?;
    Ok(ExitCode::SUCCESS)
}

fn as_json(held: &HeldUse) -> Value {
    json!({
        "hour": held.hour.to_string(),
        "account": held.account,
        "cut": held.cut.to_string(),
        "held_at": held.at.to_string(),
        "reason": held.reason,
    })
}

/// Releases what is held of an account's use in an hour.
pub(crate) async fn release(
    config: Config,
    args: &BillsRelease,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let how = how(args)?;
    let storage = Storage::join(&config).await?;
    // Whoever can open the store of the data folder is its operator.
    let by = format!("command line, uid {}", rustix::process::getuid().as_raw());
    let pieces = metering::release(&storage.store, args.hour, &args.account, how, &by).await?;
    let (hour, account) = (args.hour.to_string(), args.account.as_str());
    if output == Output::Json {
        let json = json!({ "hour": hour, "account": account, "released": pieces });
        output::print(output, &List::new(&[]), &json)?;
    } else if args.waive {
        say!("Account {account} will not be billed for what was held of {hour}.")?;
    } else {
        say!("The next hour that closes bills account {account} for what was held of {hour}.")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn how(args: &BillsRelease) -> Result<Release, Usage> {
    if args.waive {
        return Ok(Release::Waive);
    }
    let mut regions = BTreeMap::new();
    for pair in &args.region {
        let split = pair.split_once('=').filter(|(from, to)| !from.is_empty() && !to.is_empty());
        let (from, to) = split.ok_or_else(|| {
            Usage(format!(
                "`{pair}` is no pair of regions: write RECORDED=PRICED, like ap-typo=ap-singapore"
            ))
        })?;
        regions.insert(from.to_owned(), to.to_owned());
    }
    Ok(Release::Rate { book: args.price_book.clone(), regions })
}
