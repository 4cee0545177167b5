//! What a storm came to: the document on stdout, and what is wrong with it.

use std::collections::BTreeMap;

use serde::Serialize;

/// Of a hundred requests, so many must be answered whole.
const WHOLE_MIN: u64 = 80;
/// A kind of process takes at least this part of the kills: a tenth.
const KILLS_PART: u64 = 10;
/// So many hours are closed at least.
const HOURS_MIN: u64 = 2;

/// The document. What was not found out is null: then the storm did not come to its end.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// As on the command line.
    pub seed: u64,
    /// As on the command line.
    pub bus: &'static str,
    /// Requests to be made.
    pub requests: u64,
    /// Of these, the ones whose answer the client received whole, as the backend gave it.
    pub received_whole: Option<u64>,
    /// Rows of calls in ClickHouse.
    pub stored: Option<u64>,
    /// Whole answers without their record, or numbers of streams that no row has, whichever is more;
    /// and answers that came altered or have another record than their own.
    pub lost: Option<u64>,
    /// Rows that stand twice, or that nobody asked for.
    pub doubled: Option<u64>,
    /// SIGKILLs, by kind of process.
    pub kills: BTreeMap<&'static str, u64>,
    /// Hours with calls that are closed.
    pub hours_closed: Option<u64>,
    /// Whether all bills of these hours are what they come to when they are computed again.
    pub bills_recomputed_equal: Option<bool>,
    /// How long it took.
    pub seconds: u64,
}

// === impl Report ===

impl Report {
    /// Of a storm that has not begun.
    pub fn new(seed: u64, bus: &'static str, requests: u64, kinds: &[&'static str]) -> Self {
        Self {
            seed,
            bus,
            requests,
            received_whole: None,
            stored: None,
            lost: None,
            doubled: None,
            kills: kinds.iter().map(|&kind| (kind, 0)).collect(),
            hours_closed: None,
            bills_recomputed_equal: None,
            seconds: 0,
        }
    }

    /// What is wrong, a sentence each; nothing is wrong when there is none. `kills` is how many
    /// there had to be.
    pub fn faults(&self, kills: u64) -> Vec<String> {
        let mut faults = Vec::new();
        let mut must = |good: bool, fault: String| {
            if !good {
                faults.push(fault);
            }
        };
        must(self.lost == Some(0), format!("lost: {}", shown(self.lost)));
        must(self.doubled == Some(0), format!("doubled: {}", shown(self.doubled)));
        let equal = self.bills_recomputed_equal == Some(true);
        must(equal, "the bills are not what they come to when computed again".to_owned());
        let hours = self.hours_closed.unwrap_or(0);
        must(hours >= HOURS_MIN, format!("{hours} hours are closed, {HOURS_MIN} must be"));
        let whole = self.received_whole.unwrap_or(0);
        let enough = whole * 100 >= self.requests * WHOLE_MIN;
        must(enough, format!("{whole} of {} answers came whole", self.requests));
        for (kind, &count) in &self.kills {
            let enough = count * KILLS_PART >= kills;
            must(enough, format!("{kind} was killed {count} times in {kills} kills"));
        }
        faults
    }
}

fn shown(count: Option<u64>) -> String {
    count.map_or("not known".to_owned(), |count| count.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Report {
        let mut report = Report::new(1, "embedded", 100, &["process", "engine"]);
        report.received_whole = Some(80);
        report.stored = Some(85);
        (report.lost, report.doubled) = (Some(0), Some(0));
        report.kills = BTreeMap::from([("process", 1), ("engine", 9)]);
        (report.hours_closed, report.bills_recomputed_equal) = (Some(2), Some(true));
        report
    }

    #[test]
    fn each_condition_is_a_fault_and_nothing_else_is() {
        assert!(good().faults(10).is_empty());
        let check = |change: fn(&mut Report), expect: &str| {
            let mut report = good();
            change(&mut report);
            let faults = report.faults(10);
            assert_eq!(faults, [expect]);
        };
        check(|report| report.lost = Some(1), "lost: 1");
        check(|report| report.lost = None, "lost: not known");
        check(|report| report.doubled = Some(2), "doubled: 2");
        let bills = "the bills are not what they come to when computed again";
        check(|report| report.bills_recomputed_equal = Some(false), bills);
        check(|report| report.hours_closed = Some(1), "1 hours are closed, 2 must be");
        check(|report| report.received_whole = Some(79), "79 of 100 answers came whole");
        let kills = "process was killed 0 times in 10 kills";
        check(|report| _ = report.kills.insert("process", 0), kills);
    }

    #[test]
    fn the_document_has_the_keys_that_were_asked_for() {
        let json = serde_json::to_value(good()).expect("JSON");
        let keys: Vec<&String> = json.as_object().expect("an object").keys().collect();
        let expect = [
            "bills_recomputed_equal",
            "bus",
            "doubled",
            "hours_closed",
            "kills",
            "lost",
            "received_whole",
            "requests",
            "seconds",
            "seed",
            "stored",
        ];
        assert_eq!(keys, expect);
    }
}
