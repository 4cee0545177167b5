//! Several members of a group over a real broker: each record once, one of them closes hours.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use broker::Broker;
use bus::kafka::{self, HASH_HEADER, SEQ_HEADER, STREAM_HEADER};
use metering::{Closer, IntakeError, Open, Service, ServiceError};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use record::Time;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, timeout};

use crate::world::{Gateway, Input, World, at, hour, prices, run};

const PARTITIONS: u32 = 4;

/// Longer than anything here takes.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(50);

const ROWS: &str = "SELECT count() AS n FROM records";
/// Each partition has a claim: the group is balanced, the topic is there.
const OWNERS: &str = "SELECT uniqExact(part) AS n FROM claims WHERE source LIKE 'kafka:%'";
const NUMBERS: &str = "SELECT uniqExact((gateway, epoch, worker, seq)) AS n FROM records";

fn kafka(topic: &str, group: &str) -> kafka::Config {
    kafka::Config {
        brokers: vec![Broker::shared().addr().to_owned()],
        topic: format!("metering.{topic}"),
        group: group.to_owned(),
        partitions: PARTITIONS,
        replication: 1,
        compression: kafka::Compression::Lz4,
        session_timeout: Duration::from_secs(6),
        max_poll_interval: Duration::from_secs(60),
        record_max: 16 << 10,
        security: kafka::Security::default(),
    }
}

/// Puts messages into the topic, with headers as earlier versions wrote them; each stream into one
/// partition.
fn ship(config: &kafka::Config, messages: &[Input]) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", config.brokers.join(","))
        .create()
        .expect("a producer");
    for (place, bytes) in messages {
        let place = place.as_ref().expect("its place");
        let (stream, seq) = (place.stream.to_string(), place.seq.to_string());
        let hash = format!("{:016x}", spool::hash(bytes));
        let headers = OwnedHeaders::new()
            .insert(Header { key: STREAM_HEADER, value: Some(&stream) })
            .insert(Header { key: SEQ_HEADER, value: Some(&seq) })
            .insert(Header { key: HASH_HEADER, value: Some(&hash) });
        let sum: u32 = stream.bytes().map(u32::from).sum();
        let partition = i32::try_from(sum % PARTITIONS);
        let record = BaseRecord::to(&config.topic)
            .partition(partition.expect("a small number"))
            .key(&stream)
            .payload(bytes)
            .headers(headers);
        producer.send(record).map_err(|(error, _)| error).expect("room in the queue");
    }
    producer.flush(WAIT_MAX).expect("the broker takes them");
}

/// Makes the broker forget what stands before, as its retention does.
async fn drop_before(config: &kafka::Config, ends: &BTreeMap<u32, u64>) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", config.brokers.join(","))
        .create()
        .expect("a client");
    let dropped = admin.delete_records(&offsets(config, ends), &AdminOptions::new()).await;
    let dropped = dropped.expect("the broker answers");
    assert!(dropped.elements().iter().all(|part| part.error().is_ok()), "{dropped:?}");
}

fn offsets(config: &kafka::Config, ends: &BTreeMap<u32, u64>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (part, end) in ends {
        let part = i32::try_from(*part).expect("a small number");
        let end = Offset::Offset(i64::try_from(*end).expect("a small number"));
        list.add_partition_offset(&config.topic, part, end).expect("an offset");
    }
    list
}

/// Says for a group that it has stored so much, as soon as it has no members any more: until then
/// the broker refuses.
async fn commit(config: &kafka::Config, ends: &BTreeMap<u32, u64>) {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", config.brokers.join(","))
        .set("group.id", &config.group)
        .create()
        .expect("a consumer");
    let list = offsets(config, ends);
    let (deadline, mut looks) = (Instant::now() + WAIT_MAX, interval(LOOK));
    while let Err(error) = consumer.commit(&list, CommitMode::Sync) {
        looks.tick().await;
        assert!(Instant::now() < deadline, "the broker does not take it: {error}");
    }
}

struct Member {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), ServiceError>>,
}

impl Member {
    fn start(world: &World, kafka: &kafka::Config, name: &str, now: Time) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let mut config = world.config.clone();
        config.owner = name.to_owned();
        config.look_every = Duration::from_millis(100);
        config.grace = Duration::from_secs(1);
        let service = Service {
            store: world.store.clone(),
            config,
            counters: Arc::clone(&world.counters),
            prices: Some(prices("")),
            clock: Arc::new(move || now),
            kafka: kafka.clone(),
        };
        let task = tokio::spawn(service.run(async move { drop(stopped.await) }));
        Self { stop: Some(stop), task }
    }

    async fn stop(mut self) {
        drop(self.stop.take());
        timeout(WAIT_MAX, self.task).await.expect("in time").expect("no panic").expect("no error");
    }
}

/// Waits until a number of the store is what it should be.
async fn until(world: &World, sql: &str, expect: u64) {
    let (deadline, mut looks) = (Instant::now() + WAIT_MAX, interval(LOOK));
    loop {
        looks.tick().await;
        let found = world.number(sql).await;
        if found == expect {
            return;
        }
        assert!(Instant::now() < deadline, "{found} is not {expect}: {sql}");
    }
}

