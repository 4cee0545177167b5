//! Ours embedded: from a spool, in this process, as `tollgate up` does it.

use std::sync::Arc;

use anyhow::{Context, Result};
use bus::{Bounds, SpoolSource};
use metering::{Config, Counters, Pipeline};
use spool::{Durability, Room, Spool, WhenFull, Writer};
use tokio::sync::oneshot;

use super::{Turn, Watch, check};
use crate::rows::{Rows, Span, Words};
use crate::stage::{Stage, now};

/// Records of one write, as many as a busy turn of a gateway's worker has.
const TOGETHER: u64 = 16;
const GATEWAY: &str = "gateway-1";
const WORKERS: u16 = 4;

pub(super) fn turn(stage: &Stage, words: &Words, span: Span) -> Result<Turn> {
    stage.empty(&["records", "claims", "gaps"])?;
    let folder = tempfile::Builder::new().prefix("tollgate-bench-spool").tempdir()?;
    let config = spool::Config {
        dir: folder.path().to_owned(),
        gateway: GATEWAY.to_owned(),
        workers: WORKERS,
        size: 5 << 30,
        segment: 16 << 20,
        record_max: 16 << 10,
        durability: Durability::Process,
        when_full: WhenFull::Reject,
    };
    let mut spool = spool::open(&config, now().0 as u64)?;
    fill(&mut spool, words, span)?;
    let Spool { reader, writers, .. } = spool;
    let counters = Arc::new(Counters::default());
    let watch = Watch::begin(stage, "records", span.rows)?;
    let source = SpoolSource::start(GATEWAY, reader, Bounds::default())?;
    let store = stage.store.clone();
    let (pipeline, _handle) = Pipeline::new(source, store, Config::default(), counters);
    let (stop, stopped) = oneshot::channel::<()>();
    let running = stage.runtime.spawn(pipeline.run(async { drop(stopped.await) }));
    let turn = watch.end(|| running.is_finished().then(|| "the pipeline ended".to_owned()));
    drop(stop);
    stage.runtime.block_on(running).context("the pipeline panicked")??;
    drop(writers);
    let turn = turn?;
    check(stage, "records", span.rows)?;
    Ok(turn)
}

/// Puts all records into it; place and time are the spool's own.
fn fill(spool: &mut Spool, words: &Words, span: Span) -> Result<()> {
    let epoch = spool.epoch;
    let mut rows = Rows::new(words, span, epoch);
    let mut made = 0;
    while let Some(record) = rows.next_record() {
        let worker = made / TOGETHER % u64::from(WORKERS);
        let writer = &mut spool.writers[worker as usize];
        writer.push(record.time.0, Room::Headroom, |seq, time, out| {
            let worker = worker as u16;
            let gateway = GATEWAY.into();
            let record = record::Record { seq, time, worker, epoch, gateway, ..record.clone() };
            record::encode(&record, out);
        })?;
        made += 1;
        if made % TOGETHER == 0 {
            writer.write()?;
        }
    }
    spool.writers.iter_mut().try_for_each(Writer::write)?;
    Ok(())
}
