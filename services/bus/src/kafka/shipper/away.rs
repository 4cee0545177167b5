//! Whether the broker confirms anything, said once when it stops and once when it is back, with
//! how long it will take until nothing waits.

use std::time::{Duration, Instant};

/// A busy broker takes a second at times; one that confirms nothing for so long is away.
const AWAY_AFTER: Duration = Duration::from_secs(3);

/// So long the shipping is watched before its speed is told.
const MEASURE: Duration = Duration::from_secs(1);

/// The broker, seen from here.
#[derive(Debug, Default)]
pub(super) struct Broker {
    /// Since when something waits and nothing is confirmed.
    silent_since: Option<Instant>,
    away_since: Option<Instant>,
    /// It is back since then, and so many bytes were confirmed since.
    back: Option<(Instant, u64)>,
    drained_in: Option<Duration>,
}

impl Broker {
    /// Since when it is away.
    pub(super) fn away_since(&self) -> Option<Instant> {
        self.away_since
    }

    /// After it was away: how long until nothing waits.
    pub(super) fn drained_in(&self) -> Option<Duration> {
        self.drained_in
    }

    /// No broker answers at all.
    pub(super) fn absent(&mut self, now: Instant) {
        if self.away_since.is_none() {
            self.away_since = Some(self.silent_since.unwrap_or(now));
            (self.back, self.drained_in) = (None, None);
            tracing::warn!("no broker confirms records; they wait in the spool");
        }
    }

    /// Called often: is anything under way, how many bytes were confirmed since the last call,
    /// and how many wait.
    pub(super) fn look(&mut self, now: Instant, under_way: bool, confirmed: u64, waiting: u64) {
        if confirmed > 0 {
            self.silent_since = under_way.then_some(now);
            if let Some(since) = self.away_since.take() {
                let away_s = now.duration_since(since).as_secs();
                tracing::info!(
                    away_s,
                    waiting_bytes = waiting,
                    "the broker confirms records again"
                );
                self.back = Some((now, 0));
            }
        } else if !under_way {
            self.silent_since = None;
        } else {
            let since = *self.silent_since.get_or_insert(now);
            if now.duration_since(since) >= AWAY_AFTER {
                self.absent(now);
            }
        }
        self.measure(now, confirmed, waiting);
    }

    fn measure(&mut self, now: Instant, confirmed: u64, waiting: u64) {
        let Some((since, bytes)) = &mut self.back else { return };
        *bytes += confirmed;
        let elapsed = now.duration_since(*since);
        if waiting == 0 {
            tracing::info!(seconds = elapsed.as_secs(), "what had waited is shipped");
            (self.back, self.drained_in) = (None, None);
            return;
        }
        if elapsed < MEASURE || *bytes == 0 {
            return;
        }
        let millis = u128::from(waiting) * elapsed.as_millis() / u128::from(*bytes);
        let left = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
        if self.drained_in.is_none() {
            let seconds_left = left.as_secs();
            tracing::info!(waiting_bytes = waiting, seconds_left, "what waits is being shipped");
        }
        self.drained_in = Some(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_away_when_nothing_is_confirmed_for_a_while() {
        let (start, mut broker) = (Instant::now(), Broker::default());
        let at = |seconds| start + Duration::from_secs(seconds);
        broker.look(at(0), false, 0, 0);
        broker.look(at(100), true, 0, 10);
        assert_eq!(broker.away_since(), None, "it was asked only now");
        broker.look(at(102), true, 0, 10);
        assert_eq!(broker.away_since(), None);
        broker.look(at(103), true, 0, 10);
        assert_eq!(broker.away_since(), Some(at(100)));
        broker.look(at(200), true, 1, 9);
        assert_eq!(broker.away_since(), None);
    }

    #[test]
    fn the_time_to_drain_comes_from_what_was_confirmed() {
        let (start, mut broker) = (Instant::now(), Broker::default());
        let at = |seconds| start + Duration::from_secs(seconds);
        broker.absent(at(0));
        broker.look(at(10), true, 100, 10_000);
        assert_eq!(broker.drained_in(), None, "too early to tell");
        broker.look(at(12), true, 900, 9_000);
        assert_eq!(broker.drained_in(), Some(Duration::from_secs(18)), "1000 bytes in 2 s");
        broker.look(at(30), false, 9_000, 0);
        assert_eq!(broker.drained_in(), None);
    }
}