/// Waits until so many messages were recognised.
async fn until_duplicates(world: &World, expect: u64) {
    let (deadline, mut looks) = (Instant::now() + WAIT_MAX, interval(LOOK));
    loop {
        looks.tick().await;
        let found = world.counters.duplicates.load(Ordering::Relaxed);
        if found >= expect {
            return;
        }
        assert!(Instant::now() < deadline, "{found} duplicates, not {expect}");
    }
}

/// Hours 13 and 14 of some gateways; the last one falls silent in hour 13.
fn lives(gateways: i64, calls: usize) -> Vec<Input> {
    let mut messages = Vec::new();
    for number in 0..gateways {
        let mut gateway = Gateway::new(&format!("g{number}"), at(13, 0));
        messages.push(gateway.start(at(13, 0), None));
        messages.extend(gateway.calls(at(13, 10), calls));
        if number + 1 < gateways {
            messages.extend([gateway.beat(at(14, 0)), gateway.beat(at(14, 10))]);
        }
    }
    messages
}

/// Brings messages into the topic and the store; then nobody consumes the topic any more.
async fn stored(world: &World, kafka: &kafka::Config, messages: &[Input]) {
    let member = Member::start(world, kafka, "a", at(13, 30));
    until(world, OWNERS, PARTITIONS.into()).await;
    ship(kafka, messages);
    until(world, ROWS, messages.len() as u64).await;
    member.stop().await;
}

/// Past the deadline of hour 13; it does not wait long for what nobody consumes.
async fn closer(world: &World, kafka: &kafka::Config, grace: Duration) -> Closer {
    let catch_up = Duration::from_millis(500);
    let config = metering::Config { grace, catch_up, ..world.config.clone() };
    let closer = world.closer_with(config, at(14, 30), Some(prices(""))).await;
    closer.with_topic(&format!("kafka:{}", kafka.topic), kafka::Ends::new(kafka))
}

#[test]
fn members_share_a_topic_and_one_of_them_closes_hours() {
    run(async {
        let world = World::new("cluster").await;
        let kafka = kafka("cluster", "tollgate.metering");
        let now = at(14, 30);
        let members =
            [Member::start(&world, &kafka, "a", now), Member::start(&world, &kafka, "b", now)];
        until(&world, OWNERS, PARTITIONS.into()).await;
        let messages = lives(8, 200);
        ship(&kafka, &messages);
        until(&world, ROWS, messages.len() as u64).await;
        assert_eq!(world.number(NUMBERS).await, messages.len() as u64);
        // Past the deadline the silent one is written off: what the topic holds is stored.
        until(&world, "SELECT count() AS n FROM closings", 1).await;
        let proof = world.proof(hour(13)).await;
        assert_eq!(proof["complete"], false, "one was silent");
        assert_eq!(proof["silent"].as_array().map(Vec::len), Some(1), "{proof}");
        assert!(world.check(hour(13)).await.iter().all(|(_, ok)| *ok));
        let cut = world.text("SELECT cut AS t FROM cuts").await;
        let cut: serde_json::Value = serde_json::from_str(&cut).expect("JSON");
        let ends = cut["ends"].as_array().expect("ends");
        let stored: u64 = ends.iter().map(|end| end["position"].as_u64().expect("one") + 1).sum();
        assert_eq!(stored, messages.len() as u64, "the cut knows the offsets: {ends:?}");

        // One goes, the other takes all; what comes again is recognised.
        let [first, second] = members;
        first.stop().await;
        ship(&kafka, &messages);
        until_duplicates(&world, messages.len() as u64).await;
        assert_eq!(world.number(ROWS).await, messages.len() as u64);
        second.stop().await;
    });
}

#[test]
fn an_hour_stays_open_while_the_topic_holds_what_is_not_stored() {
    run(async {
        let world = World::new("cluster_behind").await;
        let kafka = kafka("behind", "tollgate.metering");
        let messages = lives(4, 100);
        let (first, rest) = messages.split_at(messages.len() - 50);
        stored(&world, &kafka, first).await;
        // Past the deadline of their hour, and nobody consumes the topic.
        ship(&kafka, rest);
        let mut closer = closer(&world, &kafka, Duration::ZERO).await;
        let round = closer.round().await.expect("a round");
        assert_eq!(round.open, Some((hour(13), Open::Behind)), "PROOF-1: closed too early");
        assert_eq!(world.number("SELECT count() AS n FROM cuts").await, 0);

        let member = Member::start(&world, &kafka, "b", at(14, 30));
        until(&world, "SELECT count() AS n FROM closings", 1).await;
        assert_eq!(world.number(ROWS).await, messages.len() as u64);
        let late = "SELECT count() AS n FROM cuts WHERE JSONExtractArrayRaw(cut, 'late') != []";
        assert_eq!(world.number(late).await, 0, "nothing is late");
        member.stop().await;
    });
}

