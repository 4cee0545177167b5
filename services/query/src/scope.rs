//! TENANT-1, in one place: every query of a handler passes here.
//!
//! - A [`Scope`] says whose rows may be read. It comes from a token ([`crate::caller`]) only.
//! - A [`Select`] reads one table, and can not be run without a scope: [`Reader::fetch`] is the only
//!   way to the store that a handler has, and adds the table's condition for that scope.
//! - The other conditions stand in parentheses, so that no `OR` among them opens the first one, and
//!   there are no subqueries, so that no table is read beside the one that is guarded.
//! - A table of whole hours (`cuts`, `closings`) has no rows of an account. What of it an account
//!   may see is the handler's care.

use std::borrow::Cow;

use record::Time;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::{Limits, Param, QueryError, Sql, Store};

/// Whose rows may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope(Whose);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Whose {
    All,
    Account(String),
}

/// A table that handlers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    /// Rows of an account, which may belong to a caller too.
    Records,
    /// Rows of an account.
    Bills,
    /// One row an hour, of all accounts together.
    Cuts,
    /// One row an hour, of all accounts together.
    Closings,
}

/// A query of one table, still without its scope.
#[derive(Debug, Clone)]
pub(crate) struct Select {
    table: Table,
    columns: String,
    conditions: Vec<String>,
    group: Option<String>,
    order: Option<String>,
    limit: Option<u64>,
    params: Vec<(Cow<'static, str>, Param)>,
    limits: Limits,
}

/// The handlers' way to the store.
#[derive(Clone)]
pub(crate) struct Reader {
    store: Store,
}

// === impl Scope ===

impl Scope {
    /// All accounts' rows.
    pub(crate) fn all() -> Self {
        Self(Whose::All)
    }

    /// The rows of one account.
    ///
    /// # Panics
    /// Without a name: that would be the rows that belong to nobody.
    pub(crate) fn account(account: impl Into<String>) -> Self {
        let account = account.into();
        assert!(!account.is_empty(), "a scope of one account names it");
        Self(Whose::Account(account))
    }

    /// The account, unless it is all of them.
    pub(crate) fn bound_to(&self) -> Option<&str> {
        match &self.0 {
            Whose::All => None,
            Whose::Account(account) => Some(account),
        }
    }

    /// For what does not come from the store: whether it may be shown.
    pub(crate) fn holds(&self, account: &str) -> bool {
        self.bound_to().is_none_or(|bound| bound == account)
    }
}

// === impl Table ===

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Bills => "bills",
            Self::Cuts => "cuts",
            Self::Closings => "closings",
        }
    }

    /// What keeps a query to the rows of the account in the parameter `scope`.
    const fn condition(self) -> Option<&'static str> {
        match self {
            Self::Records => Some("account = {scope:String} OR caller = {scope:String}"),
            Self::Bills => Some("account = {scope:String}"),
            Self::Cuts | Self::Closings => None,
        }
    }
}

// === impl Select ===

impl Select {
    /// Reads `columns` of `table`.
    pub(crate) fn new(table: Table, columns: impl Into<String>) -> Self {
        Self {
            table,
            columns: no_subquery(columns.into()),
            conditions: Vec::new(),
            group: None,
            order: None,
            limit: None,
            params: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Only rows for which `condition` holds as well.
    pub(crate) fn filter(mut self, condition: impl Into<String>) -> Self {
        self.conditions.push(no_subquery(condition.into()));
        self
    }

    /// The value of `{name:Type}`.
    pub(crate) fn param(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Param>,
    ) -> Self {
        let name = name.into();
        assert_ne!(name, "scope", "the scope is added by the scope");
        self.params.push((name, value.into()));
        self
    }

    /// `GROUP BY`
    pub(crate) fn group(mut self, by: impl Into<String>) -> Self {
        self.group = Some(no_subquery(by.into()));
        self
    }

    /// `ORDER BY`
    pub(crate) fn order(mut self, by: impl Into<String>) -> Self {
        self.order = Some(no_subquery(by.into()));
        self
    }

    /// `LIMIT`
    pub(crate) fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Other bounds than the store's usual ones.
    pub(crate) fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The statement for this scope.
    pub(crate) fn sql(&self, scope: &Scope) -> Sql {
        let account = scope.bound_to();
        let guard = account.and_then(|_| self.table.condition()).into_iter();
        let conditions: Vec<_> = guard
            .chain(self.conditions.iter().map(String::as_str))
            .map(|condition| format!("({condition})"))
            .collect();
        let mut text = format!("SELECT {}\nFROM {}", self.columns, self.table.name());
        if !conditions.is_empty() {
            text.push_str("\nWHERE ");
            text.push_str(&conditions.join("\n  AND "));
        }
        if let Some(group) = &self.group {
            text.push_str(&format!("\nGROUP BY {group}"));
        }
        if let Some(order) = &self.order {
            text.push_str(&format!("\nORDER BY {order}"));
        }
        if let Some(limit) = self.limit {
            text.push_str(&format!("\nLIMIT {limit}"));
        }
        let mut sql = Sql::new(text).limits(self.limits);
        for (name, value) in &self.params {
            sql = sql.param(name.clone(), value.clone());
        }
        match account {
            Some(account) if self.table.condition().is_some() => sql.param("scope", account),
            _ => sql,
        }
    }
}

/// A subquery would read a table that nobody guards.
fn no_subquery(text: String) -> String {
    let upper = text.to_ascii_uppercase();
    let found = ["SELECT", " JOIN ", " IN "].iter().find(|word| upper.contains(**word));
    assert_eq!(found, None, "a scoped query reads one table: {text}");
    text
}

// === impl Reader ===

impl Reader {
    /// Over this store.
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Runs the query for the rows of `scope`.
    pub(crate) async fn fetch<T: DeserializeOwned>(
        &self,
        scope: &Scope,
        select: &Select,
    ) -> Result<Vec<T>, QueryError> {
        self.store.query(&select.sql(scope)).await
    }

    /// The newest record that is stored, of whatever account, if it is younger than `since`. The one
    /// query without a scope: it gives a time, which is nobody's row, and tells an account whether
    /// its own record may still be on the way.
    pub(crate) async fn newest(&self, since: Time) -> Result<Option<Time>, QueryError> {
        #[derive(Deserialize)]
        struct Newest {
            count: u64,
            newest: String,
        }
        let sql = Sql::new(
            "SELECT count() AS count, max(time) AS newest\nFROM records\n\
             WHERE time >= {since:DateTime64(3, 'UTC')}",
        )
        .param("since", since);
        let rows: Vec<Newest> = self.store.query(&sql).await?;
        let newest = rows.into_iter().next().filter(|row| row.count > 0);
        Ok(newest.and_then(|row| Time::parse_rfc3339(&row.newest)))
    }

    /// Whether the store answers.
    pub(crate) async fn ping(&self) -> Result<(), QueryError> {
        self.store.ping().await
    }
}

#[cfg(test)]
mod tests;
