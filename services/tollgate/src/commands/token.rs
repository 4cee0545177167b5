//! `tollgate token create`.

use std::process::ExitCode;

use query::NewToken;
use record::Time;
use serde_json::json;

use crate::Usage;
use crate::cli::{Output, TokenCreate};
use crate::config::Config;
use crate::output::{self, List};
use crate::process::now;
use crate::storage::Storage;

const DAY_MS: i64 = 24 * 3_600_000;

/// Makes a token and prints it; it is kept only as a hash.
pub(crate) async fn create(
    config: Config,
    args: &TokenCreate,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let role = args.role;
    // Before an engine is started for nothing.
    if args.all_accounts && !role.may_be_for_all() {
        return Err(
            Usage(format!("a {role} is always somebody: name the account with --account")).into()
        );
    }
    let now = now();
    let expires = Time(now.0.saturating_add(i64::from(args.days) * DAY_MS));
    let whose = args.account.as_deref().unwrap_or("all accounts");
    let name = match args.name.as_str() {
        "" => format!("{} of {whose}", role.as_str()),
        name => name.to_owned(),
    };
    let new = NewToken { name, role, account: args.account.clone(), expires_at: Some(expires) };
    let storage = Storage::join(&config).await?;
    let token = query::create_token(&storage.store, &new, now).await?;
    let mut list = List::new(&["token", "role", "account", "expires_at"]);
    let row = [token.clone(), role.as_str().to_owned(), whose.to_owned(), expires.to_string()];
    list.row(row);
    let json = json!({
        "token": token,
        "role": role.as_str(),
        "account": args.account,
        "expires_at": expires.to_string(),
    });
    output::print(output, &list, &json)?;
    if output == Output::Table {
        eprintln!("It is shown this once: only its hash is kept.");
    }
    Ok(ExitCode::SUCCESS)
}