/// A group that is always behind by what was just shipped closes its hours late, but closes them.
#[test]
fn what_comes_after_an_hour_could_be_closed_does_not_keep_it_open() {
    run(async {
        let world = World::new("cluster_lag").await;
        let kafka = kafka("lag", "tollgate.metering");
        let messages = lives(4, 100);
        stored(&world, &kafka, &messages).await;
        ship(&kafka, &messages[..50]);
        let ends = kafka::Ends::new(&kafka);
        let goal = ends.now().await.expect("the broker answers");
        let mut closer = closer(&world, &kafka, Duration::ZERO).await;
        let round = closer.round().await.expect("a round");
        assert_eq!(round.open, Some((hour(13), Open::Behind)));
        // The group gets so far, and meanwhile there is more.
        ship(&kafka, &messages[50..]);
        commit(&kafka, &goal).await;
        let round = closer.round().await.expect("a round");
        assert_eq!(round.closed, [hour(13)], "the goal moved on");
    });
}

/// Nobody will ever store what retention has taken.
#[test]
fn what_the_topic_drops_is_not_waited_for() {
    run(async {
        let world = World::new("cluster_dropped").await;
        let kafka = kafka("dropped", "tollgate.metering");
        let messages = lives(4, 100);
        stored(&world, &kafka, &messages).await;
        ship(&kafka, &messages);
        let ends = kafka::Ends::new(&kafka);
        let all = ends.now().await.expect("the broker answers");
        let mut closer = closer(&world, &kafka, Duration::ZERO).await;
        let round = closer.round().await.expect("a round");
        assert_eq!(round.open, Some((hour(13), Open::Behind)));
        drop_before(&kafka, &all).await;
        let round = closer.round().await.expect("a round");
        assert_eq!(round.closed, [hour(13)], "it waits for what is gone");
    });
}

/// A minute after each start is no alarm; a source that is behind in that minute is one.
#[test]
fn while_gateways_may_still_ship_only_what_waits_is_an_alarm() {
    run(async {
        let world = World::new("cluster_settles").await;
        let kafka = kafka("settles", "tollgate.metering");
        let messages = lives(4, 100);
        stored(&world, &kafka, &messages).await;
        let log = tempfile::NamedTempFile::new().expect("a file");
        let alarms = || {
            let text = std::fs::read_to_string(log.path()).expect("a log");
            text.matches("sources are behind").count()
        };
        let writer = Arc::new(log.reopen().expect("the file"));
        let subscriber = tracing_subscriber::fmt().with_writer(writer).finish();
        // Were there one subscriber alone, `tracing` would not ask it about a line that a thread
        // without one, another test's, came to first.
        let other = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
        // Rounds run on this thread.
        let listening = tracing::subscriber::set_default(subscriber);
        let mut closer = closer(&world, &kafka, WAIT_MAX).await;
        let round = closer.round().await.expect("a round");
        assert_eq!(round.open, Some((hour(13), Open::Behind)));
        assert_eq!(alarms(), 0, "all is stored");
        ship(&kafka, &messages[..50]);
        for _ in 0..2 {
            let round = closer.round().await.expect("a round");
            assert_eq!(round.open, Some((hour(13), Open::Behind)));
            assert_eq!(alarms(), 1, "said once");
        }
        drop((listening, other));
    });
}

#[test]
fn another_group_is_refused_while_the_first_is_at_work_and_stores_nothing_twice_after_it() {
    run(async {
        let world = World::new("cluster_groups").await;
        let one = kafka("groups", "one");
        let member = Member::start(&world, &one, "a", at(13, 30));
        let messages = lives(4, 100);
        until(&world, OWNERS, PARTITIONS.into()).await;
        ship(&one, &messages);
        until(&world, ROWS, messages.len() as u64).await;

        let two = kafka("groups", "two");
        let mut refused = Member::start(&world, &two, "b", at(13, 30));
        let claims = "SELECT count() AS n FROM claims WHERE consumer_group = 'two'";
        let (deadline, mut looks) = (Instant::now() + WAIT_MAX, interval(LOOK));
        while !refused.task.is_finished() {
            looks.tick().await;
            assert_eq!(world.number(claims).await, 0, "the second group claims nothing");
            assert!(Instant::now() < deadline, "the second group is neither let in nor refused");
        }
        let refused = (&mut refused.task).await.expect("no panic");
        let error = refused.expect_err("the first group is at work");
        assert!(
            matches!(&error, ServiceError::Intake(IntakeError::OtherGroup { group, .. }) if group == "one"),
            "{error}"
        );
        assert_eq!(world.number(claims).await, 0, "the second group claims nothing");

        member.stop().await;
        // From offset 0: all of it is known.
        let member = Member::start(&world, &two, "b", at(13, 30));
        until_duplicates(&world, messages.len() as u64).await;
        assert_eq!(world.number(ROWS).await, messages.len() as u64);
        member.stop().await;
    });
}
