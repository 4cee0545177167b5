//! What every source must pass. A source brings a [`World`] that can append to it and open it
//! again, and calls [`run`].

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Batch, Bounds, Event, Source, SourceError};

/// Longer than any machine is busy; a source that is silent for so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Small, so that a few messages make several batches.
pub const BOUNDS: Bounds =
    Bounds { batch_bytes: 200, batch_messages: 3, queued: 2, linger: Duration::from_millis(1) };

/// The bytes that one message of the suite may have at most.
pub const MESSAGE_MAX: usize = 60;

/// A source and the means to put messages into it.
pub trait World {
    /// What is tested.
    type Source: Source;

    /// Opens the source: the first time, or again after `old`, as after a restart.
    fn open(&mut self, old: Option<Self::Source>) -> impl Future<Output = Self::Source>;

    /// Puts messages into the open source, in this order, each of the worker named first. They
    /// stand in it when this returns.
    fn append(&mut self, messages: Vec<(u16, Vec<u8>)>) -> impl Future<Output = ()>;
}

/// Runs everything, each in a world of its own.
pub async fn run<W: World>(mut world: impl FnMut() -> W) {
    messages_come_whole_and_in_order(world()).await;
    what_is_not_acknowledged_comes_again(world()).await;
    a_rewind_goes_back_to_what_is_not_acknowledged(world()).await;
    only_what_was_given_can_be_acknowledged(world()).await;
    marks_come_in_order_after_what_was_before_them(world()).await;
    a_mark_after_a_rewind_waits_for_what_comes_again(world()).await;
}

/// `count` messages over three workers, with their worker and number as text.
fn messages(from: usize, count: usize) -> Vec<(u16, Vec<u8>)> {
    let message = |number: usize| {
        let worker = u16::try_from(number % 3).expect("below three");
        (worker, format!("{worker} {number:05} {}", "x".repeat(number % 40)).into_bytes())
    };
    (from..from + count).map(message).collect()
}

async fn next<S: Source>(source: &mut S) -> Event {
    let event = tokio::time::timeout(PATIENCE, source.next()).await;
    event.expect("the source says something").expect("the source is well")
}

/// Opens and takes the assignment.
async fn open<W: World>(world: &mut W, old: Option<W::Source>) -> W::Source {
    let mut source = world.open(old).await;
    let event = next(&mut source).await;
    assert!(matches!(event, Event::Assigned { partition: 0 }), "first comes {event:?}");
    source
}

/// What a test has seen: position and text of each message.
type Seen = Vec<(u64, Vec<u8>)>;

fn see(batch: &Batch, seen: &mut Seen) {
    assert_eq!(batch.partition, 0);
    assert!(!batch.messages.is_empty(), "a batch has messages");
    assert!(batch.messages.len() <= BOUNDS.batch_messages, "BOUND-1: messages of a batch");
    // Beside the payloads a source may keep its own heads in the buffer.
    let most = BOUNDS.batch_bytes + 2 * MESSAGE_MAX;
    assert!(batch.buffer.len() <= most, "BOUND-1: {} bytes of a batch", batch.buffer.len());
    for (message, bytes) in batch.iter() {
        assert!(seen.last().is_none_or(|(last, _)| *last < message.position), "positions grow");
        assert_eq!(message.hash, spool::hash(bytes));
        if let Some(place) = &message.place {
            let worker = bytes.split(|byte| *byte == b' ').next();
            assert_eq!(worker, Some(place.stream.worker.to_string().as_bytes()));
        }
        seen.push((message.position, bytes.to_vec()));
    }
}

/// Takes batches until `count` messages are there.
async fn take<S: Source>(source: &mut S, count: usize) -> Seen {
    let mut seen = Seen::new();
    while seen.len() < count {
        match next(source).await {
            Event::Batch(batch) => see(&batch, &mut seen),
            event => panic!("{event:?} among {count} messages"),
        }
    }
    seen
}

/// The same messages, those of each worker in the same order.
fn assert_same(seen: &Seen, expected: &[(u16, Vec<u8>)]) {
    let mut left: BTreeMap<u16, Vec<&[u8]>> = BTreeMap::new();
    let mut right = left.clone();
    for (_, bytes) in seen {
        left.entry(u16::from(bytes[0] - b'0')).or_default().push(bytes);
    }
    for (worker, bytes) in expected {
        right.entry(*worker).or_default().push(bytes);
    }
    assert_eq!(left, right);
}

/// The messages of `expected` that are not among those seen up to `upto`.
fn without(expected: &[(u16, Vec<u8>)], seen: &[(u64, Vec<u8>)]) -> Vec<(u16, Vec<u8>)> {
    let fresh = |message: &&(u16, Vec<u8>)| !seen.iter().any(|(_, bytes)| *bytes == message.1);
    expected.iter().filter(fresh).cloned().collect()
}

