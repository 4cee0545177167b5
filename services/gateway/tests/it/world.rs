//! A gateway with its spool in a fresh folder, and the records it makes.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gateway::metrics::Count;
use gateway::{
    Config, Gateway, Limits, Networks, ProxyProtocol, RecordConfig, Running, Streams, Timeouts,
};
use policy::Policy;
use record::{InstanceType, Part, Record, Time};
use settings::{Document, Reference, Resolve, Sink};
use spool::{Durability, Reader, WhenFull};
use tempfile::TempDir;

use crate::client::{Answer, Client};

/// Longer than anything takes that goes well.
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway that runs, and what it wrote down.
pub struct World {
    pub running: Option<Running>,
    pub address: SocketAddr,
    pub reader: Reader,
    /// All records read so far, in order.
    pub records: Vec<Record<'static>>,
    pub spool: spool::Config,
    dir: TempDir,
}

/// How a world differs from the usual one.
pub struct Plan {
    pub config: Config,
    pub when_full: WhenFull,
    pub size: u64,
}

impl Default for Plan {
    fn default() -> Self {
        let config = Config {
            name: "gw-test".into(),
            region: "r1".into(),
            instance: "i1".into(),
            instance_type: InstanceType::Shared,
            listen: "127.0.0.1:0".parse().expect("an address"),
            metrics: "127.0.0.1:0".parse().expect("an address"),
            workers: NonZeroU16::MIN,
            operator_account: "operator".into(),
            proxy_protocol: ProxyProtocol::Off,
            trusted_proxies: Networks::NONE,
            private_networks: Networks::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            record: RecordConfig { max: 16 << 10, ..RecordConfig::default() },
        };
        Self { config, when_full: WhenFull::Reject, size: 64 << 20 }
    }
}

struct NoSecrets;

impl Resolve for NoSecrets {
    fn resolve(&self, _reference: Reference<'_>) -> Result<String, String> {
        Err("tests write their secrets out".into())
    }
}

/// Host `a.test`, environment `release`, path `/b/` to the backend; `/mock` and others beside it.
pub fn policy(backend: SocketAddr) -> Policy {
    let port = backend.port();
    policy_of(&service(&format!(
        r#"
- id: api-b
  path: /b/
  backend: {{url: "http://{backend}/base", timeouts: {{connect: 2s, head: 5s, idle: 5s}}}}
- id: api-fast
  path: /fast/
  backend: {{url: "http://{backend}", timeouts: {{connect: 500ms, head: 500ms, idle: 500ms}}}}
- id: api-total
  path: /total/
  backend: {{url: "http://{backend}", timeouts: {{total: 600ms}}}}
- id: api-dead
  path: /dead
  backend: {{url: "http://127.0.0.1:1"}}
- id: api-named
  path: /named/
  backend: {{url: "http://localhost:{port}"}}
- id: api-mock
  path: /mock
  backend: {{mock: {{status: 200, headers: {{Content-Type: text/plain}}, body: "hello"}}}}
- id: api-empty
  path: /empty
  backend: {{mock: {{status: 204}}}}
- id: api-key
  path: /key
  auth: key-pair
  backend: {{url: "http://{backend}"}}
"#
    )))
}

/// The text of a policy with one service at `a.test`, whose APIs are this list. More may follow it.
pub fn service(apis: &str) -> String {
    let mut text =
        "services:\n  - id: service-a\n    account: \"1001\"\n    hosts: [a.test]\n    apis:\n"
            .to_owned();
    for line in apis.lines() {
        text.extend(["      ", line, "\n"]);
    }
    text
}

/// The policy of a text, without the APIs that are faulty.
pub fn policy_of(text: &str) -> Policy {
    let sink = Sink::new();
    let document = Document::parse("t.yaml", text, &sink);
    let read = document.as_ref().and_then(|document| {
        let fields = document.root(&sink).fields()?;
        let (services, keys) = (fields.required("services")?, fields.optional("keys"));
        fields.close();
        policy::read(&services, keys.as_ref(), &NoSecrets)
    });
    sink.finish_but_faults(read).expect("the policy has no mistakes").0
}

impl World {
    pub fn start(backend: SocketAddr) -> Self {
        Self::with(Plan::default(), policy(backend))
    }

    /// The usual one, with this list of APIs.
    pub fn serving(apis: &str) -> Self {
        Self::with(Plan::default(), policy_of(&service(apis)))
    }

    pub fn with(plan: Plan, policy: Policy) -> Self {
        let clock = || Time(i64::try_from(now_ms()).expect("a time fits"));
        Self::clocked(plan, policy, clock)
    }

    pub fn clocked(
        plan: Plan,
        policy: Policy,
        clock: impl Fn() -> Time + Send + Sync + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let spool = spool::Config {
            dir: dir.path().join("spool"),
            gateway: plan.config.name.clone(),
            workers: plan.config.workers.get(),
            size: plan.size,
            segment: plan.size / 8 / u64::from(plan.config.workers.get()),
            record_max: plan.config.record.max,
            durability: Durability::Process,
            when_full: plan.when_full,
        };
        let opened = spool::open(&spool, now_ms()).expect("the spool opens");
        let (streams, reader) = Streams::part(opened, plan.when_full);
        let gateway = Gateway::new(plan.config, Arc::new(policy), streams).with_clock(clock);
        let running = gateway.launch().expect("the gateway starts");
        let address = running.addr();
        let records = Vec::new();
        Self { running: Some(running), address, reader, records, spool, dir }
    }

