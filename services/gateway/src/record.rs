//! Record: the last phase, on every way out.
//!
//! The recorder is one task per worker. Once per turn of the event loop it finishes the records
//! of all exchanges that ended, pushes them into the spool, writes them with one system call, and
//! then releases the ends of their answers. So a client that has an answer whole has its record
//! on disk (LOSS-1), and the cost shrinks under load.
//! - `time` and `seq` are given by the spool's writer, just before the write.
//! - A record is pushed once; what the disk does not take stays in the writer and is tried again,
//!   with the answers held and admission stopped.
//! - The stream is a sequence of [`Turn`]s. Between the end of one epoch and the `start` of the
//!   next, nothing is pushed: what ends then is kept, with its answer held, and recorded in the new
//!   stream. Admission goes on meanwhile, since a change takes a few syncs; when it takes longer,
//!   it stops as for a disk that stalls.

mod fill;
mod push;
mod short;

use std::future::poll_fn;
use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::task::Poll;
use std::time::{Duration, Instant};

use record::{Part, PreviousLife};
use spool::{Ended, PushError};

use crate::clocks::Reading;
use crate::epochs::Calls;
use crate::exchange::{Exchange, SpoolRoom};
use crate::metrics::Count;
use crate::wire::Wire;
use crate::worker::{Stage, Worker};

pub(crate) use push::life;

/// The first wait after the disk did not take a write, and the longest. Held answers wait that
/// long at most after there is room again.
const RETRY_MIN: Duration = Duration::from_millis(10);
const RETRY_MAX: Duration = Duration::from_millis(500);

/// How long a change of epochs may take before admission stops: some hundred syncs.
const CHANGE_MAX: Duration = Duration::from_secs(1);

/// What is to be written down.
pub(crate) enum Entry {
    /// An exchange is over; the connection holds back the end of its answer, if there is one.
    Final { exchange: Rc<Exchange>, held: Option<Rc<Wire>> },
    /// An exchange goes on for long.
    Interim { exchange: Rc<Exchange> },
    /// The stream lives.
    Heartbeat,
    /// The worker ends; nothing follows.
    End { retires: bool },
}

/// Where the stream stands.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// Its `start` is not pushed yet.
    Begins {
        previous: Option<PreviousLife>,
    },
    Lives,
    /// Its epoch is over; its `end` is to be pushed.
    Ends,
    /// Its `end` is to reach the disk.
    Closes,
    /// It is whole on disk. The next one comes when all streams of the epoch are.
    Awaits,
}

/// What the recorder knows beside the worker.
struct Recorder {
    worker: Rc<Worker>,
    calls: Arc<Calls>,
    ended: SyncSender<Ended>,
    turn: Turn,
    /// Since when the stream does not live.
    changing: Option<Instant>,
    /// What is recorded when it lives.
    kept: Vec<Entry>,
    /// Whose ends of answers are held until their records are on disk.
    wires: Vec<Rc<Wire>>,
    /// When the disk is asked again, and how long it gets after that.
    retry: Option<(Instant, Duration)>,
    /// The change of epochs takes too long, and this was said.
    overdue: bool,
    /// The worker's end was pushed.
    last: bool,
}

/// Writes down what the worker gives it, until the worker's end is on disk.
pub(crate) async fn recorder(
    worker: Rc<Worker>,
    previous: Option<PreviousLife>,
    calls: Arc<Calls>,
    ended: SyncSender<Ended>,
) {
    let mut recorder = Recorder {
        worker: worker.clone(),
        calls,
        ended,
        turn: Turn::Begins { previous },
        changing: None,
        kept: Vec::new(),
        wires: Vec::new(),
        retry: None,
        overdue: false,
        last: false,
    };
    let mut entries = Vec::new();
    loop {
        let now = Instant::now();
        recorder.take(mem::take(&mut entries), now);
        if recorder.retry.is_none_or(|(at, _)| at <= now) {
            recorder.write(now);
        }
        recorder.admit(now);
        if recorder.last && recorder.retry.is_none() {
            return;
        }
        entries = next(&worker, recorder.wakes(now)).await;
    }
}

