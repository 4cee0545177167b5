//! The wall clock beside the monotonic one: who jumps, and by how much.
//!
//! The wall clock decides the hour of billing, and anybody may set it. The monotonic clock
//! (CLOCK_BOOTTIME, so that a sleep of the machine counts) can not be set, but says nothing of the
//! hour. An epoch remembers how far they were apart when it began; once they have left that by more
//! than [`JUMP`], the epoch ends. What is less is held: the spool's writer lets no `time` go back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use record::Time;
use rustix::time::{ClockId, clock_gettime};

/// How far the clocks may part within an epoch: more than time servers slew in any step, far less
/// than what would move a call into another hour unseen.
pub(crate) const JUMP: Duration = Duration::from_secs(2);

/// A reading of both clocks that takes longer was interrupted, and is made again.
const CLOSE_TOGETHER: Duration = Duration::from_millis(1);
/// So often at most: the best one is good enough.
const READINGS: usize = 10;

/// The wall clock, in milliseconds since 1970.
pub(crate) type WallClock = Arc<dyn Fn() -> Time + Send + Sync>;
/// A clock that nobody sets, since whenever.
pub(crate) type MonotonicClock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Both clocks of a gateway, shared by its workers.
pub(crate) struct Clocks {
    wall: WallClock,
    monotonic: MonotonicClock,
    /// The wall clock less the monotonic one when the epoch began, milliseconds.
    ahead_ms: AtomicI64,
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) wall: Time,
    pub(crate) monotonic: Duration,
    /// What the wall clock would say, had it gone on evenly since the epoch began.
    pub(crate) even: Time,
    /// How far it is from that: positive when it is ahead. Milliseconds, 0 when it is not known to
    /// be off at all.
    pub(crate) apart_ms: i64,
}

/// The wall clock of the system.
pub(crate) fn system_clock() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(ms(since))
}

/// The monotonic clock of the system.
pub(crate) fn boot_clock() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

// === impl Clocks ===

impl Clocks {
    /// Both clocks, as far apart as they are now.
    pub(crate) fn new(wall: WallClock, monotonic: MonotonicClock) -> Self {
        let clocks = Self { wall, monotonic, ahead_ms: AtomicI64::new(0) };
        clocks.anchor();
        clocks
    }

    /// The wall clock alone.
    pub(crate) fn now(&self) -> Time {
        (self.wall)()
    }

    /// An epoch begins: from now on the clocks are compared with how they stand now. Returns the
    /// wall clock.
    pub(crate) fn anchor(&self) -> Time {
        let mut best: Option<(Duration, Time, i64)> = None;
        for _ in 0..READINGS {
            let (before, wall, after) = self.both();
            let took = after.saturating_sub(before);
            if best.is_none_or(|(least, _, _)| took < least) {
                best = Some((took, wall, wall.0.saturating_sub(ms(after))));
            }
            if took <= CLOSE_TOGETHER {
                break;
            }
        }
        let (_, wall, ahead_ms) = best.expect("at least one reading is made");
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
        wall
    }

    /// Both clocks now. An interruption between the two makes no jump: the wall clock is off only
    /// when it fits no moment of the reading.
    pub(crate) fn read(&self) -> Reading {
        let (before, wall, monotonic) = self.both();
        let ahead_ms = self.ahead_ms.load(Ordering::Relaxed);
        let (least, even) =
            (ms(before).saturating_add(ahead_ms), ms(monotonic).saturating_add(ahead_ms));
        let late = wall.0.saturating_sub(least).min(0);
        let early = wall.0.saturating_sub(even).max(0);
        Reading { wall, monotonic, even: Time(even), apart_ms: late.saturating_add(early) }
    }

    fn both(&self) -> (Duration, Time, Duration) {
        let before = (self.monotonic)();
        let wall = (self.wall)();
        (before, wall, (self.monotonic)())
    }
}

// === impl Reading ===

impl Reading {
    /// The epoch can not go on by this wall clock.
    pub(crate) fn jumped(&self) -> bool {
        u128::from(self.apart_ms.unsigned_abs()) > JUMP.as_millis()
    }

    /// The time for records of the epoch: never that of a clock that has jumped.
    pub(crate) fn time(&self) -> Time {
        if self.jumped() { self.even } else { self.wall }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    /// A wall clock and a monotonic one, both set by hand; each look at the latter takes `step`.
    fn clocks(step: u64) -> (Clocks, Arc<AtomicI64>, Arc<AtomicU64>) {
        let (wall, monotonic) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicU64::new(0)));
        let (shown, counted) = (wall.clone(), monotonic.clone());
        let show = move || Time(shown.load(Ordering::Relaxed));
        let count = move || Duration::from_millis(counted.fetch_add(step, Ordering::Relaxed));
        (Clocks::new(Arc::new(show), Arc::new(count)), wall, monotonic)
    }

    #[test]
    fn a_clock_that_is_shifted_from_the_start_has_not_jumped() {
        let (clocks, wall, monotonic) = clocks(0);
        wall.store(7_200_000, Ordering::Relaxed);
        clocks.anchor();
        wall.store(7_260_000, Ordering::Relaxed);
        monotonic.store(60_000, Ordering::Relaxed);
        let reading = clocks.read();
        assert_eq!((reading.apart_ms, reading.jumped()), (0, false));
    }

    #[test]
    fn more_than_two_seconds_either_way_are_a_jump() {
        let (clocks, wall, monotonic) = clocks(0);
        monotonic.store(10_000, Ordering::Relaxed);
        for (shown, apart, jumped, time) in [
            (12_000, 2000, false, 12_000),
            (12_001, 2001, true, 10_000),
            (8_000, -2000, false, 8_000),
            (7_999, -2001, true, 10_000),
            (3_610_000, 3_600_000, true, 10_000),
        ] {
            wall.store(shown, Ordering::Relaxed);
            let reading = clocks.read();
            let found = (reading.apart_ms, reading.jumped(), reading.time());
            assert_eq!(found, (apart, jumped, Time(time)), "at {shown}");
        }
        clocks.anchor();
        assert!(!clocks.read().jumped(), "the next epoch compares anew");
    }

    #[test]
    fn an_interruption_between_two_readings_is_no_jump() {
        let (clocks, wall, monotonic) = clocks(30_000);
        let behind = i64::try_from(monotonic.load(Ordering::Relaxed)).expect("a time fits");
        // The wall clock stands anywhere in the 30 s that the reading takes.
        for within in [0, 10_000, 30_000] {
            let next = i64::try_from(monotonic.load(Ordering::Relaxed)).expect("a time fits");
            wall.store(next + within + clocks.ahead_ms.load(Ordering::Relaxed), Ordering::Relaxed);
            assert_eq!(clocks.read().apart_ms, 0, "{within} of 30000 ms, after {behind}");
        }
    }
}
