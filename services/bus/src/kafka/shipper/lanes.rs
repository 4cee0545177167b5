//! The streams under way: which partition each has, and what of it is confirmed.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use record::Stream;

use super::producer::{BATCH_MAX, Ticket};

/// Messages under way at most; the client's own limit is higher.
const UNDER_WAY_MAX: usize = 50_000;

/// Bytes under way at most, beside one read: some tenths of a second of a fast broker.
const UNDER_WAY_BYTES_MAX: u64 = 32 << 20;

/// The same for each stream that has some, unless it is slow: one request to the broker, and half of
/// the next. The client has one request under way for each partition, and would turn without a pause
/// with the next one ready (`producer::LINGER_MS`).
const UNDER_WAY_OF_STREAM: u64 = BATCH_MAX as u64 * 3 / 2;

/// All streams of the spool that were met.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: Vec<Lane>,
    numbers: HashMap<Arc<Stream>, usize>,
    /// The one that was asked for last: records come in runs of one stream.
    latest: usize,
    /// Messages under way, and their bytes.
    count: usize,
    bytes: u64,
    /// Lanes that have some and are not slow, and their bytes.
    quick: usize,
    quick_bytes: u64,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) stream: Arc<Stream>,
    /// The stream as text: the key of its messages.
    pub(super) key: String,
    pub(super) partition: i32,
    /// Sent, in the order of `seq`, each with whether it is confirmed; the first is not.
    window: VecDeque<(u64, bool)>,
    /// Bytes under way.
    bytes: u64,
    /// Nothing was heard of it while everybody waited for room. It takes no room from the others, whose
    /// partitions may be well.
    slow: bool,
    /// Confirmed with all before it, and the spool does not know it yet.
    confirmed: Option<u64>,
}

// === impl Lanes ===

impl Lanes {
    pub(super) fn number(&mut self, stream: &Arc<Stream>) -> Option<usize> {
        let latest = self.lanes.get(self.latest);
        if !latest.is_some_and(|lane| Arc::ptr_eq(&lane.stream, stream)) {
            self.latest = *self.numbers.get(stream)?;
        }
        Some(self.latest)
    }

    pub(super) fn add(&mut self, stream: &Arc<Stream>, partition: i32) -> usize {
        let (number, stream) = (self.lanes.len(), Arc::clone(stream));
        self.numbers.insert(Arc::clone(&stream), number);
        let (key, window) = (stream.to_string(), VecDeque::new());
        let (bytes, slow, confirmed) = (0, false, None);
        self.lanes.push(Lane { stream, key, partition, window, bytes, slow, confirmed });
        number
    }

    pub(super) fn get(&self, number: usize) -> &Lane {
        &self.lanes[number]
    }

    /// Forgets all partitions; they are looked up again.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Messages under way.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Bytes under way.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// True while more may be under way.
    pub(super) fn room(&self) -> bool {
        let streams = u64::try_from(self.quick.max(1)).unwrap_or(u64::MAX);
        self.count < UNDER_WAY_MAX
            && self.bytes < UNDER_WAY_BYTES_MAX
            && self.quick_bytes < UNDER_WAY_OF_STREAM.saturating_mul(streams)
    }

    /// Nothing was heard for a while, and there is no room: all that are under way are slow, each until
    /// something is heard of it.
    pub(super) fn silent(&mut self) {
        let waits = |lane: &&mut Lane| !lane.window.is_empty();
        self.lanes.iter_mut().filter(waits).for_each(|lane| lane.slow = true);
        (self.quick, self.quick_bytes) = (0, 0);
    }

    pub(super) fn sent(&mut self, ticket: Ticket) {
        let (lane, bytes) = (&mut self.lanes[ticket.lane], ticket.bytes as u64);
        if !lane.slow {
            self.quick += usize::from(lane.window.is_empty());
            self.quick_bytes += bytes;
        }
        lane.window.push_back((ticket.seq, false));
        lane.bytes += bytes;
        self.count += 1;
        self.bytes += bytes;
    }

