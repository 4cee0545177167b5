//! Bearer tokens: made once, shown once, kept as a hash.
//!
//! - The text has 244 random bits, so a plain SHA-256 is enough to keep it.
//! - An answer of the store is remembered for [`LIFE`], good or bad, in a table of bounded size: a
//!   token that was revoked works no longer than that, and guessing does not reach the store more
//!   than once per guess.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use record::Time;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{InsertError, QueryError, Rows, RowsError, Sql, Store, tables};
use thiserror::Error;
use uuid::Uuid;

use crate::roles::Role;

/// So that a token is known for one when it turns up where it should not.
const PREFIX: &str = "tollgate_";

/// Longest name of a token, bytes: it stands in every line of the access log.
const NAME_MAX: usize = 64;

/// Longest name of an account, bytes, as in records.
const ACCOUNT_MAX: usize = 128;

/// Longest text that is looked at as a token, bytes; ours have 73.
const TOKEN_MAX: usize = 256;

/// How long an answer of the store is remembered: revoking takes effect within it.
const LIFE: Duration = Duration::from_secs(5);

/// How many tokens are remembered at once; beyond that all are forgotten. About 300 bytes each.
const REMEMBERED_MAX: usize = 4096;

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// For people: who has it, what for.
    pub name: String,
    /// What it may read.
    pub role: Role,
    /// Whose rows; none for all accounts.
    pub account: Option<String>,
    /// When it ends; none for never.
    pub expires_at: Option<Time>,
}

/// Why a token was not made.
#[derive(Debug, Error)]
pub enum CreateError {
    /// The name is empty, too long or has control characters.
    #[error("the token's name must have 1 to {NAME_MAX} bytes and no control characters")]
    Name,
    /// The account is empty, too long or has control characters.
    #[error("an account's name must have 1 to {ACCOUNT_MAX} bytes and no control characters")]
    Account,
    /// The role is a party, so it needs an account.
    #[error("a token with role `{role}` is bound to an account: name it")]
    Unbound {
        /// The role.
        role: Role,
    },
    /// It would never have been valid.
    #[error("the token would have expired before it was made")]
    Expired,
    /// The row could not be made.
    #[error("failed to make the token's row")]
    Row(#[from] RowsError),
    /// The store did not take it.
    #[error("failed to store the token")]
    Store(#[from] InsertError),
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) account: Option<String>,
    pub(crate) expires_at: Option<Time>,
}

/// Looks tokens up.
pub(crate) struct Tokens {
    store: Store,
    /// By hash. The lock is held for a look or an entry, never over a wait.
    remembered: Mutex<HashMap<String, (Instant, Option<Known>)>>,
}

/// A row of `tokens` to be written.
#[derive(Serialize)]
struct NewRow<'a> {
    hash: &'a str,
    name: &'a str,
    role: &'a str,
    account: &'a str,
    created_at: String,
    expires_at: Option<String>,
}

/// A row of `tokens` as it is read.
#[derive(Deserialize)]
struct Row {
    name: String,
    role: String,
    account: String,
    expires_at: Option<String>,
}

/// Makes a token and stores its hash. The result is the token's text, which is nowhere else.
///
/// # Errors
/// [`CreateError`]
pub async fn create(store: &Store, new: &NewToken, now: Time) -> Result<String, CreateError> {
    check(new, now)?;
    let token = format!("{PREFIX}{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let mut rows = Rows::new(&tables::TOKENS);
    rows.push(&NewRow {
        hash: &hash(&token),
        name: &new.name,
        role: new.role.as_str(),
        account: new.account.as_deref().unwrap_or_default(),
        created_at: now.to_rfc3339(),
        expires_at: new.expires_at.map(Time::to_rfc3339),
    })?;
    store.append(&rows).await?;
    Ok(token)
}

fn check(new: &NewToken, now: Time) -> Result<(), CreateError> {
    let good = |text: &str, max: usize| {
        !text.trim().is_empty() && text.len() <= max && !text.chars().any(char::is_control)
    };
    if !good(&new.name, NAME_MAX) {
        return Err(CreateError::Name);
    }
    match &new.account {
        Some(account) if !good(account, ACCOUNT_MAX) => return Err(CreateError::Account),
        None if !new.role.may_be_for_all() => {
            return Err(CreateError::Unbound { role: new.role });
        }
        _ => {}
    }
    match new.expires_at {
        Some(end) if end <= now => Err(CreateError::Expired),
        _ => Ok(()),
    }
}

fn hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

// === impl Tokens ===

impl Tokens {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, remembered: Mutex::default() }
    }

    /// What is known of the token; expired or not.
    pub(crate) async fn find(&self, token: &str) -> Result<Option<Known>, QueryError> {
        if token.len() > TOKEN_MAX || !token.starts_with(PREFIX) {
            return Ok(None);
        }
        let hash = hash(token);
        if let Some(answer) = self.remembered(&hash, Instant::now()) {
            return Ok(answer);
        }
        let sql = Sql::new(
            "SELECT name, role, account, expires_at\nFROM tokens\nWHERE hash = {hash:String}\n\
             LIMIT 1",
        )
        .param("hash", hash.as_str());
        let rows: Vec<Row> = self.store.query(&sql).await?;
        let known = rows.into_iter().next().and_then(Row::known);
        self.remember(hash, known.clone(), Instant::now());
        Ok(known)
    }

    fn remembered(&self, hash: &str, now: Instant) -> Option<Option<Known>> {
        // A table that a panic left behind is still a table of answers.
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, answer) = remembered.get(hash)?;
        (now.duration_since(*at) < LIFE).then(|| answer.clone())
    }

    fn remember(&self, hash: String, answer: Option<Known>, now: Instant) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(hash, (now, answer));
    }
}

impl Row {
    /// A row that this program can not read gives no access.
    fn known(self) -> Option<Known> {
        let role = Role::parse(&self.role)?;
        let account = Some(self.account).filter(|account| !account.is_empty());
        if account.is_none() && !role.may_be_for_all() {
            return None;
        }
        let expires_at = match self.expires_at {
            Some(text) => Some(Time::parse_rfc3339(&text)?),
            None => None,
        };
        Some(Known { name: self.name, role, account, expires_at })
    }
}

#[cfg(test)]
mod tests;