/// Waits until something is to be written down, and takes all of it; or until the recorder is
/// nudged; or until `at`.
async fn next(worker: &Worker, at: Option<Instant>) -> Vec<Entry> {
    let given = poll_fn(|cx| {
        let entries = mem::take(&mut *worker.pending.borrow_mut());
        if worker.nudged.take() || !entries.is_empty() {
            return Poll::Ready(entries);
        }
        *worker.recorder.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    });
    match at {
        None => given.await,
        Some(at) => tokio::time::timeout_at(at.into(), given).await.unwrap_or_default(),
    }
}

// === impl Recorder ===

impl Recorder {
    /// Pushes what can be pushed, and keeps the rest.
    fn take(&mut self, entries: Vec<Entry>, now: Instant) {
        let reading = self.worker.clocks.read();
        self.step(&reading, now);
        if self.turn != Turn::Lives {
            for entry in entries {
                let entry = self.hold(entry, now);
                self.kept.extend(entry);
            }
            return;
        }
        for entry in mem::take(&mut self.kept).into_iter().chain(entries) {
            self.push(entry, &reading, now);
        }
    }

    /// Brings the stream as far as it goes by itself.
    fn step(&mut self, reading: &Reading, now: Instant) {
        if let Some(next) = self.worker.next.borrow_mut().take() {
            debug_assert_eq!(self.turn, Turn::Awaits, "a stream follows one that has ended");
            self.worker.renew(next.fresh);
            self.turn = Turn::Begins { previous: Some(next.previous) };
        }
        if let Turn::Begins { previous } = &self.turn
            && self.life(Part::Start, previous.clone(), false, reading)
        {
            (self.turn, self.changing) = (Turn::Lives, None);
        }
        if self.turn == Turn::Lives && self.is_over(reading) {
            (self.turn, self.changing) = (Turn::Ends, Some(now));
        }
        if self.turn == Turn::Ends && self.life(Part::End, None, false, reading) {
            self.turn = Turn::Closes;
        }
    }

