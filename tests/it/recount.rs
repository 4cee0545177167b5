//! A closed hour counted again from its records: equal, or the records that differ by name.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use broker::Broker;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use record::{Part, Record};
use serde_json::Value;
use store::records::StoredRecord;
use tests::client::Client;
use tests::ledger::get;
use tests::lines::{self, Call, SELLER, calls, write_file};
use tests::naive::{self, units};
use tests::program::Ran;
use tests::topic::Topic;
use tests::world::{HOST, Running, World};

use crate::day::{closed, ingest, program, stored_hour, up_at, world};

/// Partitions of the topic.
const PARTITIONS: usize = 2;
/// The broker takes some dozen messages within it.
const SEND_MAX: Duration = Duration::from_secs(60);

fn recount(world: &World, hour: u32, words: &[&str]) -> Ran {
    let hour = lines::hour(hour);
    program(world).run(&[&["audit", "recount", &hour], words].concat())
}

/// The same as JSON: whether it says equal, as its exit code does.
#[track_caller]
fn said(world: &World, hour: u32, words: &[&str]) -> (bool, Value) {
    let ran = recount(world, hour, &[words, &["--output", "json"]].concat());
    let json = ran.json();
    let equal = json["equal"].as_bool().expect("a verdict");
    assert_eq!(ran.code, Some(i32::from(!equal)), "{ran:?}");
    (equal, json)
}

/// Request id and kind of each record that is named.
fn named(json: &Value) -> Vec<(String, String)> {
    let named = json["differences"]["named"].as_array().expect("a list");
    assert_eq!(json["differences"]["count"], named.len(), "{json}");
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    named.iter().map(|named| (word(&named["req_id"]), word(&named["kind"]))).collect()
}

fn one(req_id: &str, kind: &str) -> Vec<(String, String)> {
    vec![(req_id.to_owned(), kind.to_owned())]
}

/// Changes stored rows of an hour; the other way round it is undone.
fn alter(running: &Running, hour: u32, what: &str, which: &str) {
    running.sql(&format!(
        "ALTER TABLE records UPDATE {what} WHERE hour = '{}' AND {which} \
         SETTINGS mutations_sync = 2",
        stored_hour(hour)
    ));
}

/// Records in the hours 9 and 10, all closed; what came late for hour 9 is corrected in hour 10.
fn closed_world() -> (World, Running, Vec<Call>) {
    let mut world = world(9_999_990);
    let all: Vec<Call> = (9..11).flat_map(|hour| calls(hour * 100, hour, 20)).collect();
    let late = calls(5000, 9, 3);
    let folder = world.folder.path().to_owned();
    write_file(&folder.join("timely"), all.iter().map(Call::bracket));
    write_file(&folder.join("late"), late.iter().map(Call::bracket));
    let running = up_at(&mut world, 8, 30);
    assert_eq!(ingest(&world, "bracket", "timely", "timely")["stored"], 40);
    drop(running);
    assert!(world.stop().success(), "{}", world.log());
    let running = up_at(&mut world, 10, 5);
    closed(&running, 9);
    assert_eq!(ingest(&world, "bracket", "late", "late")["stored"], 3);
    drop(running);
    assert!(world.stop().success(), "{}", world.log());
    let running = up_at(&mut world, 11, 5);
    closed(&running, 10);
    (world, running, all)
}

