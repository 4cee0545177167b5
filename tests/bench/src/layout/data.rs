//! Records as a gateway of many accounts writes them: few are large, an account has its own
//! services, paths, backends and callers, and times of one backend are alike.

use std::borrow::Cow;

use record::{InstanceType, Millis, Net, Record, Stream, Time};

use crate::rows::{Random, mix, outcome};

/// 2026-11-01T00:00:00Z
const BEGIN: Time = Time(1_793_491_200_000);
const HOUR_MS: u64 = 3_600_000;
const ACCOUNTS: u64 = 400;
const STREAMS: u64 = 8;
/// How many records are remembered, to be asked for.
const SAMPLES: u64 = 1000;

/// What to ask for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// Records spread over all.
    pub(crate) records: Vec<Asked>,
    /// Large, middle, small.
    pub(crate) accounts: Vec<String>,
    /// `[begin, end)` of all records.
    pub(crate) begin: Time,
    pub(crate) end: Time,
}

/// One record to be asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) req_id: String,
    pub(crate) client_req_id: String,
    pub(crate) time: Time,
    pub(crate) stream: Stream,
    pub(crate) seq: u64,
}

pub(crate) struct Generator {
    rows: u64,
    hours: u64,
    made: u64,
    random: Random,
    seqs: [u64; STREAMS as usize],
    sample: Sample,
}

impl Generator {
    pub(crate) fn new(rows: u64, hours: u64) -> Self {
        let accounts = [0, ACCOUNTS / 10, ACCOUNTS / 2].map(account_name).to_vec();
        let end = Time(BEGIN.0 + (hours * HOUR_MS) as i64);
        let sample = Sample { records: Vec::new(), accounts, begin: BEGIN, end };
        Self { rows, hours, made: 0, random: Random::new(1), seqs: [0; STREAMS as usize], sample }
    }

    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    pub(crate) fn sample(self) -> Sample {
        self.sample
    }

    /// In the order of their times; `None` after the last.
    pub(crate) fn next_record(&mut self) -> Option<Record<'static>> {
        if self.made == self.rows {
            return None;
        }
        let at = u128::from(self.hours * HOUR_MS) * u128::from(self.made) / u128::from(self.rows);
        let time = Time(BEGIN.0 + at as i64);
        let record = self.record(time);
        if self.made.is_multiple_of((self.rows / SAMPLES).max(1)) {
            let (req_id, client_req_id) =
                (record.req_id.to_string(), record.client_req_id.to_string());
            let (stream, seq) = (record.stream(), record.seq);
            self.sample.records.push(Asked { req_id, client_req_id, time, stream, seq });
        }
        self.made += 1;
        Some(record)
    }

    fn record(&mut self, time: Time) -> Record<'static> {
        let random = &mut self.random;
        let account = random.skewed(ACCOUNTS);
        let service = account * 8 + random.below(1 + mix(account) % 6);
        let api = service * 16 + random.skewed(16);
        let caller = random.skewed(20) + account * 20;
        let stream = random.below(STREAMS);
        let total = 2 + random.skewed(3 + mix(api) % 400);
        let arrival = time.0 as u64 - total;
        let seq = self.seqs[stream as usize];
        self.seqs[stream as usize] += 1;
        let record = Record {
            req_id: req_id(arrival, random).into(),
            client_req_id: if random.chance(10) { hex(random, 2) } else { "".into() },
            time,
            gateway: format!("gw-{}", stream / 4).into(),
            epoch: BEGIN.0 as u64,
            worker: (stream % 4) as u16,
            seq,
            account: account_name(account).into(),
            req_t: Millis(total),
            trace_id: if random.chance(30) { hex(random, 2) } else { "".into() },
            ..Record::default()
        };
        let record = with_caller(record, caller, service, random);
        with_backend(with_route(record, account, service, api, random), service, api, random)
    }
}

