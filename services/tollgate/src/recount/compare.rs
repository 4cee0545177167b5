//! The records of an hour as ClickHouse has them and as Kafka has them, one by one.
//!
//! - What is compared: the request id, the verdict by RULE-1, and all that it and prices rest on
//!   ([`FACTS`]). Of each stored record only a fingerprint of these is held.
//! - Of several messages with one number the first counts, as in metering; of several rows each is
//!   a difference.

use std::fmt::Write as _;

use record::{Record, Stream, Verdict, judge};
use sha2::{Digest, Sha256};

use super::frozen::{Frozen, is_file};

/// How many differences are named; the others are counted.
pub(crate) const NAMED_MAX: usize = 100;

/// A fact by its name, and how it is written.
type Fact = (&'static str, fn(&Record<'_>, Verdict, &mut String));

/// What is compared of a record.
const FACTS: [Fact; 13] = [
    ("req_id", |record, _, out| out.push_str(&record.req_id)),
    ("account", |record, _, out| out.push_str(&record.account)),
    ("part", |record, _, out| out.push_str(record.part.as_str())),
    ("billable", |_, verdict, out| out.push_str(if verdict.billable { "true" } else { "false" })),
    ("reason", |_, verdict, out| out.push_str(verdict.reason.as_str())),
    ("rsp_st", |record, _, out| number(record.rsp_st.into(), out)),
    ("ups_st", |record, _, out| out.push_str(&record.ups_st)),
    ("region", |record, _, out| out.push_str(&record.region)),
    ("instance_type", |record, _, out| out.push_str(record.instance_type.as_str())),
    ("net", |record, _, out| out.push_str(record.net.as_str())),
    ("rsp_len", |record, _, out| number(record.rsp_len, out)),
    ("ups_net", |record, _, out| out.push_str(record.ups_net.as_str())),
    ("ups_req_len", |record, _, out| number(record.ups_req_len, out)),
];

/// Of a slot's value: there is a record. Without it all other bits are 0.
const THERE: u64 = 2;
/// Of a slot's value: the record is one of the account that is asked for.
const OURS: u64 = 1;

/// A stored record, with the verdict that was stored with it.
pub(crate) struct Row {
    pub(crate) record: Record<'static>,
    pub(crate) billable: bool,
    pub(crate) reason: String,
}

/// What was found of each number so far.
pub(crate) struct Records<'a> {
    frozen: &'a Frozen,
    account: Option<&'a str>,
    /// By slot: the fingerprint of the stored record.
    stored: Vec<u64>,
    /// By slot, a bit each: there was a message.
    shipped: Vec<u64>,
    /// Numbers that came through a topic and were not found there yet.
    missing: usize,
    /// Nothing stands in ClickHouse any more, and nothing is compared with it.
    gone: bool,
    differences: Differences,
}

/// What differs.
#[derive(Default)]
pub(crate) struct Differences {
    /// How many.
    pub(crate) count: u64,
    /// The first ones.
    pub(crate) named: Vec<Difference>,
}

/// One record that differs.
pub(crate) struct Difference {
    /// None when the record is nowhere to be found.
    pub(crate) req_id: Option<String>,
    pub(crate) stream: Stream,
    pub(crate) seq: u64,
    pub(crate) what: What,
}

/// How a record differs.
pub(crate) enum What {
    /// The verdict that was stored with it is not RULE-1's: both, with their reasons.
    Verdict { stored: String, judged: String },
    /// It stands more than once in ClickHouse.
    Twice,
    /// It does not stand in ClickHouse.
    NotStored,
    /// It is not in Kafka.
    NotShipped,
    /// Facts that differ: name, in ClickHouse, in Kafka.
    Facts {
        /// All facts of the message, until the row is there to compare with.
        message: Vec<String>,
        differ: Vec<(&'static str, String, String)>,
    },
}

fn number(number: u64, out: &mut String) {
    write!(out, "{number}").expect("writing to a string");
}

fn facts(record: &Record<'_>) -> Vec<String> {
    let verdict = judge(record);
    let fact = |(_, put): &Fact| {
        let mut out = String::new();
        put(record, verdict, &mut out);
        out
    };
    FACTS.iter().map(fact).collect()
}

/// Equal for equal facts; 62 bits of SHA-256, so that nobody finds an alteration that keeps it.
fn fingerprint(record: &Record<'_>, text: &mut String) -> u64 {
    let (verdict, mut digest) = (judge(record), Sha256::new());
    for (_, put) in &FACTS {
        text.clear();
        put(record, verdict, text);
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    }
    let mut first = [0; 8];
    first.copy_from_slice(&digest.finalize()[..8]);
    u64::from_le_bytes(first) & !(THERE | OURS)
}

// === impl Records ===

impl<'a> Records<'a> {
    /// Nothing was found yet. `account`: only differences that concern it are told.
    pub(crate) fn new(frozen: &'a Frozen, account: Option<&'a str>) -> Self {
        let streams = frozen.streams().filter(|(stream, _)| !is_file(&stream.gateway));
        Self {
            frozen,
            account,
            stored: vec![0; frozen.len()],
            shipped: vec![0; frozen.len().div_ceil(64)],
            missing: streams.map(|(_, slots)| slots.len()).sum(),
            gone: false,
            differences: Differences::default(),
        }
    }