#[test]
fn a_closed_hour_is_equal_until_a_record_is_altered_and_then_it_is_named() {
    let (mut world, running, all) = closed_world();
    // By hand: the hour's own lines, from where the month stood.
    let of_hour = |hour: u32| all.iter().filter(move |call| call.hour == hour);
    // The last record of a file is its end.
    for (hour, before, records, corrected) in
        [(9, 9_999_990, 20, false), (10, 10_000_013, 21, true)]
    {
        let (equal, json) = said(&world, hour, &[]);
        let bill = &json["bills"][0];
        let shown = (equal, &bill["from_clickhouse"]["equal"], &json["clickhouse"]["from_files"]);
        assert_eq!(shown, (true, &true.into(), &records.into()), "{json}");
        let expect: i128 = naive::bill(of_hour(hour), before).iter().map(|line| line.amount).sum();
        for total in [&bill["bill"], &bill["from_clickhouse"]["total"]] {
            assert_eq!(units(total.as_str().expect("a decimal")), expect, "{json}");
        }
        let corrects = bill["corrections"].as_u64().expect("a number") > 0;
        assert_eq!(corrects, corrected, "{json}");
        assert_eq!(json["kafka"]["state"], "skipped", "{json}");
        let out = recount(&world, hour, &[]).good().out;
        assert!(out.ends_with("Equal.\n") && out.contains("Kafka: skipped, "), "{out}");
    }

    let call = &all[3];
    let which = format!("req_id = '{}'", call.id);
    alter(&running, 9, "billable = false", &which);
    assert_eq!(named(&said(&world, 9, &[]).1), one(&call.id, "verdict"));
    assert_eq!(named(&said(&world, 9, &["--account", SELLER]).1), one(&call.id, "verdict"));
    assert!(said(&world, 9, &["--account", "somebody-else"]).0);
    let out = recount(&world, 9, &[]).out;
    assert!(out.contains(&call.id) && out.ends_with("NOT equal.\n"), "{out}");
    alter(&running, 9, "billable = true", &which);
    assert!(said(&world, 9, &[]).0);

    // One byte changes no line. Without Kafka nothing tells whose it is.
    alter(&running, 9, "rsp_len = rsp_len + 1", &which);
    let (equal, json) = said(&world, 9, &[]);
    let notes = json["bills"][0]["from_clickhouse"]["notes"].to_string();
    assert!(!equal && notes.contains("14980 billed, 14981 recounted"), "{json}");
    assert!(named(&json).is_empty() && said(&world, 10, &[]).0);
    let out = recount(&world, 9, &[]).out;
    assert!(out.contains("Which record it is can be said only where"), "{out}");
    alter(&running, 9, "rsp_len = rsp_len - 1", &which);

    alter(&running, 9, "seq = seq + 1000", &which);
    let (equal, json) = said(&world, 9, &[]);
    assert_eq!((equal, named(&json)), (false, one("-", "not_in_clickhouse")), "{json}");
    alter(&running, 9, "seq = seq - 1000", &which);
    running.sql(&format!("INSERT INTO records SELECT * FROM records WHERE {which}"));
    let (equal, json) = said(&world, 9, &[]);
    assert_eq!((equal, named(&json)), (false, one(&call.id, "twice")), "{json}");

    let open = recount(&world, 11, &[]);
    assert!(open.failed(1).contains("is not closed yet"), "{open:?}");
    let cut = format!("WHERE hour = '{}' SETTINGS mutations_sync = 2", stored_hour(10));
    running.sql(&format!("ALTER TABLE cuts UPDATE cut = concat(cut, ' ') {cut}"));
    let altered = recount(&world, 10, &[]);
    assert!(altered.failed(1).contains("was altered"), "{altered:?}");
    assert!(world.stop().success(), "{}", world.log());
}

/// Puts records into a topic as a shipper does, a partition for each worker. What the cut calls
/// the ends is the last of `timely`.
struct Shipped {
    name: String,
    ends: BTreeMap<i32, i64>,
}