/// What belongs to the account, the service and the API.
fn with_route<'a>(
    record: Record<'a>,
    account: u64,
    service: u64,
    api: u64,
    random: &mut Random,
) -> Record<'a> {
    let regions = ["ap-guangzhou", "ap-shanghai", "ap-beijing"];
    Record {
        service_id: format!("service-{:08x}", mix(service) as u32).into(),
        api_id: format!("api-{:08x}", mix(api) as u32).into(),
        env: if random.chance(90) { "release".into() } else { "test".into() },
        region: regions[(mix(service) % 3) as usize].into(),
        instance: format!("instance-{}", mix(account) % 5).into(),
        instance_type: InstanceType::ALL[usize::from(account.is_multiple_of(7))],
        net: Net::ALL[usize::from(random.chance(10))],
        scheme: "https".into(),
        method: ["GET", "GET", "GET", "POST"][(mix(api) % 4) as usize].into(),
        host: format!("service-{:08x}.example.com", mix(service) as u32).into(),
        uri: format!("/v1/{:06x}/{}", mix(api) & 0xff_ffff, random.skewed(100_000)).into(),
        query: query(random),
        proto: "HTTP/1.1".into(),
        vip: format!("198.51.100.{}", mix(account) % 9).into(),
        plan_id: format!("plan-{:08x}", mix(service + 7) as u32).into(),
        ..record
    }
}

fn with_caller<'a>(
    record: Record<'a>,
    caller: u64,
    service: u64,
    random: &mut Random,
) -> Record<'a> {
    let text = |there: bool, text: String| if there { text.into() } else { "".into() };
    let ordered = caller.is_multiple_of(3);
    Record {
        caller: format!("buyer-{caller:06}").into(),
        ip: format!("203.{}.{}.{}", caller % 256, random.skewed(256), random.below(8)).into(),
        tcp_rtt: Some(500 + (mix(caller) % 60_000) as u32 + random.skewed(2000) as u32),
        secret_id: format!("AKID{:016x}", mix(caller)).into(),
        app_code: format!("app-{:08x}", mix(caller) as u32).into(),
        order_id: text(ordered, format!("order-{:012x}", mix(caller) >> 16)),
        goods_id: text(ordered, format!("goods-{:08x}", mix(service) as u32)),
        user_agent: format!("client/{}.{} (linux)", caller % 9, mix(caller) % 40).into(),
        referer: text(random.chance(10), format!("https://www.example.com/{}", caller % 50)),
        ..record
    }
}

fn with_backend<'a>(record: Record<'a>, service: u64, api: u64, random: &mut Random) -> Record<'a> {
    let (rsp_st, ups_st, err_msg, fault) = outcome(random);
    let reached = !ups_st.is_empty();
    let bytes = |bytes: u64| if reached { bytes } else { 0 };
    let total = record.req_t.0;
    let span = |part: u64| reached.then_some(Millis(total * part / 10));
    Record {
        rsp_st,
        ups_st: ups_st.into(),
        err_msg: err_msg.into(),
        fault,
        upip: if reached { backend(service, random) } else { "".into() },
        req_len: 300 + random.skewed(600),
        rsp_len: 200 + mix(api) % 3000 + random.skewed(4000),
        ups_req_len: bytes(350 + random.skewed(600)),
        ups_rsp_len: bytes(180 + mix(api) % 3000 + random.skewed(4000)),
        ups_net: Net::ALL[usize::from(!mix(service).is_multiple_of(4))],
        ups_rsp_t: span(9),
        ups_conn_t: span(1),
        ups_head_t: span(8),
        ..record
    }
}

fn account_name(number: u64) -> String {
    format!("account-{:06}", mix(number) % 1_000_000)
}

fn backend(service: u64, random: &mut Random) -> Cow<'static, str> {
    format!("10.{}.{}.{}:8080", mix(service) % 200, mix(service) % 99, random.below(4)).into()
}

fn query(random: &mut Random) -> Cow<'static, str> {
    if random.chance(60) {
        return "".into();
    }
    format!("page={}&size=20&q={:x}", random.skewed(50), random.skewed(1 << 20)).into()
}

/// UUIDv7 of the arrival.
fn req_id(arrival: u64, random: &mut Random) -> String {
    let (a, b) = (random.next(), random.next());
    let high = (arrival << 16) | 0x7000 | (a & 0xfff);
    let low = (b >> 2) | (1 << 63);
    format!("{high:016x}{low:016x}")
}

fn hex(random: &mut Random, words: usize) -> Cow<'static, str> {
    (0..words).map(|_| format!("{:016x}", random.next())).collect::<String>().into()
}
