//! `tollgate ingest`: takes a file in, beside a running `tollgate up` or without one.

use std::fs;
use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, bail};
use bus::memory::Input;
use bus::{Bounds, Memory, Place};
use metering::{Counters, Pipeline};
use record::{Stream, Time};
use serde::Deserialize;
use serde_json::json;
use store::{Sql, Store};

use crate::cli::{Format, Ingest, Output};
use crate::config::Config;
use crate::ingest::{self, Form, Options, Taken};
use crate::output::{self, List};
use crate::storage::Storage;

/// What stands of the same source from other files, in the span of this one.
const OVERLAP_SQL: &str = "\
SELECT
    toUnixTimestamp64Milli(min(time)) AS first,
    toUnixTimestamp64Milli(max(time)) AS last,
    count() AS records
FROM records
WHERE gateway = {gateway:String}
  AND epoch != {epoch:UInt64}
  AND part = 'final'
  AND time >= fromUnixTimestamp64Milli({first:Int64}, 'UTC')
  AND time <= fromUnixTimestamp64Milli({last:Int64}, 'UTC')";

/// What became of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    /// Lines that became records of the store now.
    pub(crate) stored: u64,
    /// Lines that were there already.
    pub(crate) recognised: u64,
    /// Lines that could not be read, and are dead letters now.
    pub(crate) dead: u64,
}

/// Takes in one file and says what became of its lines.
pub(crate) async fn ingest(
    config: Config,
    args: &Ingest,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let content = read(args)?;
    let form = match args.format {
        Format::Bracket => Form::Bracket,
        Format::Json => Form::Json,
    };
    let option = |option: &Option<String>| option.clone().unwrap_or_default();
    let options = Options {
        source: args.source.clone(),
        region: option(&args.region),
        instance: option(&args.instance),
        method: option(&args.method),
        secret_id: option(&args.secret_id),
        order_id: option(&args.order),
    };
    let taken = ingest::read(&content, form, &options)?;
    let storage = Storage::join(&config).await?;
    if !args.force {
        refuse_overlap(&storage.store, &taken).await?;
    }
    let (stream, passed_over) = (Arc::clone(&taken.stream), taken.passed_over);
    let outcome = store(&storage.store, config.metering, taken).await?;
    let mut list = List::new(&["stream", "#stored", "#recognised", "#dead", "#passed over"]);
    let Outcome { stored, recognised, dead } = outcome;
    let text = |count: u64| count.to_string();
    list.row([stream.to_string(), text(stored), text(recognised), text(dead), text(passed_over)]);
    let json = json!({
        "stream": stream.to_string(),
        "stored": stored,
        "recognised": recognised,
        "dead": dead,
        "passed_over": passed_over,
    });
    output::print(output, &list, &json)?;
    Ok(ExitCode::SUCCESS)
}

/// Brings the messages of a file into the store, each exactly once.
pub(crate) async fn store(
    store: &Store,
    config: metering::Config,
    taken: Taken,
) -> anyhow::Result<Outcome> {
    let name = taken.stream.gateway.clone();
    let place = |seq| Place { stream: Arc::clone(&taken.stream), seq };
    let messages: Vec<_> = taken
        .messages
        .into_iter()
        .map(|message| Input {
            place: Some(place(message.seq)),
            unreadable: message.unreadable.map(Into::into),
            bytes: message.bytes,
        })
        .collect();
    let source = Memory::new(name, messages, Bounds::default());
    let counters = Arc::new(Counters::default());
    let (pipeline, handle) = Pipeline::new(source, store.clone(), config, Arc::clone(&counters));
    let done = async move {
        // That the pipeline has ended is said by the pipeline itself.
        handle.catch_up().await.ok();
    };
    pipeline.run(done).await.context("the records were not taken in")?;
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    // The `end` of the stream is stored or recognised with the rest; it is no line of the file.
    let (stored, recognised) = (count(&counters.stored), count(&counters.duplicates));
    Ok(Outcome {
        stored: stored.saturating_sub(u64::from(stored > 0)),
        recognised: recognised.saturating_sub(u64::from(stored == 0)),
        dead: count(&counters.dead),
    })
}

/// A log that has grown would be counted twice: refused, with the overlap named.
async fn refuse_overlap(store: &Store, taken: &Taken) -> anyhow::Result<()> {
    #[derive(Deserialize)]
    struct Overlap {
        first: i64,
        last: i64,
        records: u64,
    }
    let Stream { gateway, epoch, .. } = taken.stream.as_ref();
    let sql = Sql::new(OVERLAP_SQL)
        .param("gateway", gateway.as_str())
        .param("epoch", *epoch)
        .param("first", taken.span.0.0)
        .param("last", taken.span.1.0);
    let rows: Vec<Overlap> = store.query(&sql).await?;
    let Some(overlap) = rows.first().filter(|row| row.records > 0) else { return Ok(()) };
    bail!(
        "another file of `{}` has {} records between {} and {}, within this one's span: a log that \
         has grown would be counted twice. Cut it after that time, or say --force",
        gateway.trim_start_matches("ingest:"),
        overlap.records,
        Time(overlap.first),
        Time(overlap.last)
    )
}

fn read(args: &Ingest) -> anyhow::Result<Vec<u8>> {
    if args.file.as_os_str() == "-" {
        let mut content = Vec::new();
        std::io::stdin().lock().read_to_end(&mut content).context("can not read standard input")?;
        return Ok(content);
    }
    fs::read(&args.file).with_context(|| format!("can not read {}", args.file.display()))
}
