//! Who looks up to which number each stream is visible, and when.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use serde::Deserialize;
use store::{Sql, Store};

use crate::stage::{LOOK, Stage, now};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Epoch and worker; there is one gateway.
type Stream = (u64, u16);

/// The place of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    stream: Stream,
    seq: u64,
}

/// Looks until it is stopped.
pub(super) struct Watch {
    stop: SyncSender<()>,
    thread: JoinHandle<Result<Looks>>,
}

/// By stream: greatest visible numbers, and when they were seen first; both grow.
#[derive(Debug, Default)]
pub(super) struct Looks(BTreeMap<Stream, Vec<(u64, Instant)>>);

#[derive(Deserialize)]
struct Seen {
    epoch: u64,
    worker: u16,
    last: u64,
}

#[derive(Deserialize)]
struct Placed {
    req_id: String,
    epoch: u64,
    worker: u16,
    seq: u64,
}

// === impl Watch ===

impl Watch {
    pub(super) fn start(stage: &Stage) -> Result<Self> {
        let (stop, stopped) = sync_channel(1);
        let (store, runtime) = (stage.admin.clone(), stage.runtime.handle().clone());
        let from = now().0;
        let look = move || {
            let mut looks = Looks::default();
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                let seen = runtime.block_on(visible(&store, from))?;
                looks.add(seen, Instant::now());
            }
            Ok(looks)
        };
        let thread = thread::Builder::new().name("watch".to_owned()).spawn(look)?;
        Ok(Self { stop, thread })
    }

    pub(super) fn stop(self) -> Result<Looks> {
        // It may have ended by an error, which comes out now.
        self.stop.try_send(()).ok();
        self.thread.join().map_err(|_| anyhow!("the watcher panicked"))?
    }
}

async fn visible(store: &Store, from: i64) -> Result<Vec<Seen>> {
    let sql = format!(
        "SELECT epoch, worker, max(seq) AS last FROM records \
         WHERE time >= fromUnixTimestamp64Milli({from}, 'UTC') GROUP BY epoch, worker"
    );
    Ok(store.query(&Sql::new(sql)).await?)
}

/// Where the records of all responses stand, by request id; waits until they are there.
pub(super) fn places(
    stage: &Stage,
    responses: usize,
    deadline: Instant,
) -> Result<HashMap<String, Place>> {
    let count = "SELECT count() AS number FROM records WHERE part = 'final'";
    while stage.number(count)? < responses as u64 {
        ensure!(Instant::now() < deadline, "not all of {responses} responses have a row in time");
        thread::park_timeout(LOOK);
    }
    let rows: Vec<Placed> =
        stage.rows("SELECT req_id, epoch, worker, seq FROM records WHERE part = 'final'")?;
    // The last rows are visible to the watcher's next look.
    thread::park_timeout(LOOK * 5);
    let place = |row: &Placed| Place { stream: (row.epoch, row.worker), seq: row.seq };
    Ok(rows.into_iter().map(|row| (row.req_id.clone(), place(&row))).collect())
}

// === impl Looks ===

impl Looks {
    fn add(&mut self, seen: Vec<Seen>, at: Instant) {
        for Seen { epoch, worker, last } in seen {
            let of = self.0.entry((epoch, worker)).or_default();
            if of.last().is_none_or(|(before, _)| *before < last) {
                of.push((last, at));
            }
        }
    }

    /// When the record was seen first.
    pub(super) fn visible(&self, place: &Place) -> Option<Instant> {
        let of = self.0.get(&place.stream)?;
        let first = of.partition_point(|(last, _)| *last < place.seq);
        of.get(first).map(|(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_visible_from_the_first_look_that_covers_it() {
        let (mut looks, begin) = (Looks::default(), Instant::now());
        let at = |ms| begin + Duration::from_millis(ms);
        let seen = |last| vec![Seen { epoch: 1, worker: 0, last }];
        for (last, ms) in [(4, 10), (4, 20), (9, 30)] {
            looks.add(seen(last), at(ms));
        }
        let visible = |seq| looks.visible(&Place { stream: (1, 0), seq });
        assert_eq!(visible(0), Some(at(10)));
        assert_eq!(visible(4), Some(at(10)));
        assert_eq!(visible(5), Some(at(30)));
        assert_eq!(visible(10), None);
        assert_eq!(looks.visible(&Place { stream: (1, 1), seq: 0 }), None);
    }
}