impl Shipped {
    fn new(timely: &[Record<'_>], later: &[Record<'_>]) -> Self {
        let name = format!("recount-{}", std::process::id());
        let topic = Topic::new(Broker::shared().addr(), &name);
        topic.make(i32::try_from(PARTITIONS).expect("few"));
        let producer: BaseProducer = client();
        let send = |record: &Record<'_>| {
            let (stream, seq) = (record.stream().to_string(), record.seq.to_string());
            let headers = OwnedHeaders::new()
                .insert(Header { key: "tollgate-stream", value: Some(&stream) })
                .insert(Header { key: "tollgate-seq", value: Some(&seq) });
            let mut bytes = Vec::new();
            record::encode(record, &mut bytes);
            let message = BaseRecord::to(&name).partition(record.worker.into());
            let message = message.key(&stream).payload(&bytes).headers(headers);
            producer.send(message).map_err(|(error, _)| error).expect("room in the queue");
        };
        timely.iter().for_each(&send);
        // A record that comes again, and what is none.
        send(&Record { rsp_len: 1, ..timely.last().expect("many").clone() });
        let nonsense: BaseRecord<'_, str, str> = BaseRecord::to(&name).partition(0).payload("{");
        producer.send(nonsense).map_err(|(error, _)| error).expect("room in the queue");
        producer.flush(SEND_MAX).expect("the broker takes them");
        let ends = (0..).zip(topic.ends()).map(|(partition, end)| (partition, end - 1)).collect();
        later.iter().for_each(&send);
        producer.flush(SEND_MAX).expect("the broker takes them");
        Self { name, ends }
    }

    /// Writes into the cut of an hour how far the topic was stored when it was made.
    fn write_ends(&self, running: &Running, hour: u32) {
        let hour = stored_hour(hour);
        let cut =
            running.sql(&format!("SELECT cut FROM cuts WHERE hour = '{hour}' FORMAT RawBLOB"));
        let (before, rest) = cut.split_once("\"ends\":[").expect("ends");
        let (_, after) = rest.split_once(']').expect("the end of the ends");
        let end = |(part, position): (&i32, &i64)| {
            let name = &self.name;
            format!("{{\"source\":\"kafka:{name}\",\"part\":{part},\"position\":{position}}}")
        };
        let ends = self.ends.iter().map(end).collect::<Vec<_>>().join(",");
        let cut = format!("{before}\"ends\":[{ends}]{after}").replace('\\', "\\\\");
        let rows = format!("WHERE hour = '{hour}' SETTINGS mutations_sync = 2");
        for set in [format!("cut = '{cut}'"), "hash = lower(hex(SHA256(cut)))".to_owned()] {
            running.sql(&format!("ALTER TABLE cuts UPDATE {set} {rows}"));
        }
    }

    /// Drops what stands before these offsets, as the broker's retention does.
    fn drop_before(&self, offsets: &[(i32, Offset)]) {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            let added = list.add_partition_offset(&self.name, *partition, *offset);
            added.expect("an offset");
        }
        let admin: AdminClient<DefaultClientContext> = client();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let dropped = admin.delete_records(&list, &AdminOptions::new());
        let dropped = runtime.expect("a runtime").block_on(dropped).expect("the broker answers");
        assert!(dropped.elements().iter().all(|it| it.error().is_ok()), "{dropped:?}");
    }
}

fn client<C: rdkafka::config::FromClientConfig>() -> C {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", Broker::shared().addr()).create().expect("a client")
}

/// Hour 8 of a gateway with `count` calls, closed; all records that stand, by stream and number.
fn gateway_world(count: u32) -> (World, Running, Vec<Record<'static>>) {
    let mut world = world(0);
    let running = up_at(&mut world, 8, 30);
    // Several connections: both workers get some.
    for _ in 0..4 {
        let mut client = Client::connect(running.gateway).expect("it listens");
        for _ in 0..count / 4 {
            let answer = client.exchange(&get(HOST, "/release/size/2000")).expect("an answer");
            assert_eq!(answer.status, 200);
        }
    }
    drop(running);
    assert!(world.stop().success(), "{}", world.log());
    let running = up_at(&mut world, 9, 5);
    closed(&running, 8);
    let rows: Vec<StoredRecord> = running.store.typed(&format!(
        "SELECT {} FROM records ORDER BY gateway, epoch, worker, seq \
         SETTINGS date_time_output_format = 'iso'",
        StoredRecord::columns()
    ));
    let record = |row: StoredRecord| row.into_record().expect("a record");
    (world, running, rows.into_iter().map(record).collect())
}