    /// The message is no longer under way.
    pub(super) fn done(&mut self, ticket: Ticket, confirmed: bool) {
        let (lane, bytes) = (&mut self.lanes[ticket.lane], ticket.bytes as u64);
        if std::mem::take(&mut lane.slow) {
            self.quick += 1;
            self.quick_bytes += lane.bytes;
        }
        self.count -= 1;
        self.bytes -= bytes;
        lane.bytes -= bytes;
        self.quick_bytes -= bytes;
        if !confirmed {
            return;
        }
        match lane.window.front_mut() {
            // Nearly always: they are confirmed in their order.
            Some((seq, confirmed)) if *seq == ticket.seq => *confirmed = true,
            _ => {
                if let Ok(index) = lane.window.binary_search_by_key(&ticket.seq, |(seq, _)| *seq) {
                    lane.window[index].1 = true;
                }
            }
        }
        while let Some((seq, true)) = lane.window.front() {
            lane.confirmed = Some(*seq);
            lane.window.pop_front();
            self.quick -= usize::from(lane.window.is_empty());
        }
    }

    /// What the spool may be told.
    pub(super) fn confirmed(&self) -> Vec<(usize, u64)> {
        let lanes = self.lanes.iter().enumerate();
        lanes.filter_map(|(number, lane)| Some((number, lane.confirmed?))).collect()
    }

    /// The spool knows it.
    pub(super) fn told(&mut self, number: usize, seq: u64) {
        let lane = &mut self.lanes[number];
        lane.confirmed = lane.confirmed.filter(|confirmed| *confirmed > seq);
    }

    /// Nothing is under way any more; what was not confirmed will be sent again.
    pub(super) fn abandon(&mut self) {
        for lane in &mut self.lanes {
            lane.window.clear();
            (lane.bytes, lane.slow) = (0, false);
        }
        (self.count, self.bytes, self.quick, self.quick_bytes) = (0, 0, 0, 0);
    }

    /// The last `seq` that is under way in each lane.
    pub(super) fn ends(&self) -> BTreeMap<usize, u64> {
        let lanes = self.lanes.iter().enumerate();
        lanes.filter_map(|(number, lane)| Some((number, lane.window.back()?.0))).collect()
    }