    /// A stored record of the hour; whether it belongs to it.
    pub(crate) fn stored(&mut self, row: &Row) -> bool {
        let record = &row.record;
        let stream = record.stream();
        let Some(slot) = self.frozen.slot(&stream, record.seq) else { return false };
        let value = self.value(record);
        let before = std::mem::replace(&mut self.stored[slot], value);
        let ours = (value | before) & OURS != 0;
        let (req_id, seq) = (Some(record.req_id.clone().into_owned()), record.seq);
        if before != 0 && ours {
            let (req_id, stream) = (req_id.clone(), stream.clone());
            self.differences.add(Difference { req_id, stream, seq, what: What::Twice });
        }
        let judged = judge(record);
        if ours && (row.billable, row.reason.as_str()) != (judged.billable, judged.reason.as_str())
        {
            let said = |billable, reason: &str| {
                format!("{} ({reason})", if billable { "billable" } else { "not billable" })
            };
            let stored = said(row.billable, &row.reason);
            let judged = said(judged.billable, judged.reason.as_str());
            let what = What::Verdict { stored, judged };
            self.differences.add(Difference { req_id, stream, seq, what });
        }
        true
    }

    /// ClickHouse holds nothing of the hour any more; only Kafka is left.
    pub(crate) fn stored_are_gone(&mut self) {
        self.gone = true;
    }

    /// Whether a message with this number may be one of the hour that was not seen yet.
    pub(crate) fn wants(&self, stream: &Stream, seq: u64) -> bool {
        let slot = self.frozen.slot(stream, seq);
        !is_file(&stream.gateway) && slot.is_some_and(|slot| !self.seen(slot))
    }

    /// A message of the hour; whether it counts.
    pub(crate) fn shipped(&mut self, stream: &Stream, record: &Record<'_>) -> bool {
        let Some(slot) = self.frozen.slot(stream, record.seq) else { return false };
        if is_file(&stream.gateway) || self.seen(slot) {
            return false;
        }
        self.shipped[slot / 64] |= 1 << (slot % 64);
        self.missing -= 1;
        if self.gone {
            return true;
        }
        let (stored, value) = (self.stored[slot], self.value(record));
        if stored != value && (stored | value) & OURS != 0 {
            let what = match stored {
                0 => What::NotStored,
                _ => What::Facts { message: facts(record), differ: Vec::new() },
            };
            let (req_id, stream) = (Some(record.req_id.clone().into_owned()), stream.clone());
            self.differences.add(Difference { req_id, stream, seq: record.seq, what });
        }
        true
    }

    /// How many numbers that came through a topic were not found there so far.
    pub(crate) fn missing(&self) -> usize {
        self.missing
    }

    /// All messages that are left were seen: what is missing of them is gone, or differs. Kafka
    /// drops from the front (`dropped`: it has), so what is missing behind a number of its stream
    /// that is there was never in it. Gives how many are gone.
    pub(crate) fn all_shipped_seen(&mut self, dropped: bool) -> u64 {
        let (frozen, mut gone) = (self.frozen, 0);
        for (stream, slots) in frozen.streams().filter(|(stream, _)| !is_file(&stream.gateway)) {
            let mut begun = false;
            for slot in slots {
                begun |= self.seen(slot);
                if self.seen(slot) {
                    continue;
                }
                if dropped && !begun {
                    gone += 1;
                } else if self.stored[slot] & OURS != 0 {
                    let (_, seq) = frozen.place(slot);
                    let (req_id, stream) = (None, stream.clone());
                    self.differences.add(Difference {
                        req_id,
                        stream,
                        seq,
                        what: What::NotShipped,
                    });
                }
            }
        }
        gone
    }

    /// All that differs, also what stands nowhere.
    pub(crate) fn finish(mut self) -> Differences {
        for slot in (0..self.frozen.len()).filter(|_| !self.gone) {
            if self.stored[slot] == 0 && !self.seen(slot) {
                let (stream, seq) = self.frozen.place(slot);
                let (req_id, stream) = (None, stream.clone());
                self.differences.add(Difference { req_id, stream, seq, what: What::NotStored });
            }
        }
        self.differences
    }

    fn seen(&self, slot: usize) -> bool {
        self.shipped[slot / 64] & (1 << (slot % 64)) != 0
    }

    fn value(&self, record: &Record<'_>) -> u64 {
        let ours = self.account.is_none_or(|account| account == record.account);
        fingerprint(record, &mut String::new()) | THERE | if ours { OURS } else { 0 }
    }
}

// === impl Differences ===

impl Differences {
    fn add(&mut self, difference: Difference) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(difference);
        }
    }
}

// === impl Difference ===

impl Difference {
    /// With the row of its number.
    pub(crate) fn complete(&mut self, row: &Row) {
        self.req_id.get_or_insert_with(|| row.record.req_id.clone().into_owned());
        if let What::Facts { message, differ } = &mut self.what {
            let stored = facts(&row.record);
            let all = FACTS.iter().zip(stored.into_iter().zip(message.drain(..)));
            let all = all.filter(|(_, (stored, shipped))| stored != shipped);
            *differ = all.map(|((name, _), (stored, shipped))| (*name, stored, shipped)).collect();
        }
    }
}

#[cfg(test)]
mod tests;
