//! The shipper's thread: reads, sends ([`sending`]), hears what became of it, tells the spool.

mod sending;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hint::black_box;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::error::RDKafkaErrorCode as Code;
use record::Stream;
use spool::{Frames, Mark, Reader};
use tokio::sync::{oneshot, watch};

use super::ShipperState;
use super::away::Broker;
use super::control::Control;
use super::lanes::Lanes;
use super::producer::{Producer, Report, is_refusal};
use crate::kafka::config::Config;
use crate::kafka::topic::{self, Topic, TopicError, Unfit};

/// Read from the spool at once, into a buffer that is kept: small enough that it is still in the
/// processor's cache when it is copied into messages.
const READ_BYTES: usize = 96 << 10;

/// Larger than what a request to the broker needs; see [`keep_memory`].
const KEPT_BYTES: usize = 4 << 20;

/// The longest sleep; everything wakes the thread, this limits the harm were a wake-up missed.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// A wait for reports while there may be something new to send. What comes meanwhile goes out
/// together: fewer and larger requests to the broker, and the processor's caches change hands less
/// often. With half of it, a record cost the shipper a tenth more.
const SERVE: Duration = Duration::from_millis(50);

/// A wait for reports while there is no room to send: short after a report, since the broker is fast
/// then, and twice as long each time that none came.
const SERVE_FULL: RangeInclusive<Duration> = Duration::from_millis(2)..=Duration::from_millis(50);

/// Before what failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Before a topic that was refused is looked at again.
const REFUSED_AGAIN: Duration = Duration::from_secs(10);

/// The longest wait for the reports of messages that are given up; they come at once.
const ABANDON_MAX: Duration = Duration::from_secs(1);

/// How often the spool is told while more is under way: with `durability: host` each time is a
/// sync for every stream.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// How often the state is published.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);

/// A record: its stream and `seq`.
type Place = (Arc<Stream>, u64);

pub(super) struct Ship {
    config: Config,
    reader: Reader,
    /// What was read last; kept for its room.
    frames: Frames,
    control: Arc<Control>,
    sender: watch::Sender<ShipperState>,
    state: ShipperState,
    topic: Option<Topic>,
    producer: Option<Producer>,
    lanes: Lanes,
    /// Refused in company; each is sent alone now.
    suspects: HashSet<Place>,
    /// Refused for good, and whether that was counted.
    condemned: HashMap<Place, (Code, bool)>,
    /// What is sent alone now.
    alone: Option<Place>,
    /// Something failed: the producer is made anew.
    failed: Option<Failure>,
    /// The last failure was said, and nothing was confirmed since.
    said: bool,
    waiting: Vec<Waiting>,
    /// What was there when the stop was asked for.
    last: Option<Waiting>,
    broker: Broker,
    /// Bytes that were confirmed since the broker was looked at.
    confirmed_bytes: u64,
    /// The next wait while there is no room.
    serve_full: Duration,
    tell_at: Instant,
    publish_at: Instant,
}

/// How urgent the next try is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Messages were refused; something else is tried with them at once.
    Refusal,
    /// Better times are waited for.
    Trouble,
}

/// Somebody who waits until what was there is shipped.
struct Waiting {
    mark: Mark,
    /// Under way when the mark was passed.
    ends: Option<BTreeMap<usize, u64>>,
    reply: Option<oneshot::Sender<()>>,
}

impl Ship {
    pub(super) fn new(
        config: Config,
        reader: Reader,
        control: Arc<Control>,
        sender: watch::Sender<ShipperState>,
    ) -> Self {
        let now = Instant::now();
        Self {
            config,
            reader,
            frames: Frames::default(),
            control,
            sender,
            state: ShipperState::default(),
            topic: None,
            producer: None,
            lanes: Lanes::default(),
            suspects: HashSet::new(),
            condemned: HashMap::new(),
            alone: None,
            failed: None,
            said: false,
            waiting: Vec::new(),
            last: None,
            broker: Broker::default(),
            confirmed_bytes: 0,
            serve_full: *SERVE_FULL.start(),
            tell_at: now,
            publish_at: now,
        }
    }

    /// Works until it is told to stop; true when nothing is left.
    pub(super) fn run(mut self) -> bool {
        keep_memory();
        loop {
            self.greet();
            let nothing_left = self.answer();
            if let Some(stop) = self.control.stopping()
                && (nothing_left || Instant::now() >= stop)
            {
                self.give_up();
                self.publish(true);
                return nothing_left;
            }
            if self.producer.is_none() {
                self.connect();
            } else {
                self.step();
            }
            self.publish(false);
        }
    }

