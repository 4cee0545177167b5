//! The layouts: each is the table of the migration with another order, other indexes.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Deserialize;
use store::{Limits, Sql, Store};

/// One layout. `records` itself is filled by inserts; the others are copies of it.
pub(crate) struct Candidate {
    /// Name of its table.
    pub(crate) name: &'static str,
    /// For the printed table.
    pub(crate) label: &'static str,
    order: &'static str,
    /// What stands in the list of columns besides them.
    indexes: &'static [&'static str],
    settings: &'static [&'static str],
}

const HOUR: &str = "toStartOfHour(time), account, time";
const TEN: &str = "toStartOfTenMinutes(time), account, time";
const ACCOUNT: &str = "account, time";

const BLOOM: &str = "INDEX id req_id TYPE bloom_filter(0.001) GRANULARITY 1";
const CLIENT: &str = "INDEX client client_req_id TYPE bloom_filter(0.001) GRANULARITY 1";
const STORED: &str = "INDEX stored stored_at TYPE minmax GRANULARITY 16";
const SEQ: &str = "INDEX seqs seq TYPE minmax GRANULARITY 1";
const BY_ID: &str = "PROJECTION id (SELECT req_id, _part_offset ORDER BY req_id)";
const BY_ACCOUNT: &str =
    "PROJECTION newest (SELECT account, time, _part_offset ORDER BY account, time)";

/// Those of `records`, said aloud.
const GRANULES: &str = "index_granularity = 2048, min_compress_block_size = 8192, \
                        auto_statistics_types = '', string_serialization_version = 'single_stream', \
                        default_compression_codec = 'ZSTD(1)'";

/// The one whose figures are 1.00.
pub(crate) const CHOSEN: &str = "hour_ranges";

pub(crate) const CANDIDATES: [Candidate; 11] = [
    plain("account_plain", "account, time", ACCOUNT, &[]),
    plain("account_bloom", "account, time; bloom", ACCOUNT, &[BLOOM, CLIENT]),
    plain("time_bloom", "time; bloom", "time", &[BLOOM, CLIENT]),
    plain("ten_plain", "10 min, account, time", TEN, &[]),
    plain("ten_bloom", "10 min, account, time; bloom", TEN, &[BLOOM, CLIENT]),
    plain("hour_bloom", "hour, account, time; bloom", HOUR, &[BLOOM, CLIENT]),
    plain(CHOSEN, "the same, ranges of seq and stored_at", HOUR, &[BLOOM, CLIENT, STORED, SEQ]),
    Candidate {
        settings: &["index_granularity = 8192, default_compression_codec = 'ZSTD(1)'"],
        ..plain(
            "hour_coarse",
            "the same, granules of 8192, before 0018",
            HOUR,
            &[BLOOM, CLIENT, STORED, SEQ],
        )
    },
    Candidate {
        settings: &[GRANULES, "min_bytes_for_wide_part = 100000000000"],
        ..plain("hour_compact", "the same, one file a part", HOUR, &[BLOOM, CLIENT, STORED, SEQ])
    },
    plain(
        "hour_by_id",
        "the same, offsets by id for the bloom",
        HOUR,
        &[BY_ID, CLIENT, STORED, SEQ],
    ),
    plain(
        "hour_by_account",
        "the same, offsets by account too",
        HOUR,
        &[BLOOM, CLIENT, STORED, SEQ, BY_ACCOUNT],
    ),
];

const fn plain(
    name: &'static str,
    label: &'static str,
    order: &'static str,
    indexes: &'static [&'static str],
) -> Candidate {
    Candidate { name, label, order, indexes, settings: &[GRANULES] }
}

#[derive(Deserialize)]
struct Partition {
    partition: String,
}

/// The partitions of a table that have at least so many parts.
async fn partitions(store: &Store, table: &str, parts: u64) -> Result<Vec<Partition>> {
    let sql = Sql::new(
        "SELECT partition FROM system.parts WHERE database = currentDatabase() \
         AND table = {table:String} AND active \
         GROUP BY partition HAVING count() >= {parts:UInt64} ORDER BY partition",
    );
    Ok(store.query(&sql.param("table", table).param("parts", parts)).await?)
}

impl Candidate {
    /// Makes the table, copies `records` into it day by day, and sees that each day is one part.
    pub(crate) async fn fill(&self, store: &Store) -> Result<()> {
        eprintln!("filling {}", self.name);
        run(store, self.definition(store).await?).await?;
        let name = self.name;
        for Partition { partition } in partitions(store, "records", 1).await? {
            let copy = format!(
                "INSERT INTO {name} SELECT * FROM records WHERE toDate(time) = '{partition}' \
                 SETTINGS max_insert_threads = 1, min_insert_block_size_bytes = 500000000"
            );
            run(store, copy).await?;
        }
        for Partition { partition } in partitions(store, name, 2).await? {
            run(store, format!("OPTIMIZE TABLE {name} PARTITION '{partition}' FINAL")).await?;
        }
        Ok(())
    }

    /// The migration's own text, with another tail: so the columns are always the real ones.
    async fn definition(&self, store: &Store) -> Result<String> {
        #[derive(Deserialize)]
        struct Columns {
            columns: String,
        }
        let sql = Sql::new(
            "SELECT arrayStringConcat(groupArray(concat(name, ' ', type, \
             if(compression_codec = '', '', concat(' ', compression_codec)))), ', ') AS columns \
             FROM (SELECT * FROM system.columns WHERE database = currentDatabase() \
             AND table = 'records' ORDER BY position)",
        );
        let rows: Vec<Columns> = store.query(&sql).await?;
        ensure!(rows.len() == 1, "`records` has columns");
        let mut inside: Vec<&str> = rows.iter().map(|row| row.columns.as_str()).collect();
        inside.extend(self.indexes);
        Ok(format!(
            "CREATE TABLE {} ({}) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY ({}) \
             SETTINGS {}",
            self.name,
            inside.join(", "),
            self.order,
            self.settings.join(", ")
        ))
    }
}

/// The chosen layout is to be the migration's: who changes one has to change the other.
pub(crate) async fn check_chosen(store: &Store) -> Result<()> {
    #[derive(Deserialize)]
    struct Keys {
        keys: u64,
    }
    let sql = Sql::new(
        "SELECT uniqExact(sorting_key) AS keys FROM system.tables \
         WHERE database = currentDatabase() AND name IN ('records', {chosen:String})",
    );
    let keys: Vec<Keys> = store.query(&sql.param("chosen", CHOSEN)).await?;
    ensure!(keys.iter().all(|row| row.keys == 1), "`records` has another order than {CHOSEN}");
    Ok(())
}

async fn run(store: &Store, text: String) -> Result<()> {
    let limits = Limits { time: Duration::from_secs(600), ..Limits::default() };
    Ok(store.execute(&Sql::new(text).limits(limits)).await?)
}
