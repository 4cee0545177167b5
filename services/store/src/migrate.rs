//! Brings the tables to the form that this binary knows.
//!
//! The statements stand in `schemas/clickhouse/NNNN_name.sql`, one per file, each harmless when it
//! is run again. So two may start at once, and a start that was killed halfway is taken up by the
//! next one: what is written in `schema_versions` only saves the repetition.

use serde::Deserialize;
use thiserror::Error;

use crate::endpoint::Store;
use crate::query::QueryError;
use crate::sql::Sql;

/// One numbered statement.
pub(crate) struct Step {
    /// Its number, from 1; the last one is the schema's version.
    version: u32,
    /// Name of its file without `.sql`.
    name: &'static str,
    sql: &'static str,
}

macro_rules! steps {
    ($($version:literal $name:literal,)+) => {
        [$(Step {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../../schemas/clickhouse/", $name, ".sql")),
        },)+]
    };
}

pub(crate) const STEPS: [Step; 18] = steps! {
    1 "0001_records",
    2 "0002_claims",
    3 "0003_dead_letters",
    4 "0004_gaps",
    5 "0005_cuts",
    6 "0006_bills",
    7 "0007_closings",
    8 "0008_price_books",
    9 "0009_tokens",
    10 "0010_access_log",
    11 "0011_held",
    12 "0012_releases",
    13 "0013_claim_groups",
    14 "0014_records_by_stream",
    15 "0015_records_by_account",
    16 "0016_records_codec",
    17 "0017_records_numbers",
    18 "0018_records_blocks",
};

/// The tables whose rows are promised to survive: those that `durability: host` concerns.
pub(crate) const TABLES: [&str; 12] = [
    "records",
    "claims",
    "dead_letters",
    "gaps",
    "cuts",
    "bills",
    "closings",
    "price_books",
    "tokens",
    "access_log",
    "held",
    "releases",
];

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_versions (\
     version UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)\
     ) ENGINE = MergeTree ORDER BY version";

/// Why the tables could not be brought to their form.
#[derive(Debug, Error)]
pub enum MigrateError {
    /// A newer Tollgate has been here.
    #[error(
        "database `{database}` has schema version {found}, this program knows {known}: \
         start a newer tollgate, or name another database"
    )]
    Newer {
        /// Name of the database.
        database: String,
        /// The version found in it.
        found: u32,
        /// The greatest version that this binary knows.
        known: u32,
    },
    /// A statement failed. Starting again takes up where it stopped.
    #[error("failed to run schema change {name}")]
    Statement {
        /// Name of the file, e.g. `0001_records`.
        name: &'static str,
        /// What failed.
        #[source]
        source: QueryError,
    },
}

// === impl MigrateError ===

impl MigrateError {
    /// True when the store could not be reached: it may be there later.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Statement { source: QueryError::Unreachable { .. }, .. })
    }
}

// === impl Store ===

#[derive(Deserialize)]
struct Versions {
    versions: Vec<u32>,
}

#[derive(Deserialize)]
struct Definition {
    create_table_query: String,
}

impl Store {
    /// Creates the database, runs every numbered statement that was not run yet, and sets whether
    /// stored rows survive a power loss ([`Store::new_durable`]).
    ///
    /// # Errors
    /// [`MigrateError`]
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        let failed = |name| move |source| MigrateError::Statement { name, source };
        let database = self.database();
        let create = format!("CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic");
        self.execute_anywhere(&Sql::new(create)).await.map_err(failed("0000_database"))?;
        self.execute(&Sql::new(VERSIONS)).await.map_err(failed("0000_schema_versions"))?;

        let applied = self.versions().await.map_err(failed("0000_schema_versions"))?;
        let known = STEPS.last().map_or(0, |step| step.version);
        let found = applied.iter().copied().max().unwrap_or(0);
        if found > known {
            return Err(MigrateError::Newer { database: database.to_owned(), found, known });
        }
        for step in STEPS.iter().filter(|step| !applied.contains(&step.version)) {
            self.apply(step).await.map_err(failed(step.name))?;
        }
        self.keep_records().await.map_err(failed("time_to_live"))?;
        self.set_durable().await.map_err(failed("fsync_after_insert"))
    }

    async fn versions(&self) -> Result<Vec<u32>, QueryError> {
        let sql = Sql::new("SELECT groupUniqArray(version) AS versions FROM schema_versions");
        let rows: Vec<Versions> = self.query(&sql).await?;
        Ok(rows.into_iter().flat_map(|row| row.versions).collect())
    }

    async fn apply(&self, step: &Step) -> Result<(), QueryError> {
        tracing::info!(schema.version = step.version, schema.name = step.name, "changing schema");
        self.execute(&Sql::new(step.sql)).await?;
        let sql = Sql::new(
            "INSERT INTO schema_versions (version, name) SELECT {version:UInt32}, {name:String}",
        );
        self.execute(&sql.param("version", step.version).param("name", step.name)).await
    }

    /// A setting of the tables, so that it also holds for what ClickHouse writes by itself.
    async fn set_durable(&self) -> Result<(), QueryError> {
        let value = u8::from(self.inner.durable);
        for table in TABLES {
            let wanted = format!("fsync_after_insert = {value}, fsync_part_directory = {value}");
            let stands = self.definition(table).await?;
            let default = !self.inner.durable && !stands.contains("fsync_after_insert");
            if !default && !stands.contains(&wanted) {
                let alter = format!("ALTER TABLE {table} MODIFY SETTING {wanted}");
                self.execute(&Sql::new(alter)).await?;
            }
        }
        Ok(())
    }

    /// Takes away the time to live that the first versions of the table had: what is not billed
    /// yet must not go, and only whoever closes hours knows what is.
    async fn keep_records(&self) -> Result<(), QueryError> {
        if self.definition("records").await?.contains(" TTL toDateTime(stored_at)") {
            self.execute(&Sql::new("ALTER TABLE records REMOVE TTL")).await?;
        }
        Ok(())
    }

    async fn definition(&self, table: &'static str) -> Result<String, QueryError> {
        let sql = Sql::new(
            "SELECT create_table_query FROM system.tables \
             WHERE database = currentDatabase() AND name = {table:String}",
        );
        let rows: Vec<Definition> = self.query(&sql.param("table", table)).await?;
        Ok(rows.into_iter().map(|row| row.create_table_query).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_numbered_one_by_one_as_their_files() {
        for (step, number) in STEPS.iter().zip(1..) {
            assert_eq!(step.version, number);
            assert!(step.name.starts_with(&format!("{number:04}_")), "{}", step.name);
        }
    }

    #[test]
    fn each_step_is_one_statement_that_may_be_run_again() {
        for step in STEPS {
            let code = step.sql.lines().filter(|line| !line.starts_with("--"));
            assert!(code.into_iter().all(|line| !line.contains(';')), "{} is one", step.name);
            let again = ["IF NOT EXISTS", "MODIFY SETTING", "MODIFY COLUMN"];
            assert!(again.iter().any(|words| step.sql.contains(words)), "{}", step.name);
        }
    }
}