    /// True when the epoch is called to its end, by others or now by us.
    fn is_over(&self, reading: &Reading) -> bool {
        let epoch = self.worker.writer.borrow().stream().epoch;
        if !reading.jumped() {
            return self.calls.ends(epoch);
        }
        if self.calls.end(epoch) {
            self.worker.counters.add(Count::ClockJumps);
            let (clock, even) = (reading.wall.to_string(), reading.even.to_string());
            let monotonic_ms = u64::try_from(reading.monotonic.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(
                jump_ms = reading.apart_ms,
                clock,
                monotonic_ms,
                "by.monotonic" = even,
                epoch,
                "the wall clock has jumped: the epoch ends, another one begins"
            );
        }
        self.calls.ends(epoch)
    }

    /// What of an entry waits for the next stream.
    fn hold(&self, entry: Entry, now: Instant) -> Option<Entry> {
        match &entry {
            Entry::End { .. } => Some(entry),
            // The next one says the same, or more.
            Entry::Heartbeat | Entry::Interim { .. } => None,
            Entry::Final { exchange, held } => {
                push::admit(&self.worker, exchange);
                if let Some(wire) = held.as_ref().filter(|_| !exchange.has_record()) {
                    // Without a record there is nothing to wait for.
                    wire.release(now);
                }
                match exchange.room.get() {
                    SpoolRoom::Refused => {
                        push::refuse(&self.worker);
                        None
                    }
                    SpoolRoom::Unrecorded => {
                        Some(Entry::Final { exchange: exchange.clone(), held: None })
                    }
                    SpoolRoom::None | SpoolRoom::Reserved => Some(entry),
                }
            }
        }
    }

    fn push(&mut self, entry: Entry, reading: &Reading, now: Instant) {
        let (worker, time) = (self.worker.clone(), reading.time());
        match entry {
            Entry::Final { exchange, held } => {
                lost(&worker, push::final_part(&worker, &exchange, time, now));
                match held {
                    // Without a record there is nothing to wait for.
                    Some(wire) if !exchange.has_record() => wire.release(now),
                    Some(wire) => self.wires.push(wire),
                    None => {}
                }
            }
            Entry::Interim { exchange } => {
                lost(&worker, push::interim(&worker, &exchange, time, now));
            }
            Entry::Heartbeat => {
                self.life(Part::Heartbeat, None, false, reading);
            }
            Entry::End { retires } => {
                self.last = true;
                if !self.life(Part::End, None, retires, reading) {
                    tracing::error!("spool has no room for the end of a stream");
                }
            }
        }
    }

    /// False: there is no room for it now.
    fn life(
        &self,
        part: Part,
        previous: Option<PreviousLife>,
        retires: bool,
        reading: &Reading,
    ) -> bool {
        match push::counted(&self.worker, part, previous, retires, reading.time()) {
            Err(PushError::Full) => false,
            pushed => {
                lost(&self.worker, pushed);
                true
            }
        }
    }

    /// One write for all that was pushed. When it is on disk, the answers may leave.
    fn write(&mut self, now: Instant) {
        if self.turn == Turn::Awaits {
            return;
        }
        self.worker.counters.add(Count::SpoolWrites);
        let written = {
            let mut writer = self.worker.writer.borrow_mut();
            let closes = self.turn == Turn::Closes;
            if closes { writer.end().map(Some) } else { writer.write().map(|()| None) }
        };
        let stalled = match written {
            Ok(ended) => {
                if self.retry.take().is_some() {
                    tracing::info!("spool takes records again");
                }
                self.wires.drain(..).for_each(|wire| wire.release(now));
                let serves = self.worker.stage.get() == Stage::Serving;
                self.worker.counters.set(Count::Serving, u64::from(serves));
                if let Some(ended) = ended {
                    self.turn = Turn::Awaits;
                    // There is room for one of each worker; nobody is left only when all end.
                    let _gone = self.ended.try_send(ended);
                }
                return;
            }
            Err(stalled) => stalled,
        };
        self.worker.counters.add(Count::SpoolStalls);
        if self.retry.is_none() {
            let cause = std::error::Error::source(&stalled).map(ToString::to_string);
            tracing::error!(cause, "spool does not take records, answers are held");
        }
        let wait = self.retry.map_or(RETRY_MIN, |(_, wait)| RETRY_MAX.min(wait * 2));
        self.retry = Some((now + wait, wait));
    }

    /// Nothing is admitted while what was admitted can not be recorded.
    fn admit(&mut self, now: Instant) {
        let changes = self.changing.map(|since| now.saturating_duration_since(since));
        let overdue = changes.is_some_and(|changes| changes >= CHANGE_MAX);
        if overdue && !self.overdue {
            tracing::error!("the next epoch does not begin, answers are held");
        }
        self.overdue = overdue;
        let stalled = overdue || self.retry.is_some();
        self.worker.stalled.set(stalled);
        self.worker.counters.set(Count::SpoolStalled, u64::from(stalled));
    }

    /// When to go on even if nothing happens.
    fn wakes(&self, now: Instant) -> Option<Instant> {
        let retry = self.retry.map(|(at, _)| at);
        let overdue = self.changing.filter(|_| !self.overdue).map(|since| since + CHANGE_MAX);
        // There is no room for a `start` or an `end`.
        let full = matches!(self.turn, Turn::Begins { .. } | Turn::Ends).then(|| now + RETRY_MAX);
        [retry, overdue, full].into_iter().flatten().min()
    }
}

/// Room was reserved and the length capped, so a record that is not pushed is a fault of ours. The
/// loss shows in the hour's proof.
fn lost(worker: &Worker, pushed: Result<(), PushError>) {
    if let Err(error) = pushed {
        debug_assert!(false, "a record was not pushed: {error}");
        push::lose(worker);
        tracing::error!(%error, "record is lost");
    }
}