    /// Makes the producer, once the topic is fit; otherwise waits a while.
    fn connect(&mut self) {
        let topic = match self.topic {
            Some(topic) => Ok(topic),
            None => topic::check(&self.config),
        };
        match topic {
            Ok(topic) => {
                self.topic = Some(topic);
                // What is sent alone has no company to wait for.
                let linger = self.suspects.is_empty();
                match Producer::new(&self.config, topic, linger) {
                    Ok(producer) => {
                        self.producer = Some(producer);
                        self.state.topic_refused = None;
                    }
                    Err(error) => self.refuse(TopicError::Client(error)),
                }
            }
            Err(Unfit::Away(error)) => {
                tracing::debug!(%error, "no broker answers");
                self.broker.absent(Instant::now());
                self.publish(true);
                self.pause(AGAIN);
            }
            Err(Unfit::Refused(error)) => self.refuse(error),
        }
    }

    /// The topic is not used; it is looked at again after a while.
    fn refuse(&mut self, error: TopicError) {
        if self.state.topic_refused.is_none() {
            tracing::error!(%error, "records wait in the spool, the topic is not used");
        }
        self.topic = None;
        self.state.topic_refused = Some(error);
        self.publish(true);
        self.pause(REFUSED_AGAIN);
    }

    fn step(&mut self) {
        let room = self.lanes.room();
        let sent = room && self.send_next();
        let heard = self.serve(match (sent, room) {
            (true, _) => Duration::ZERO,
            (false, true) if self.lanes.count() == 0 => Duration::ZERO,
            (false, true) => SERVE,
            (false, false) => self.serve_full,
        });
        if heard {
            self.serve_full = *SERVE_FULL.start();
        } else if !room {
            if self.serve_full == *SERVE_FULL.end() {
                self.lanes.silent();
            }
            self.serve_full = (self.serve_full * 2).min(*SERVE_FULL.end());
        }
        let now = Instant::now();
        if let Some(failure) = self.failed.take() {
            self.give_up();
            if failure == Failure::Trouble {
                self.pause(AGAIN);
            }
            return;
        }
        if self.lanes.count() == 0 || now >= self.tell_at {
            self.tell();
        }
        let (under_way, waiting) = (self.lanes.count() > 0, self.waiting_bytes());
        self.broker.look(now, under_way, std::mem::take(&mut self.confirmed_bytes), waiting);
        if !sent && !under_way && self.control.stopping().is_none() {
            self.publish(true);
            self.reader.wait(SLEEP_MAX);
        }
    }

