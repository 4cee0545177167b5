//! What a worker counts: plain counters, one set per worker, summed when somebody asks.
//!
//! A counter is written by its worker alone and read by others, so relaxed order is enough; each
//! set fills its own cache lines, so that workers do not slow each other down.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Count {
    /// Requests begun.
    Requests,
    /// Records pushed into the spool, of whatever part.
    Records,
    /// Requests refused because the spool had no room.
    SpoolRefused,
    /// Requests answered without a record.
    Unrecorded,
    /// Writes to the spool.
    SpoolWrites,
    /// Writes to the spool that the disk did not take at once.
    SpoolStalls,
    /// Connections of clients accepted.
    Connections,
    /// Connections of clients closed.
    ConnectionsClosed,
    /// Connections closed since they began with no good header of the PROXY protocol.
    ProxyRefused,
    /// Connections to backends made.
    BackendConnections,
    /// Requests sent to backends on a connection that stood.
    BackendReused,
    /// Tries to reach a backend a second time.
    BackendRetries,
    /// Heads that hyper refused after we had let them pass; each is a fault of ours.
    HyperRefused,
    /// Bytes in use of the worker's share of the spool; a level, not a sum.
    SpoolUsed,
    /// Bytes of the worker's share of the spool; a level, not a sum.
    SpoolCapacity,
    /// 1 while the worker's share is full by four fifths or more.
    SpoolAlarm,
    /// 1 while the worker's share has no room for one more record.
    SpoolFull,
    /// 1 while what was admitted can not be recorded.
    SpoolStalled,
    /// 1 while the worker accepts connections and its stream has begun.
    Serving,
    /// Epochs that this worker called to their end since the wall clock had jumped.
    ClockJumps,
}

/// Name, help and kind of each counter, in the order of [`Count`].
pub const METRICS: [(&str, &str, Kind); 20] = [
    ("gateway_requests_total", "Requests begun.", Kind::Counter),
    ("gateway_records_total", "Records pushed into the spool.", Kind::Counter),
    ("gateway_spool_refused_total", "Requests refused for want of room.", Kind::Counter),
    ("gateway_unrecorded_total", "Requests answered without a record.", Kind::Counter),
    ("gateway_spool_writes_total", "Writes to the spool.", Kind::Counter),
    ("gateway_spool_stalls_total", "Writes that the disk did not take at once.", Kind::Counter),
    ("gateway_connections_total", "Client connections accepted.", Kind::Counter),
    ("gateway_connections_closed_total", "Client connections closed.", Kind::Counter),
    ("gateway_proxy_refused_total", "Connections without a good PROXY header.", Kind::Counter),
    ("gateway_backend_connections_total", "Connections to backends made.", Kind::Counter),
    ("gateway_backend_reused_total", "Requests on a standing connection.", Kind::Counter),
    ("gateway_backend_retries_total", "Second tries to reach a backend.", Kind::Counter),
    ("gateway_hyper_refused_total", "Heads that only hyper refused.", Kind::Counter),
    ("gateway_spool_used_bytes", "Bytes of the spool in use.", Kind::Gauge),
    ("gateway_spool_capacity_bytes", "Bytes that the spool may use.", Kind::Gauge),
    ("gateway_spool_alarm", "Workers whose spool is full by 80 % or more.", Kind::Gauge),
    ("gateway_spool_full", "Workers whose spool has no room.", Kind::Gauge),
    ("gateway_spool_stalled", "Workers that hold answers for want of a disk.", Kind::Gauge),
    ("gateway_serving", "Workers that accept connections.", Kind::Gauge),
    ("gateway_clock_jumps_total", "Jumps of the wall clock that ended an epoch.", Kind::Counter),
];

/// What kind of metric a counter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is a level.
    Gauge,
}

/// The counters of one worker.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Counters([AtomicU64; METRICS.len()]);

// === impl Counters ===

impl Counters {
    /// The value of one counter.
    pub fn get(&self, count: Count) -> u64 {
        self.0[count as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, count: Count) {
        self.0[count as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, count: Count, value: u64) {
        self.0[count as usize].store(value, Ordering::Relaxed);
    }

    /// Name, help, kind and sum over the workers of every counter.
    pub fn snapshot(
        workers: &[std::sync::Arc<Self>],
    ) -> Vec<(&'static str, &'static str, Kind, u64)> {
        let sum = |index: usize| {
            workers.iter().map(|counters| counters.0[index].load(Ordering::Relaxed)).sum()
        };
        let metric = |(index, (name, help, kind))| (name, help, kind, sum(index));
        METRICS.into_iter().enumerate().map(metric).collect()
    }
}
