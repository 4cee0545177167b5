//! The peer: a table of the engine `Kafka`, and a materialized view that fills a table like
//! `records` from it.
//!
//! Of the ways to write that, this is the one that costs least. With `JSONEachRow` the engine reads
//! each message as a block of one row: 2.1 times as much CPU per row when the columns of words are
//! texts there, 6 times when they are `LowCardinality` as in the table. Here it takes messages as
//! they are, and the view reads the JSON of whole blocks, each once.

use anyhow::Result;
use store::records::stored_columns;

use super::topic::Topic;
use super::{Turn, Watch, check};
use crate::stage::Stage;

/// Like `records`.
const TABLE: &str = "peer_records";

pub(super) fn prepare(stage: &Stage) -> Result<()> {
    stage.run(format!("CREATE TABLE IF NOT EXISTS {TABLE} AS records"))
}

pub(super) fn turn(
    stage: &Stage,
    topic: &Topic,
    rows: u64,
    number: u32,
    consumers: u16,
) -> Result<Turn> {
    stage.empty(&[TABLE])?;
    let (queue, view) = (format!("peer_queue_{number}"), format!("peer_view_{number}"));
    stage.run(format!(
        "CREATE TABLE {queue} (raw String) ENGINE = Kafka SETTINGS kafka_broker_list = '{}', \
         kafka_topic_list = '{}', kafka_group_name = '{queue}', kafka_format = 'RawBLOB', \
         kafka_num_consumers = {consumers}, kafka_thread_per_consumer = {}",
        topic.addr(),
        Topic::NAME,
        u8::from(consumers > 1),
    ))?;
    let read: Vec<String> =
        columns().map(|column| format!("{} {}", column.name, column.read)).collect();
    let taken: Vec<String> =
        columns().map(|column| format!("{} AS {}", column.taken, column.name)).collect();
    let watch = Watch::begin(stage, TABLE, rows)?;
    stage.run(format!(
        "CREATE MATERIALIZED VIEW {view} TO {TABLE} AS \
         WITH JSONExtract(raw, 'Tuple({})') AS t SELECT {}, toStartOfHour(time) AS hour, \
         part = 'final' AND (rsp_st = 200 OR ups_st != '') AS billable, \
         if(billable, 'ok', 'gateway_rejected') AS reason, 1 AS rule FROM {queue}",
        // A text within a text.
        read.join(", ").replace('\'', "\\'"),
        taken.join(", ")
    ))?;
    let turn = watch.end(|| None);
    stage.run(format!("DROP TABLE {view} SYNC"))?;
    stage.run(format!("DROP TABLE {queue} SYNC"))?;
    let turn = turn?;
    check(stage, TABLE, rows)?;
    Ok(turn)
}

/// A column that stands in messages.
struct Column {
    name: &'static str,
    /// As what it is read.
    read: &'static str,
    /// The value that is stored.
    taken: String,
}

/// What stands in no message is made by the view.
fn columns() -> impl Iterator<Item = Column> {
    let made = |name: &str| ["hour", "billable", "reason", "rule"].contains(&name);
    stored_columns().filter(move |(name, _)| !made(name)).map(|(name, kind)| {
        let (read, taken) = match name {
            "time" => ("String", format!("parseDateTime64BestEffort(t.{name}, 3, 'UTC')")),
            // Seconds in a message, milliseconds in the table.
            "req_t" => ("Float64", format!("toUInt32(round(t.{name} * 1000))")),
            "ups_rsp_t" | "ups_conn_t" | "ups_head_t" => {
                ("Nullable(Float64)", format!("toUInt32(round(t.{name} * 1000))"))
            }
            _ => (kind, format!("t.{name}")),
        };
        Column { name, read, taken }
    })
}