#[test]
fn kafka_and_clickhouse_are_compared_record_by_record_while_kafka_keeps_them() {
    let (mut world, running, all) = gateway_world(40);
    let hour = lines::hour(8).parse().expect("an hour");
    let (timely, mut later): (Vec<Record<'_>>, Vec<Record<'_>>) =
        all.into_iter().partition(|record| record.time.hour() == hour);
    let expect = timely.len();
    // Stored, and not committed when the cut was made.
    let mut timely = timely;
    later.insert(0, timely.pop().expect("many"));
    let shipped = Shipped::new(&timely, &later);
    let config = fs::read_to_string(world.config()).expect("the configuration");
    let (broker, name) = (Broker::shared().addr(), &shipped.name);
    let kafka = format!("{config}kafka: {{brokers: [\"{broker}\"], topic: {name}}}\n");
    fs::write(world.folder.path().join("kafka.yaml"), kafka).expect("a configuration");
    let words = ["-c", "kafka.yaml"];

    let (equal, json) = said(&world, 8, &words);
    let why = json["kafka"]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(equal && why.contains("knows no offsets of topic"), "{json}");
    shipped.write_ends(&running, 8);
    let (equal, json) = said(&world, 8, &words);
    assert!(equal, "{json}");
    for from in ["clickhouse", "kafka"] {
        assert_eq!(json[from]["state"], "counted", "{json}");
        assert_eq!(json[from]["records"], expect, "{json}");
        let side = &json["bills"][0][format!("from_{from}")];
        assert_eq!((&side["equal"], &side["total"]), (&true.into(), &json["bills"][0]["bill"]));
    }

    let call = timely.iter().find(|record| record.part == Part::Final).expect("a call");
    let which = format!("req_id = '{}'", call.req_id);
    alter(&running, 8, "rsp_len = rsp_len + 1", &which);
    let (equal, json) = said(&world, 8, &words);
    assert_eq!((equal, named(&json)), (false, one(&call.req_id, "differs")), "{json}");
    let facts = &json["differences"]["named"][0]["facts"];
    let lengths = serde_json::json!({
        "rsp_len": {
            "clickhouse": (call.rsp_len + 1).to_string(),
            "kafka": call.rsp_len.to_string(),
        }
    });
    assert_eq!(facts, &lengths);
    let sides = ["from_clickhouse", "from_kafka"].map(|side| &json["bills"][0][side]["equal"]);
    assert_eq!(sides, [&Value::from(false), &Value::from(true)], "{json}");
    let out = recount(&world, 8, &words).out;
    assert!(out.contains(&*call.req_id) && out.ends_with("NOT equal.\n"), "{out}");
    alter(&running, 8, "rsp_len = rsp_len - 1", &which);
    alter(&running, 8, "seq = seq + 1000000", &which);
    let (equal, json) = said(&world, 8, &words);
    assert_eq!((equal, named(&json)), (false, one(&call.req_id, "not_in_clickhouse")), "{json}");
    alter(&running, 8, "seq = seq - 1000000", &which);
    assert!(said(&world, 8, &words).0);

    // The broker drops the oldest, then all.
    shipped.drop_before(&[(0, Offset::Offset(2))]);
    let (equal, json) = said(&world, 8, &words);
    let kafka = &json["kafka"];
    assert_eq!((equal, &kafka["state"]), (true, &"partly".into()), "{json}");
    assert_eq!(kafka["no_longer_kept"], 2, "{json}");
    assert_eq!(json["bills"][0]["from_kafka"], Value::Null, "{json}");
    shipped.drop_before(&[(0, Offset::End), (1, Offset::End)]);
    let (equal, json) = said(&world, 8, &words);
    let why = json["kafka"]["reason"].as_str().unwrap_or_default();
    assert!(
        equal && why.ends_with("no longer keeps the records of 2024-01-17T08:00:00Z"),
        "{json}"
    );
    assert!(world.stop().success(), "{}", world.log());
}
