//! The tests' own client of Kafka: what it writes is what it reads, in every partition.

use broker::Broker;
use rdkafka::message::OwnedHeaders;
use tests::topic::{Text, Topic};

#[test]
fn what_is_put_into_a_topic_is_read_from_it_also_when_it_grows() {
    let name = format!("tests-own-{}", std::process::id());
    let topic = Topic::new(Broker::shared().addr(), &name);
    topic.make(2);
    let headers = OwnedHeaders::new();
    let put = |partition, seq: u64| {
        let bytes =
            format!("{{\"gateway\":\"g\",\"epoch\":1,\"worker\":0,\"seq\":{seq},\"x\":[]}}");
        topic.put(Text { partition, key: "g/1/0", headers: &headers, bytes: bytes.as_bytes() });
    };
    (0..3).for_each(|seq| put(0, seq));
    topic.put(Text { partition: 1, key: "g/1/0", headers: &headers, bytes: b"no record" });
    topic.grow(4);
    (3..5).for_each(|seq| put(3, seq));
    put(3, 4);
    let (numbers, messages) = topic.numbers();
    assert_eq!(numbers.iter().map(|number| number.seq).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert_eq!((messages, topic.ends()), (7, vec![3, 1, 0, 3]));
}