    /// Sends what is next in the spool; false when nothing is there.
    fn send_next(&mut self) -> bool {
        match self.reader.read_into(READ_BYTES, &mut self.frames) {
            Ok(()) if self.frames.frames.is_empty() => false,
            Ok(()) => {
                let (frames, stamp) = (std::mem::take(&mut self.frames), now_ms());
                for frame in &frames.frames {
                    self.send(frame, frames.payload(frame), stamp);
                    if self.failed.is_some() || self.over() {
                        // The rest is read again.
                        break;
                    }
                }
                self.frames = frames;
                true
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the spool can not be read"
                );
                self.pause(AGAIN);
                false
            }
        }
    }

    /// Takes the reports that are there, or come soon; false when there were none.
    fn serve(&mut self, wait: Duration) -> bool {
        let Some(producer) = &mut self.producer else { return false };
        let reports = producer.reports(wait);
        let heard = !reports.is_empty();
        reports.into_iter().for_each(|report| self.hear(report));
        heard
    }

    fn hear(&mut self, Report { ticket, result }: Report) {
        self.lanes.done(ticket, result.is_ok());
        let Err(code) = result else {
            self.state.shipped += 1;
            self.confirmed_bytes += ticket.bytes as u64;
            self.said = false;
            return;
        };
        if is_refusal(code) {
            let place = (Arc::clone(&self.lanes.get(ticket.lane).stream), ticket.seq);
            if self.alone.as_ref() == Some(&place) {
                self.suspects.remove(&place);
                self.condemned.insert(place, (code, false));
            } else {
                self.suspects.insert(place);
            }
            self.failed.get_or_insert(Failure::Refusal);
            // Perhaps the topic takes less than before.
            self.topic = None;
            return;
        }
        if matches!(
            code,
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition
        ) {
            self.topic = None;
        }
        let follows =
            matches!(code, Code::PurgeQueue | Code::PurgeInflight | Code::GaplessGuarantee);
        if follows {
            self.failed.get_or_insert(Failure::Trouble);
        } else {
            self.trouble(&code.to_string());
        }
    }

    /// Something failed that is not a record's fault.
    fn trouble(&mut self, error: &str) {
        if !self.said {
            tracing::warn!(error, "records were not taken; they are sent again");
            self.said = true;
        }
        self.failed = Some(Failure::Trouble);
    }

    /// Gives up what is under way: the spool is told of what is confirmed, the rest is read again.
    fn give_up(&mut self) {
        if let Some(mut producer) = self.producer.take() {
            let mut reports = Vec::new();
            producer.abandon(self.lanes.count(), ABANDON_MAX, |report| reports.push(report));
            reports.into_iter().for_each(|report| self.hear(report));
        }
        (self.failed, self.alone) = (None, None);
        self.lanes.abandon();
        self.tell();
        self.lanes.clear();
        self.reader.rewind();
        let waiting = self.waiting.iter_mut().chain(&mut self.last);
        waiting.for_each(|waiting| waiting.ends = None);
    }

    /// Tells the spool what is confirmed.
    fn tell(&mut self) {
        self.tell_at = Instant::now() + TELL_EVERY;
        for (number, seq) in self.lanes.confirmed() {
            let stream = Arc::clone(&self.lanes.get(number).stream);
            match self.reader.ack(&stream, seq) {
                Ok(()) => {
                    self.lanes.told(number, seq);
                    let told = |place: &Place| place.0 == stream && place.1 <= seq;
                    self.suspects.retain(|place| !told(place));
                    self.condemned.retain(|place, _| !told(place));
                }
                // Nothing is lost: it is tried again, or sent again after a restart.
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the spool was not told what is shipped"
                ),
            }
        }
    }

    /// Takes those who came to wait.
    fn greet(&mut self) {
        for reply in self.control.waiting() {
            let waiting = Waiting { mark: self.reader.mark(), ends: None, reply: Some(reply) };
            self.waiting.push(waiting);
        }
        if self.last.is_none() && self.control.stopping().is_some() {
            self.last = Some(Waiting { mark: self.reader.mark(), ends: None, reply: None });
        }
    }

    /// Answers those for whom all is shipped; true when that is so for the stop.
    fn answer(&mut self) -> bool {
        let (reader, lanes) = (&self.reader, &self.lanes);
        let reached = |waiting: &mut Waiting| {
            if waiting.ends.is_none() && reader.passed(&waiting.mark) {
                waiting.ends = Some(lanes.ends());
            }
            waiting.ends.as_ref().is_some_and(|ends| lanes.passed(ends))
        };
        let all: Vec<_> = self.waiting.drain(..).collect();
        for mut waiting in all {
            if !reached(&mut waiting) {
                self.waiting.push(waiting);
            } else if let Some(reply) = waiting.reply {
                // Whoever asked may be gone.
                reply.send(()).ok();
            }
        }
        self.last.as_mut().is_some_and(reached)
    }

    fn waiting_bytes(&self) -> u64 {
        self.reader.unread() + self.lanes.bytes()
    }

    fn publish(&mut self, at_once: bool) {
        let now = Instant::now();
        if !at_once && now < self.publish_at {
            return;
        }
        self.publish_at = now + PUBLISH_EVERY;
        self.state.waiting_bytes = self.waiting_bytes();
        self.state.broker_away_since = self.broker.away_since();
        self.state.drained_in = self.broker.drained_in();
        self.sender.send_replace(self.state.clone());
    }

    /// The time that a stop was given is over.
    fn over(&self) -> bool {
        self.control.stopping().is_some_and(|stop| Instant::now() >= stop)
    }

    /// Sleeps; a stop ends it.
    fn pause(&self, pause: Duration) {
        let end = Instant::now() + pause;
        let stop = self.control.stopping();
        while Instant::now() < end && !self.over() && self.control.stopping() == stop {
            thread::park_timeout(end.saturating_duration_since(Instant::now()).min(SLEEP_MAX));
        }
    }
}

/// Lets the allocator keep what is freed. By default glibc gives much of it back to the system after
/// each request to the broker, and faults it in again, page by page, for the next one: a fifth of
/// the CPU of sending. Once a block of this size was freed, it keeps up to twice as much in each
/// arena (`mallopt(3)`, `M_MMAP_THRESHOLD`). Other allocators take no notice.
fn keep_memory() {
    drop(black_box(Vec::<u8>::with_capacity(KEPT_BYTES)));
}

/// What the clock says, milliseconds since 1970: asked once for all that was read together.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
