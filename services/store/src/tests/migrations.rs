//! From nothing, and from whatever stands.

use serde::Deserialize;

use super::Outcome;
use super::lab::{bare, block_of, claim, count, endpoint, store};
use crate::migrate::{STEPS, TABLES};
use crate::records::stored_columns;
use crate::{MigrateError, Sql, Store, tables};

#[tokio::test]
async fn a_second_migration_changes_nothing() -> Outcome {
    let store = store("migrations_twice").await?;
    let claim = claim(&store).await?;
    store.insert(&claim, &block_of(0..10)).await?;
    let versions = count(&store, "schema_versions").await?;
    store.migrate().await?;
    assert_eq!(count(&store, "schema_versions").await?, versions);
    assert_eq!(count(&store, "records").await?, 10);
    assert!(store.holds(&claim).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_migrate_at_once() -> Outcome {
    for round in 0..5 {
        let name = format!("migrations_race{round}");
        let starts: Vec<_> = (0..6)
            .map(|_| {
                let store = bare(&name);
                let store = store.expect("a store");
                tokio::spawn(async move { store.migrate().await })
            })
            .collect();
        for start in starts {
            start.await??;
        }
        let store = bare(&name)?;
        let tables = "system.tables WHERE database = currentDatabase()";
        // And that of the versions.
        assert_eq!(count(&store, tables).await?, TABLES.len() as u64 + 1);
        store.insert(&claim(&store).await?, &block_of(0..10)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_half_finished_migration_is_taken_up() -> Outcome {
    let store = store("migrations_half").await?;
    // As after a kill between the statement and its line, and before the later statements.
    store.execute(&Sql::new("TRUNCATE TABLE schema_versions")).await?;
    store.execute(&Sql::new("DROP TABLE tokens")).await?;
    store.migrate().await?;
    assert_eq!(count(&store, "tokens").await?, 0);
    assert_eq!(count(&store, "schema_versions").await?, STEPS.len() as u64);
    Ok(())
}

#[tokio::test]
async fn a_newer_schema_is_refused() -> Outcome {
    let store = store("migrations_newer").await?;
    let insert = "INSERT INTO schema_versions (version, name) VALUES (999, '0999_future')";
    store.execute(&Sql::new(insert)).await?;
    let error = store.migrate().await.err().ok_or("a newer schema")?;
    let known = STEPS.len();
    assert!(matches!(error, MigrateError::Newer { found: 999, .. }));
    assert_eq!(
        error.to_string(),
        format!(
            "database `tollgate_migrations_newer` has schema version 999, this program knows \
             {known}: start a newer tollgate, or name another database"
        )
    );
    Ok(())
}

#[derive(Deserialize)]
struct Described {
    name: String,
    #[serde(rename = "type")]
    stored: String,
}

async fn described(store: &Store, table: &str) -> Result<Vec<Described>, crate::QueryError> {
    store.query(&Sql::new(format!("DESCRIBE TABLE {table}"))).await
}

#[tokio::test]
async fn records_has_the_columns_that_the_encoder_knows() -> Outcome {
    let store = store("migrations_records").await?;
    let described = described(&store, "records").await?;
    let described: Vec<_> =
        described.iter().map(|column| (column.name.as_str(), column.stored.as_str())).collect();
    let mut known: Vec<_> = stored_columns().collect();
    known.push(("stored_at", "DateTime64(3, 'UTC')"));
    assert_eq!(described, known);
    Ok(())
}

#[tokio::test]
async fn the_other_tables_have_the_columns_that_are_written() -> Outcome {
    let store = store("migrations_tables").await?;
    for table in [
        &tables::DEAD_LETTERS,
        &tables::GAPS,
        &tables::CUTS,
        &tables::BILLS,
        &tables::HELD,
        &tables::CLOSINGS,
        &tables::PRICE_BOOKS,
        &tables::TOKENS,
        &tables::ACCESS_LOG,
    ] {
        let described = described(&store, table.name).await?;
        let described: Vec<_> = described
            .iter()
            .map(|column| (column.name.as_str(), column.stored.as_str()))
            .filter(|(name, _)| *name != "stored_at")
            .collect();
        let known: Vec<_> = table
            .columns
            .iter()
            .map(|(name, stored)| (*name, if *stored == tables::BYTES { "String" } else { stored }))
            .collect();
        assert_eq!(described, known, "{}", table.name);
        assert!(table.key.iter().all(|key| table.stored(key).is_some()), "{}", table.name);
    }
    Ok(())
}

#[tokio::test]
async fn durability_is_told_to_the_tables_and_taken_back() -> Outcome {
    let name = "migrations_durable";
    let durable = Store::new_durable(endpoint(name)?)?;
    durable.migrate().await?;
    let told = "system.tables WHERE database = currentDatabase() AND \
                create_table_query LIKE '%fsync_after_insert = 1, fsync_part_directory = 1%'";
    assert_eq!(count(&durable, told).await?, TABLES.len() as u64, "all but schema_versions");
    durable.insert(&claim(&durable).await?, &block_of(0..10)).await?;
    store(name).await?;
    assert_eq!(count(&durable, told).await?, 0);
    Ok(())
}

#[tokio::test]
async fn no_record_goes_by_itself() -> Outcome {
    let store = store("migrations_retention").await?;
    // As the table once was.
    let ttl = "ALTER TABLE records MODIFY TTL toDateTime(stored_at) + toIntervalSecond(2592000)";
    store.execute(&Sql::new(ttl)).await?;
    let told = "system.tables WHERE database = currentDatabase() AND name = 'records' AND \
                create_table_query LIKE '%TTL%'";
    assert_eq!(count(&store, told).await?, 1);
    store.migrate().await?;
    assert_eq!(count(&store, told).await?, 0);
    Ok(())
}