    /// True when none of these is under way any more.
    pub(super) fn passed(&self, ends: &BTreeMap<usize, u64>) -> bool {
        ends.iter().all(|(number, end)| {
            self.lanes[*number].window.front().is_none_or(|(seq, _)| seq > end)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(lane: usize, seq: u64) -> Ticket {
        Ticket { lane, seq, bytes: 10 }
    }

    #[test]
    fn only_what_is_confirmed_without_a_gap_is_told() {
        let mut lanes = Lanes::default();
        let stream = Arc::new(Stream { gateway: "gw".to_owned(), epoch: 1, worker: 0 });
        let lane = lanes.add(&stream, 3);
        let other = Arc::new(Stream { worker: 1, ..Stream::clone(&stream) });
        assert_eq!(lanes.number(&other), None);
        let second = lanes.add(&other, 0);
        for _ in 0..2 {
            assert_eq!(lanes.number(&stream), Some(lane));
            assert_eq!(lanes.number(&Arc::new(Stream::clone(&other))), Some(second));
            assert_eq!(lanes.number(&other), Some(second));
        }
        // The seq 7 was skipped by the spool; that is no gap here.
        [5, 6, 8, 9].into_iter().for_each(|seq| lanes.sent(ticket(lane, seq)));
        assert_eq!((lanes.count(), lanes.bytes(), lanes.quick), (4, 40, 1));
        lanes.sent(ticket(second, 0));
        assert_eq!(lanes.quick, 2);
        lanes.done(ticket(second, 0), true);
        assert_eq!(lanes.quick, 1);
        let ends = lanes.ends();
        lanes.done(ticket(lane, 6), true);
        assert_eq!(lanes.confirmed(), [(second, 0)]);
        lanes.told(second, 0);
        lanes.done(ticket(lane, 5), true);
        assert_eq!(lanes.confirmed(), [(lane, 6)]);
        lanes.done(ticket(lane, 8), true);
        lanes.told(lane, 6);
        assert_eq!(lanes.confirmed(), [(lane, 8)]);
        lanes.told(lane, 8);
        assert!(!lanes.passed(&ends));
        lanes.done(ticket(lane, 9), false);
        assert_eq!(lanes.confirmed(), [], "it failed");
        lanes.abandon();
        assert!(lanes.passed(&ends));
        assert_eq!((lanes.count(), lanes.bytes(), lanes.quick), (0, 0, 0));
    }

    #[test]
    fn each_stream_that_is_under_way_gives_room() {
        let mut lanes = Lanes::default();
        let stream = |worker| Arc::new(Stream { gateway: "gw".to_owned(), epoch: 1, worker });
        let [first, second] = [0, 1].map(|worker| lanes.add(&stream(worker), 0));
        let large = usize::try_from(UNDER_WAY_OF_STREAM).expect("some MB");
        let ticket = |lane, seq, bytes| Ticket { lane, seq, bytes };
        assert!(lanes.room());
        lanes.sent(ticket(first, 0, large - 1));
        assert!(lanes.room());
        lanes.sent(ticket(first, 1, 1));
        assert!(!lanes.room(), "the client would turn");
        lanes.sent(ticket(second, 0, 1));
        assert!(lanes.room(), "another partition takes it");
        lanes.sent(ticket(second, 1, large - 1));
        assert!(!lanes.room());
        lanes.done(ticket(second, 0, 1), true);
        assert!(lanes.room());
        for seq in 2..2 + (UNDER_WAY_MAX - lanes.count() - 1) as u64 {
            lanes.sent(ticket(second, seq, 0));
        }
        assert!(lanes.room());
        lanes.sent(ticket(second, u64::MAX, 0));
        assert!(!lanes.room(), "messages count as well");
    }

    #[test]
    fn a_stream_of_which_nothing_is_heard_takes_no_room_from_the_others() {
        let mut lanes = Lanes::default();
        let stream = |worker| Arc::new(Stream { gateway: "gw".to_owned(), epoch: 1, worker });
        let [stuck, well] = [0, 1].map(|worker| lanes.add(&stream(worker), worker.into()));
        let large = usize::try_from(UNDER_WAY_OF_STREAM).expect("some MB");
        let ticket = |lane, seq, bytes| Ticket { lane, seq, bytes };
        lanes.sent(ticket(stuck, 0, large));
        assert!(!lanes.room());
        lanes.silent();
        assert!(lanes.room());
        // The well one has its own bound, as if it were alone, for as long as it takes.
        for seq in 0..100 {
            lanes.sent(ticket(well, seq, large));
            assert!(!lanes.room());
            lanes.done(ticket(well, seq, large), true);
            assert!(lanes.room());
        }
        assert_eq!((lanes.quick, lanes.quick_bytes), (0, 0));
        // What is sent for the stuck one counts only against the bound of all.
        let most = usize::try_from(UNDER_WAY_BYTES_MAX).expect("some MB");
        lanes.sent(ticket(stuck, 1, most - large - 1));
        assert!(lanes.room());
        lanes.sent(ticket(stuck, 2, 1));
        assert!(!lanes.room());
        lanes.done(ticket(stuck, 0, large), true);
        assert!(!lanes.room(), "it is heard of again, and has more than its own");
        assert_eq!((lanes.quick, lanes.quick_bytes), (1, (most - large) as u64));
        lanes.silent();
        lanes.abandon();
        assert_eq!((lanes.count(), lanes.bytes(), lanes.quick_bytes), (0, 0, 0));
        lanes.sent(ticket(stuck, 1, large));
        assert!(!lanes.room(), "nobody is slow any more");
    }
}
