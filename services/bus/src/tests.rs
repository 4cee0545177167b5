//! The sources pass the suite; beside it, what only one of them promises.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use record::Stream;
use spool::{Config, Durability, Room, Spool, WhenFull, Writer};
use tempfile::TempDir;

use crate::memory::Feed;
use crate::suite::{self, BOUNDS, World};
use crate::{Batch, Event, Memory, Place, Source, SourceError, SpoolSource};

struct SpoolWorld {
    folder: TempDir,
    writers: Vec<Writer>,
    now: u64,
}

impl SpoolWorld {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, writers: Vec::new(), now: 0 }
    }

    fn spool(&mut self) -> Spool {
        self.now += 1;
        let config = Config {
            dir: self.folder.path().to_owned(),
            gateway: "gw".to_owned(),
            workers: 3,
            size: 3 << 20,
            segment: 1 << 10,
            record_max: 512,
            durability: Durability::Process,
            when_full: WhenFull::Reject,
        };
        spool::open(&config, self.now).expect("opens")
    }

    fn write(&mut self, worker: u16, bytes: &[u8]) {
        let writer = &mut self.writers[usize::from(worker)];
        assert!(writer.reserve(), "there is room");
        let encode = |_, _, buffer: &mut Vec<u8>| buffer.extend_from_slice(bytes);
        writer.push(0, Room::Reserved, encode).expect("it was reserved");
        writer.write().expect("the disk is well");
    }
}

impl World for SpoolWorld {
    type Source = SpoolSource;

    async fn open(&mut self, old: Option<SpoolSource>) -> SpoolSource {
        drop(old);
        self.writers.clear();
        let spool = self.spool();
        self.writers = spool.writers;
        SpoolSource::start("gw", spool.reader, BOUNDS).expect("a thread")
    }

    async fn append(&mut self, messages: Vec<(u16, Vec<u8>)>) {
        for (worker, bytes) in messages {
            self.write(worker, &bytes);
        }
    }
}

struct MemoryWorld(Option<Feed>);

impl World for MemoryWorld {
    type Source = Memory;

    async fn open(&mut self, old: Option<Memory>) -> Memory {
        let rest: Vec<_> = old.into_iter().flat_map(Memory::into_rest).collect();
        let room = NonZeroUsize::new(1000).expect("not zero");
        let (feed, memory) = Memory::fed("memory:test", rest, BOUNDS, room);
        self.0 = Some(feed);
        memory
    }

    async fn append(&mut self, messages: Vec<(u16, Vec<u8>)>) {
        let feed = self.0.as_ref().expect("it is open");
        for (seq, (worker, bytes)) in (0..).zip(messages) {
            let stream = Arc::new(Stream { gateway: "gw".to_owned(), epoch: 1, worker });
            feed.push(Some(Place { stream, seq }), bytes).await.expect("it is open");
        }
    }
}

#[tokio::test]
async fn the_spool_passes() {
    suite::run(SpoolWorld::new).await;
}

#[tokio::test]
async fn memory_passes() {
    suite::run(|| MemoryWorld(None)).await;
}

/// Takes events until the spool source gave a batch.
async fn batch(source: &mut SpoolSource) -> Batch {
    loop {
        let event = tokio::time::timeout(Duration::from_secs(30), source.next()).await;
        match event.expect("the source says something").expect("the source is well") {
            Event::Batch(batch) => return batch,
            Event::Assigned { .. } => {}
            event => panic!("{event:?}"),
        }
    }
}

#[tokio::test]
async fn a_sleeping_source_is_woken_by_an_append() {
    let mut world = SpoolWorld::new();
    let mut source = world.open(None).await;
    for number in 0..200_u32 {
        // The source has nothing and goes to sleep; no time-out of it is short enough to help.
        world.write(1, number.to_string().as_bytes());
        let batch = batch(&mut source).await;
        assert_eq!(batch.bytes(&batch.messages[0]), number.to_string().as_bytes());
    }
}

