//! The bills of a run computed again, in two ways: by the product itself, from its own records
//! (`close --dry-run`, byte for byte), and in plain integers from the rows ([`crate::naive`]), which
//! share nothing with metering.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::clickhouse::ClickHouse;
use crate::lines::Call;
use crate::naive::{self, Line, lines_of, total_of, units};
use crate::program::Program;

/// What a bill rests on. The verdict is not asked for: it is judged again.
const ROWS_SQL: &str = "\
SELECT formatDateTime(hour, '%Y-%m-%dT%H', 'UTC') AS at, account, region, instance_type, \
       rsp_st, ups_st, net, ups_net, rsp_len, ups_req_len \
FROM records WHERE part = 'final'";

const BILLS_SQL: &str = "\
SELECT formatDateTime(hour, '%Y-%m-%dT%H', 'UTC') AS at, account, bill FROM bills";

/// An hour and an account.
type Key = (String, String);

#[derive(Deserialize)]
struct Row {
    at: String,
    account: String,
    region: String,
    instance_type: String,
    rsp_st: u16,
    ups_st: String,
    net: String,
    ups_net: String,
    rsp_len: u64,
    ups_req_len: u64,
}

#[derive(Deserialize)]
struct Bill {
    at: String,
    account: String,
    bill: String,
}

/// The closed hours that have calls.
///
/// # Panics
/// When ClickHouse does not answer.
pub fn closed_hours(store: &ClickHouse) -> BTreeSet<String> {
    let sql = "SELECT DISTINCT formatDateTime(hour, '%Y-%m-%dT%H', 'UTC') AS at FROM closings \
               WHERE hour IN (SELECT hour FROM records WHERE part = 'final')";
    let rows = store.rows(sql);
    rows.iter().map(|row| row["at"].as_str().expect("a text").to_owned()).collect()
}

/// Computes all bills of the closed hours again; gives a sentence for each that differs.
/// `same_again` lets the product compute an hour again, and says whether it comes to the same.
///
/// # Panics
/// When ClickHouse does not answer, or a bill can not be read.
pub fn differences(
    store: &ClickHouse,
    hours: &BTreeSet<String>,
    same_again: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut faults = Vec::new();
    for hour in hours {
        if !same_again(hour) {
            faults.push(format!("BILL-1: {hour} does not come to the same again"));
        }
    }
    let twice = store.number("SELECT count() - uniqExact(hour, account) FROM bills");
    if twice > 0 {
        faults.push(format!("{twice} bills stand twice"));
    }
    let calls = calls(store, hours);
    let mut billed = Billed::read(store);
    let mut used: BTreeMap<&str, u64> = BTreeMap::new();
    for ((hour, account), calls) in &calls {
        let before = used.entry(account).or_default();
        let expect = naive::bill(calls, *before);
        *before += naive::counted(calls);
        faults.extend(billed.differs((hour.clone(), account.clone()), &expect));
    }
    let unasked = billed.own.iter().filter(|(_, lines)| !lines.is_empty());
    faults.extend(unasked.map(|(key, _)| format!("{key:?} has a bill, and no calls")));
    faults
}

fn calls(store: &ClickHouse, hours: &BTreeSet<String>) -> BTreeMap<Key, Vec<Call>> {
    let mut calls: BTreeMap<Key, Vec<Call>> = BTreeMap::new();
    for row in store.typed::<Row>(ROWS_SQL) {
        if !hours.contains(&row.at) {
            continue;
        }
        let public = |net: &str| if net == "public" { "public" } else { "private" };
        let call = Call {
            id: String::new(),
            region: row.region,
            instance_type: if row.instance_type == "shared" { "shared" } else { "dedicated" },
            rsp_st: row.rsp_st,
            // RULE-1 asks only whether there is one.
            ups_st: if row.ups_st.is_empty() { "" } else { "200" },
            net: public(&row.net),
            ups_net: public(&row.ups_net),
            rsp_len: row.rsp_len,
            ups_req_len: row.ups_req_len,
            ..Call::new(0, 0, 0)
        };
        calls.entry((row.at, row.account)).or_default().push(call);
    }
    calls
}

/// Runs `tollgate audit recount HOUR` in the folder of a process that runs: whether the bills are
/// what the hour's records come to; with a `topic`, those that are in it too.
///
/// # Panics
/// When it prints no JSON.
pub fn recounted(program: &Program, hour: &str, topic: bool) -> bool {
    let ran = program.run(&["audit", "recount", hour, "--output", "json"]);
    let json = ran.json();
    let counted = !topic || json["kafka"]["state"] == "counted";
    let equal = ran.code == Some(0) && json["equal"] == true && counted;
    if !equal {
        eprintln!("{json}");
    }
    equal
}

/// Runs `tollgate close HOUR --dry-run` in the folder of a process that runs.
///
/// # Panics
/// When it prints no JSON.
pub fn same_again(program: &Program, hour: &str) -> bool {
    let ran = program.run(&["close", hour, "--dry-run", "--output", "json"]);
    ran.code == Some(0) && ran.json()["same"] == true
}

/// What the product billed.
struct Billed {
    /// The lines of an hour itself.
    own: BTreeMap<Key, Vec<Line>>,
    /// What later hours correct of an hour, summed, in 10⁻⁸.
    corrected: BTreeMap<Key, i128>,
}

// === impl Billed ===

impl Billed {
    fn read(store: &ClickHouse) -> Self {
        let mut billed = Self { own: BTreeMap::new(), corrected: BTreeMap::new() };
        for Bill { at, account, bill } in store.typed::<Bill>(BILLS_SQL) {
            let bill: Value = serde_json::from_str(&bill).expect("a bill is JSON");
            total_of(&bill);
            for line in bill["lines"].as_array().expect("lines") {
                let Some(corrects) = line["corrects_hour"].as_str() else { continue };
                let corrects = corrects.get(..13).expect("an hour").to_owned();
                let amount = units(line["amount"].as_str().expect("an amount"));
                *billed.corrected.entry((corrects, account.clone())).or_default() += amount;
            }
            billed.own.insert((at, account), lines_of(&bill));
        }
        billed
    }

    /// Takes out what was billed of an hour and account, and compares.
    fn differs(&mut self, key: Key, expect: &[Line]) -> Option<String> {
        let own = self.own.remove(&key).unwrap_or_default();
        let sum = |lines: &[Line]| lines.iter().map(|line| line.amount).sum::<i128>();
        let same = match self.corrected.get(&key) {
            Some(corrected) => sum(&own) + corrected == sum(expect),
            None => own == expect,
        };
        (!same).then(|| format!("the bill of {key:?}: {own:?}, not {expect:?}"))
    }
}
