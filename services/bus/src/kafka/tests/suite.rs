//! The source passes the suite of all sources.

use broker::Broker;
use record::Stream;

use super::lab;
use crate::kafka::{Config, KafkaSource, message};
use crate::suite::{self, BOUNDS, World};

struct KafkaWorld {
    config: Config,
    writer: lab::Writer,
    written: u64,
}

impl World for KafkaWorld {
    type Source = KafkaSource;

    async fn open(&mut self, old: Option<KafkaSource>) -> KafkaSource {
        drop(old);
        KafkaSource::start(&self.config, BOUNDS).expect("it starts")
    }

    async fn append(&mut self, messages: Vec<(u16, Vec<u8>)>) {
        for (worker, bytes) in messages {
            let stream = Stream { gateway: "gw".to_owned(), epoch: 1, worker };
            let hash = spool::hash(&bytes);
            let headers = message::headers(self.written, hash);
            self.writer.send(0, &stream.to_string(), headers, &bytes);
            self.written += 1;
        }
        self.writer.flush();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_passes() {
    let broker = Broker::shared();
    suite::run(|| {
        let config = lab::config(broker, 1);
        let writer = lab::Writer::new(&config);
        KafkaWorld { config, writer, written: 0 }
    })
    .await;
}