#[tokio::test]
async fn what_nobody_takes_stays_on_disk() {
    let mut world = SpoolWorld::new();
    let mut source = world.open(None).await;
    for _ in 0..500 {
        world.write(0, &[b'x'; 100]);
    }
    let first = batch(&mut source).await;
    assert!(first.buffer.len() < 500);
    // However long it is left alone, it holds no more than its bounds.
    while source.queued() < BOUNDS.queued {
        tokio::task::yield_now().await;
    }
    assert_eq!(source.queued(), BOUNDS.queued);
    let mut seen = first.messages.len();
    while seen < 500 {
        seen += batch(&mut source).await.messages.len();
    }
    assert_eq!(seen, 500);
}

#[tokio::test]
async fn a_mark_that_a_rewind_throws_away_is_announced_again() {
    let mut world = SpoolWorld::new();
    let mut source = world.open(None).await;
    world.write(0, b"once");
    let mark = source.mark().await.expect("the source is well");
    source.next().await.expect("assigned");
    while source.queued() < 2 {
        // The batch and the mark, neither of them taken.
        tokio::task::yield_now().await;
    }
    source.rewind(0).await.expect("it is assigned");
    assert_eq!(batch(&mut source).await.messages.len(), 1);
    let event = tokio::time::timeout(Duration::from_secs(30), source.next()).await;
    let event = event.expect("the source says something").expect("the source is well");
    assert!(matches!(event, Event::Reached { mark: reached } if reached == mark), "{event:?}");
}

#[tokio::test]
async fn acknowledged_segments_leave_the_disk() {
    let mut world = SpoolWorld::new();
    let mut source = world.open(None).await;
    for _ in 0..500 {
        world.write(0, &[b'x'; 100]);
    }
    let full = world.writers[0].usage().used;
    let (mut seen, mut position) = (0, 0);
    while seen < 490 {
        let batch = batch(&mut source).await;
        seen += batch.messages.len();
        position = batch.messages[0].position;
    }
    source.ack(0, position).await.expect("it was given");
    let left = world.writers[0].usage().used;
    assert!(left < full / 10, "{left} of {full} bytes are left");
}

#[tokio::test]
async fn dropping_a_source_gives_the_folder_free() {
    let mut world = SpoolWorld::new();
    let source = world.open(None).await;
    world.writers.clear();
    drop(source);
    world.spool();
}

#[tokio::test]
async fn a_memory_source_pulls_only_what_is_asked_for() {
    let pulled = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&pulled);
    let messages = (0..1_000_000).map(move |number: u32| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        (None, number.to_string().into_bytes())
    });
    let mut source = Memory::new("ingest:file", messages, BOUNDS);
    source.next().await.expect("assigned");
    let Ok(Event::Batch(batch)) = source.next().await else { panic!("a batch") };
    assert_eq!(batch.messages.len(), BOUNDS.batch_messages);
    let pulled = pulled.load(std::sync::atomic::Ordering::Relaxed);
    assert!(pulled <= BOUNDS.batch_messages + 1, "{pulled} were pulled");
    assert!(matches!(source.ack(0, 7).await, Err(SourceError::OutOfRange { .. })));
}

#[tokio::test]
async fn what_is_known_to_be_no_record_says_so_each_time_it_is_given() {
    let unreadable = Some("line 3: no record".into());
    let input = crate::memory::Input { place: None, unreadable, bytes: b"x".to_vec() };
    let mut source = Memory::new("ingest:file", [input], BOUNDS);
    source.next().await.expect("assigned");
    for _ in 0..2 {
        let Ok(Event::Batch(batch)) = source.next().await else { panic!("a batch") };
        assert_eq!(batch.messages[0].unreadable.as_deref(), Some("line 3: no record"));
        source.rewind(0).await.expect("it is assigned");
    }
}

#[tokio::test]
async fn a_mark_of_a_memory_source_comes_after_its_last_message() {
    let messages: Vec<_> = (0..10_u8).map(|number| (None, vec![number])).collect();
    let mut source = Memory::new("ingest:file", messages, BOUNDS);
    let mark = source.mark().await.expect("the source is well");
    source.next().await.expect("assigned");
    let mut seen = 0;
    loop {
        match source.next().await.expect("the source is well") {
            Event::Batch(batch) => seen += batch.messages.len(),
            Event::Reached { mark: reached } => {
                assert_eq!((reached, seen), (mark, 10));
                return;
            }
            event => panic!("{event:?}"),
        }
    }
}