    /// Reads what is new on disk.
    pub fn read(&mut self) {
        loop {
            let frames = self.reader.read(1 << 20).expect("the spool can be read");
            if frames.frames.is_empty() {
                return;
            }
            let buffer: &'static [u8] = frames.buffer.leak();
            for frame in frames.frames {
                let record = record::decode(&buffer[frame.range]).expect("records can be read");
                assert_eq!(record.seq, frame.seq);
                self.records.push(record);
            }
        }
    }

    /// The final record of a request; it must be there already.
    pub fn record_now(&mut self, id: &str) -> Option<Record<'static>> {
        self.read();
        let this = |record: &&Record<'_>| record.part == Part::Final && record.req_id == id;
        let mut found = self.records.iter().filter(this);
        let first = found.next();
        assert_eq!(found.next(), None, "one final record per request");
        first.cloned()
    }

    /// The final record of a request whose answer was read whole.
    pub fn record(&mut self, id: &str) -> Record<'static> {
        self.record_now(id).expect("an answer that is whole has its record on disk")
    }

    /// One request on a connection of its own, its answer and its only final record.
    pub fn call(&mut self, request: &str) -> (Answer, Record<'static>) {
        let mut client = Client::connect(self.address);
        let answer = client.call(request);
        let record = self.record(answer.id());
        assert_eq!((record.rsp_st, record.rsp_len), (answer.status, answer.bytes), "{request}");
        assert_eq!(record.req_len, client.sent, "{request}");
        (answer, record)
    }

    /// Waits until there are `count` final records; gives the last.
    pub fn final_number(&mut self, count: usize) -> Record<'static> {
        self.until(|world| world.finals().len() >= count);
        let finals = self.finals();
        assert_eq!(finals.len(), count, "{finals:#?}");
        finals[count - 1].clone()
    }

    /// Serves another policy; waits until the workers are told.
    pub fn load(&mut self, policy: Arc<Policy>) {
        let running = self.running.as_ref().expect("it runs");
        let serving = running.serving();
        running.reloader().reload(policy.clone());
        self.patient("the policy is not served", |_| Arc::ptr_eq(&serving.borrow(), &policy));
    }

    /// Asks until `good` holds.
    pub fn patient(&mut self, otherwise: &str, mut good: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        while !good(self) {
            assert!(start.elapsed() < PATIENCE, "{otherwise}");
            std::thread::yield_now();
        }
    }

    /// Waits until `good` holds.
    pub fn until(&mut self, good: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        loop {
            self.read();
            if good(self) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "the records are {:#?}", self.records);
            self.reader.wait(Duration::from_millis(50));
        }
    }

    pub fn finals(&self) -> Vec<Record<'static>> {
        self.records.iter().filter(|record| record.part == Part::Final).cloned().collect()
    }

    /// All records of each stream, by epoch and worker.
    pub fn streams(&self) -> BTreeMap<(u64, u16), Vec<&Record<'static>>> {
        let mut streams: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for record in &self.records {
            streams.entry((record.epoch, record.worker)).or_default().push(record);
        }
        streams
    }

    /// Ends it; gives the spool, and the folder that it is in.
    pub fn end(self) -> (spool::Config, TempDir) {
        (self.spool, self.dir)
    }

    /// Drains; then all streams are whole: `start` first, `end` last, no gaps.
    pub fn stop(&mut self, deadline: Duration) {
        self.finish(|running| running.stop(deadline));
    }

    /// The same, for good.
    pub fn retire(&mut self, deadline: Duration) {
        self.finish(|running| running.retire(deadline));
    }

    fn finish<F: Future<Output = ()>>(&mut self, how: impl FnOnce(Running) -> F) {
        let running = self.running.take().expect("a world is stopped once");
        let counters = running.counters();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime can be made").block_on(how(running));
        self.read();
        for records in self.streams().values() {
            assert_eq!(records[0].part, Part::Start);
            assert_eq!(records[records.len() - 1].part, Part::End);
            assert!(records.windows(2).all(|two| two[0].time <= two[1].time));
            assert!(records.windows(2).all(|two| two[0].seq < two[1].seq));
        }
        let lives = self.records.iter().filter_map(|record| record.life.as_ref());
        let without: u64 = lives.map(|life| life.refused + life.unrecorded).sum();
        let requests: u64 = counters.iter().map(|counts| counts.get(Count::Requests)).sum();
        let finals = self.finals();
        assert_eq!(finals.len() as u64 + without, requests, "one final record per request");
        let ids: HashSet<&str> = finals.iter().map(|record| record.req_id.as_ref()).collect();
        assert_eq!(ids.len(), finals.len(), "each of its own");
    }
}

pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set");
    u64::try_from(since.as_millis()).expect("a time fits")
}
