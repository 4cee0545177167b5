//! What happens by the clock: heartbeats, interim records, limits of waiting.
//!
//! One task per worker looks at all its connections a few times per shortest limit. So a limit
//! costs a request nothing, and is kept to a quarter of itself.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use crate::config::Config;
use crate::metrics::Count;
use crate::record::Entry;
use crate::wire::Wire;
use crate::worker::Worker;

/// The longest time between two looks: a limit of hours is still kept to a second.
const TICK_MAX: Duration = Duration::from_secs(1);
/// How full a share of the spool is when it alarms, and when it no longer does, percent. The
/// distance keeps one record more or less from filling a log.
const ALARM: u128 = 80;
const ALARM_ENDS: u128 = 70;
/// The shortest: looking at ten thousand connections takes a fraction of it.
const TICK_MIN: Duration = Duration::from_millis(5);

/// Keeps the time of one worker, until it is aborted.
pub(crate) async fn beat(worker: Rc<Worker>) {
    let record = &worker.config.record;
    let mut ticks = tokio::time::interval(worker.tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut beaten = Instant::now();
    loop {
        let now = ticks.tick().await.into_std();
        worker.connections.each(|wire| {
            wire.sweep(now);
            if long(wire, now, record.interim)
                && let Some(exchange) = wire.exchange()
            {
                worker.record(Entry::Interim { exchange });
            }
        });
        worker.pool.sweep(now);
        worker.balancer.sweep();
        if worker.clocks.read().jumped() {
            worker.nudge();
        }
        spool_level(&worker);
        if now.saturating_duration_since(beaten) >= record.heartbeat {
            beaten = now;
            worker.record(Entry::Heartbeat);
        }
    }
}

/// Shows how full the worker's share of the spool is, and alarms.
fn spool_level(worker: &Worker) {
    let mut writer = worker.writer.borrow_mut();
    let (usage, room) = (writer.usage(), writer.has_room());
    let counters = &worker.counters;
    counters.set(Count::SpoolUsed, usage.used);
    counters.set(Count::SpoolCapacity, usage.capacity);
    counters.set(Count::SpoolFull, u64::from(!room && !worker.stalled.get()));
    let alarmed = counters.get(Count::SpoolAlarm) > 0;
    let percent = if alarmed { ALARM_ENDS } else { ALARM };
    let alarm = u128::from(usage.used) * 100 >= u128::from(usage.capacity) * percent;
    if alarm == alarmed {
        return;
    }
    counters.set(Count::SpoolAlarm, u64::from(alarm));
    let (number, used, capacity) = (writer.stream().worker, usage.used, usage.capacity);
    if alarm {
        tracing::warn!(worker = number, used, capacity, "spool fills up: records are not taken");
    } else {
        tracing::info!(worker = number, used, capacity, "spool has room again");
    }
}

/// How often all connections are looked at.
pub(crate) fn tick(config: &Config) -> Duration {
    let (timeouts, record) = (&config.timeouts, &config.record);
    let shortest = [
        timeouts.head,
        timeouts.body,
        timeouts.write,
        timeouts.idle,
        timeouts.backend_idle,
        record.heartbeat,
        record.interim,
    ];
    let shortest = shortest.into_iter().min().unwrap_or(TICK_MAX);
    (shortest / 4).clamp(TICK_MIN, TICK_MAX)
}

/// True when the bytes of an exchange were not told for so long.
fn long(wire: &Wire, now: Instant, interim: Duration) -> bool {
    let Some(exchange) = wire.exchange().filter(|_| !wire.held()) else { return false };
    let told = exchange.told.get().at.unwrap_or(exchange.arrived);
    now.saturating_duration_since(told) >= interim
}
