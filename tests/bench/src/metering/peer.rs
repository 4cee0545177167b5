//! The peer: a table of the engine `Kafka`, and a materialized view that fills a table like
//! `records` from it.

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
    let named: Vec<String> = columns().map(|(name, kind, _)| format!("{name} {kind}")).collect();
    stage.run(format!(
        "CREATE TABLE {queue} ({}) ENGINE = Kafka SETTINGS kafka_broker_list = '{}', \
         kafka_topic_list = '{}', kafka_group_name = '{queue}', kafka_format = 'JSONEachRow', \
         kafka_num_consumers = {consumers}, kafka_thread_per_consumer = {}, \
         date_time_input_format = 'best_effort', \
         input_format_skip_unknown_fields = 1",
        named.join(", "),
        topic.addr(),
        Topic::NAME,
        u8::from(consumers > 1),
    ))?;
    let taken: Vec<String> =
        columns().map(|(name, _, taken)| format!("{taken} AS {name}")).collect();
    let watch = Watch::begin(stage, TABLE, rows)?;
    stage.run(format!(
        "CREATE MATERIALIZED VIEW {view} TO {TABLE} AS SELECT {}, toStartOfHour(q.time) AS hour, \
         q.part = 'final' AND (q.rsp_st = 200 OR q.ups_st != '') AS billable, \
         if(billable, 'ok', 'gateway_rejected') AS reason, 1 AS rule FROM {queue} AS q",
        taken.join(", ")
    ))?;
    let turn = watch.end(|| None);
    stage.run(format!("DROP TABLE {view} SYNC"))?;
    stage.run(format!("DROP TABLE {queue} SYNC"))?;
    let turn = turn?;
    check(stage, TABLE, rows)?;
    Ok(turn)
}

/// Name, type in a message, and how the value is taken from it. What stands in no message is made
/// by the view.
fn columns() -> impl Iterator<Item = (&'static str, &'static str, String)> {
    let made = |name: &str| ["hour", "billable", "reason", "rule"].contains(&name);
    stored_columns().filter(move |(name, _)| !made(name)).map(|(name, kind)| match name {
        // Seconds in a message, milliseconds in the table.
        "req_t" => (name, "Float64", format!("toUInt32(round(q.{name} * 1000))")),
        "ups_rsp_t" | "ups_conn_t" | "ups_head_t" => {
            (name, "Nullable(Float64)", format!("toUInt32(round(q.{name} * 1000))"))
        }
        _ => (name, kind, format!("q.{name}")),
    })
}
