//! Records of a busy installation, made quickly: for all parts that need many rows.
//!
//! - What a configuration would fix belongs together: an API has its service, host, account and
//!   backends, an account its callers. Everything else is drawn independently of all the rest, so
//!   that no column helps another one to be small: ids, addresses, sizes, times, agents.
//! - The same seed gives the same records. Names are made once ([`Words`]), and records borrow them.

mod random;
mod words;

use std::fmt::Write as _;

use record::{Fault, InstanceType, Millis, Net, Record, Time};

pub use random::{Random, mix};
pub use words::{Sizes, Words};

/// Gateways, and workers of each.
const GATEWAYS: [&str; 2] = ["gateway-1", "gateway-2"];
const WORKERS: u64 = 4;
/// One record in so many has this status, whatever else it is.
pub const RARE: (u64, u16) = (10_000, 418);

/// How many rows, and over which time.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// How many.
    pub rows: u64,
    /// The time of the first.
    pub begin: Time,
    /// From the first to the end, milliseconds.
    pub length: u64,
}

/// Makes records in the order of their times.
pub struct Rows<'w> {
    words: &'w Words,
    span: Span,
    epoch: u64,
    made: u64,
    random: Random,
    seqs: [u64; GATEWAYS.len() * WORKERS as usize],
}

// === impl Rows ===

impl<'w> Rows<'w> {
    /// `epoch` makes streams of their own.
    pub fn new(words: &'w Words, span: Span, epoch: u64) -> Self {
        let seqs = [0; GATEWAYS.len() * WORKERS as usize];
        Self { words, span, epoch, made: 0, random: Random::new(epoch), seqs }
    }

    /// `None` after the last.
    pub fn next_record(&mut self) -> Option<Record<'w>> {
        if self.made == self.span.rows {
            return None;
        }
        let at = u128::from(self.span.length) * u128::from(self.made) / u128::from(self.span.rows);
        self.made += 1;
        Some(self.record(Time(self.span.begin.0 + at as i64)))
    }

    fn record(&mut self, time: Time) -> Record<'w> {
        let (words, random) = (self.words, &mut self.random);
        let stream = random.below(self.seqs.len() as u64);
        let api = &words.apis[random.below(words.apis.len() as u64) as usize];
        let total = random.log_normal(3.7, 0.9);
        let seq = self.seqs[stream as usize];
        self.seqs[stream as usize] += 1;
        let record = Record {
            req_id: req_id(time.0 as u64 - total, random).into(),
            client_req_id: if random.chance(10) { hex(random, 2).into() } else { "".into() },
            time,
            gateway: GATEWAYS[(stream / WORKERS) as usize].into(),
            epoch: self.epoch,
            worker: (stream % WORKERS) as u16,
            seq,
            account: api.account.as_str().into(),
            service_id: api.service.as_str().into(),
            api_id: api.name.as_str().into(),
            env: if random.chance(95) { "release" } else { "test" }.into(),
            region: api.region.into(),
            instance: GATEWAYS[(stream / WORKERS) as usize].into(),
            instance_type: InstanceType::default(),
            net: Net::ALL[usize::from(random.chance(10))],
            scheme: if random.chance(90) { "https" } else { "http" }.into(),
            method: api.method.into(),
            host: api.host.as_str().into(),
            uri: format!("{}{}", api.path, random.below(1_000_000)).into(),
            query: query(random).into(),
            proto: "HTTP/1.1".into(),
            req_t: Millis(total),
            vip: api.vip.as_str().into(),
            ..Record::default()
        };
        with_backend(with_client(record, words, api, random), api, random)
    }
}

fn with_client<'w>(
    record: Record<'w>,
    words: &'w Words,
    api: &'w words::Api,
    random: &mut Random,
) -> Record<'w> {
    let caller = &words.callers[api.first_caller + random.below(words::CALLERS) as usize];
    Record {
        caller: caller.account.as_str().into(),
        secret_id: caller.secret_id.as_str().into(),
        app_code: caller.app_code.as_str().into(),
        plan_id: api.plan.as_str().into(),
        order_id: caller.order.as_str().into(),
        goods_id: if caller.order.is_empty() { "" } else { &api.goods }.into(),
        ip: words.ips[random.below(words.ips.len() as u64) as usize].as_str().into(),
        tcp_rtt: Some(random.log_normal(9.2, 1.0) as u32),
        user_agent: words.agents[random.below(words.agents.len() as u64) as usize].as_str().into(),
        referer: if random.chance(5) { "https://www.example.com/start" } else { "" }.into(),
        trace_id: format!("{:032x}", random.next()).into(),
        ..record
    }
}

fn with_backend<'w>(record: Record<'w>, api: &'w words::Api, random: &mut Random) -> Record<'w> {
    let is_rare = random.below(RARE.0) == 0;
    let rare = (RARE.1, "418", "", Fault::None);
    let (rsp_st, ups_st, err_msg, fault) = if is_rare { rare } else { outcome(random) };
    let reached = !ups_st.is_empty();
    let mut bytes = |mean, spread| random.log_normal(mean, spread);
    let (req_len, rsp_len) = (bytes(6.2, 0.5), bytes(7.6, 1.2));
    let (ups_req_len, ups_rsp_len) = (bytes(6.4, 0.5), bytes(7.5, 1.2));
    let total = record.req_t.0;
    // Most connections are kept, so connecting takes no time.
    let connect = if random.chance(95) { 0 } else { random.below(20) };
    let head = total * random.below(1000) / 1000;
    let span = |ms: u64| reached.then_some(Millis(ms));
    Record {
        rsp_st,
        ups_st: ups_st.into(),
        err_msg: err_msg.into(),
        fault,
        upip: if reached { &api.nodes[random.below(4) as usize] } else { "" }.into(),
        req_len,
        rsp_len,
        ups_req_len: if reached { ups_req_len } else { 0 },
        ups_rsp_len: if reached { ups_rsp_len } else { 0 },
        ups_net: api.net,
        ups_rsp_t: span(total),
        ups_conn_t: span(connect.min(total)),
        ups_head_t: span(head),
        ..record
    }
}

/// Status, status of the backend, error, fault: 93 % good, the rest of all kinds.
pub fn outcome(random: &mut Random) -> (u16, &'static str, &'static str, Fault) {
    match random.below(100) {
        0..93 => (200, "200", "", Fault::None),
        93..95 => (404, "404", "", Fault::None),
        95 => (500, "500", "", Fault::Backend),
        96 => (403, "", "signature does not match", Fault::Client),
        97 => (429, "", "too many requests", Fault::Client),
        98 => (504, "504", "backend did not answer in time", Fault::Backend),
        _ => (404, "", "no such path", Fault::Client),
    }
}

fn query(random: &mut Random) -> String {
    if random.chance(60) {
        return String::new();
    }
    format!("page={}&size=20&q={:x}", random.below(50), random.below(1 << 20))
}

/// UUIDv7 of the arrival.
fn req_id(arrival: u64, random: &mut Random) -> String {
    let high = (arrival << 16) | 0x7000 | (random.next() & 0xfff);
    let low = (random.next() >> 2) | (1 << 63);
    let mut id = String::with_capacity(32);
    write!(id, "{high:016x}{low:016x}").expect("a text takes all");
    id
}

fn hex(random: &mut Random, words: usize) -> String {
    (0..words).map(|_| format!("{:016x}", random.next())).collect()
}
