//! A part of a topic is read beside the group, exactly as it was asked for.

use broker::Broker;
use rdkafka::message::OwnedHeaders;
use record::Time;

use super::lab;
use crate::Batch;
use crate::kafka::{Ends, EndsError, SpanError, SpanReader, is_live, kept, message, stamped_since};

async fn read(config: &crate::kafka::Config, partition: u32, from: u64, to: u64) -> Vec<u64> {
    let mut reader = SpanReader::new(config, partition, from..to).expect("a reader");
    let (mut found, mut places) = (Vec::new(), Vec::new());
    while let Some(batch) = next(&mut reader).await.expect("the broker answers") {
        assert_eq!(batch.partition, partition);
        places.extend(batch.messages.iter().map(|message| message.position));
        found.extend(lab::numbers(&batch));
    }
    assert_eq!(places, (from..from + places.len() as u64).collect::<Vec<_>>());
    assert_eq!(next(&mut reader).await.expect("it stays at its end").map(|_| ()), None);
    found
}

async fn next(reader: &mut SpanReader) -> Result<Option<Batch>, SpanError> {
    tokio::time::timeout(lab::PATIENCE, reader.next()).await.expect("in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_are_read_from_one_to_another_and_nobody_notices() {
    let config = lab::config(Broker::shared(), 2);
    assert!(matches!(kept(&config).await, Err(EndsError::NoTopic { .. })));
    lab::make(&config, &[]).await;
    let writer = lab::Writer::new(&config);
    writer.numbers(1, 100, 25_000);
    let held = kept(&config).await.expect("the broker answers");
    assert_eq!(held, [(0, 0..0), (1, 0..25_000)].into());
    assert_eq!(read(&config, 1, 0, 25_000).await, (100..25_100).collect::<Vec<_>>());
    assert_eq!(read(&config, 1, 20_000, 20_002).await, [20_100, 20_101]);
    assert_eq!(read(&config, 1, 24_999, 30_000).await, [25_099], "the topic's end ends it too");
    assert!(read(&config, 0, 0, 0).await.is_empty());
    assert!(read(&config, 0, 0, 5).await.is_empty());

    // Stamped now by the producer: all of it since 1970, none of it since the next century.
    let since = |time| stamped_since(&config, Time(time));
    assert_eq!(since(0).await.expect("an answer"), [(1, 0)].into());
    assert!(since(4_200_000_000_000).await.expect("an answer").is_empty());

    let committed = Ends::new(&config).committed().await.expect("the broker answers");
    assert!(committed.values().all(|next| *next == 0), "{committed:?}");
    assert!(!is_live(&config, &config.group).await.expect("the broker answers"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn places_come_with_the_messages_and_what_is_gone_is_said() {
    let config = lab::config(Broker::shared(), 1);
    lab::make(&config, &[]).await;
    let writer = lab::Writer::new(&config);
    for seq in 0..3 {
        writer.send(0, "g/1/0", message::headers(seq, spool::hash(b"x")), b"x");
    }
    writer.send(0, "", OwnedHeaders::new(), b"");
    writer.flush();
    let mut reader = SpanReader::new(&config, 0, 0..4).expect("a reader");
    let batch = next(&mut reader).await.expect("an answer").expect("messages");
    let places: Vec<_> =
        batch.messages.iter().map(|m| m.place.as_ref().map(|place| place.seq)).collect();
    assert_eq!(places, [Some(0), Some(1), Some(2), None]);

    lab::drop_before(&config, 0, 2).await;
    assert_eq!(kept(&config).await.expect("an answer"), [(0, 2..4)].into());
    let mut reader = SpanReader::new(&config, 0, 0..4).expect("a reader");
    let gone = next(&mut reader).await.expect_err("it is gone");
    assert!(matches!(gone, SpanError::Gone { offset: 0, .. }), "{gone}");
    assert!(matches!(next(&mut reader).await, Err(SpanError::Ended { .. })));
}