async fn messages_come_whole_and_in_order<W: World>(mut world: W) {
    let mut source = open(&mut world, None).await;
    assert!(!source.name().is_empty());
    let first = messages(0, 100);
    world.append(first.clone()).await;
    assert_same(&take(&mut source, 100).await, &first);
    let second = messages(100, 50);
    world.append(second.clone()).await;
    assert_same(&take(&mut source, 50).await, &second);
}

async fn what_is_not_acknowledged_comes_again<W: World>(mut world: W) {
    let mut source = open(&mut world, None).await;
    let all = messages(0, 90);
    world.append(all.clone()).await;
    let seen = take(&mut source, 60).await;
    source.ack(0, seen[39].0).await.expect("it was given");
    let mut source = open(&mut world, Some(source)).await;
    let rest = without(&all, &seen[..40]);
    let again = take(&mut source, 50).await;
    assert_same(&again, &rest);
    source.ack(0, again[49].0).await.expect("it was given");
    let mut source = open(&mut world, Some(source)).await;
    let mark = source.mark().await.expect("the source is well");
    let event = next(&mut source).await;
    assert!(matches!(event, Event::Reached { mark: reached } if reached == mark), "{event:?}");
}

async fn a_rewind_goes_back_to_what_is_not_acknowledged<W: World>(mut world: W) {
    let mut source = open(&mut world, None).await;
    let all = messages(0, 60);
    world.append(all.clone()).await;
    let seen = take(&mut source, 40).await;
    source.ack(0, seen[9].0).await.expect("it was given");
    for _ in 0..2 {
        source.rewind(0).await.expect("it is assigned");
        let again = take(&mut source, 50).await;
        assert_same(&again, &without(&all, &seen[..10]));
    }
    let unknown = source.rewind(7).await;
    assert!(matches!(unknown, Err(SourceError::NotAssigned { partition: 7 })));
}

async fn only_what_was_given_can_be_acknowledged<W: World>(mut world: W) {
    let mut source = open(&mut world, None).await;
    world.append(messages(0, 30)).await;
    let seen = take(&mut source, 30).await;
    let beyond = seen[29].0 + 1;
    let error = source.ack(0, beyond).await;
    assert!(matches!(error, Err(SourceError::OutOfRange { position, .. }) if position == beyond));
    assert!(matches!(source.ack(3, 0).await, Err(SourceError::NotAssigned { partition: 3 })));
    source.ack(0, seen[9].0).await.expect("it was given");
    source.ack(0, seen[5].0).await.expect("again does nothing");
    source.rewind(0).await.expect("it is assigned");
    let void = source.ack(0, seen[20].0).await;
    assert!(matches!(void, Err(SourceError::OutOfRange { .. })), "a rewind makes void: {void:?}");
    let again = take(&mut source, 20).await;
    source.ack(0, again[19].0).await.expect("it was given again");
}

async fn marks_come_in_order_after_what_was_before_them<W: World>(mut world: W) {
    let mut source = open(&mut world, None).await;
    let (first, second) = (messages(0, 40), messages(40, 40));
    world.append(first.clone()).await;
    let one = source.mark().await.expect("the source is well");
    world.append(second.clone()).await;
    let two = source.mark().await.expect("the source is well");
    let (mut seen, mut reached) = (Seen::new(), Vec::new());
    while reached.len() < 2 {
        match next(&mut source).await {
            Event::Batch(batch) => see(&batch, &mut seen),
            Event::Reached { mark } => {
                let expected = if reached.is_empty() { &first } else { &second };
                assert!(without(expected, &seen).is_empty(), "all before mark {mark} was given");
                reached.push(mark);
            }
            event => panic!("{event:?}"),
        }
    }
    assert_eq!(reached, [one, two]);
}

async fn a_mark_after_a_rewind_waits_for_what_comes_again<W: World>(mut world: W) {
    let mut source = open(&mut world, None).await;
    let all = messages(0, 40);
    world.append(all.clone()).await;
    let one = source.mark().await.expect("the source is well");
    take(&mut source, 20).await;
    source.rewind(0).await.expect("it is assigned");
    assert_same(&take(&mut source, 40).await, &all);
    let event = next(&mut source).await;
    assert!(matches!(event, Event::Reached { mark } if mark == one), "{event:?}");

    // What comes again stands before a mark that is asked for now.
    source.rewind(0).await.expect("it is assigned");
    let two = source.mark().await.expect("the source is well");
    assert_same(&take(&mut source, 40).await, &all);
    let event = next(&mut source).await;
    assert!(matches!(event, Event::Reached { mark } if mark == two), "{event:?}");
}
