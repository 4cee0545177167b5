//! From what an account used in an hour to the lines of its bill.

use std::hint::black_box;

use criterion::Criterion;
use pricing::{Book, HourUsage, MonthUse, bundled, rate};
use settings::Sink;

use crate::cpu::Cpu;

/// Calls, and traffic of two regions in both directions: 35 GB and 42 GB.
const HOUR: &str = r#"{"calls":[{"instance_type":"shared","calls":"812345"},{"instance_type":"dedicated","calls":"51234"}],"traffic":[
    {"region":"ap-guangzhou","direction":"response","instance_type":"shared","bytes":"21474836480"},
    {"region":"ap-guangzhou","direction":"response","instance_type":"dedicated","bytes":"10737418240"},
    {"region":"ap-guangzhou","direction":"backend","instance_type":"shared","bytes":"5368709120"},
    {"region":"ap-tokyo","direction":"response","instance_type":"shared","bytes":"42949672960"},
    {"region":"ap-tokyo","direction":"backend","instance_type":"shared","bytes":"2147483648"}]}"#;

/// Where a month stands.
struct Case {
    name: &'static str,
    month: &'static str,
    /// What the hour then comes to, by hand.
    lines: usize,
    total: &'static str,
}

const CASES: [Case; 2] = [
    // 812,345 calls at 0.04 for 10,000; 35 GB at 0.60; 42 GB at 0.70.
    Case {
        name: "within tiers",
        month: r#"{"month":"2026-11","since":"2026-03","calls":"20000000","traffic":[{"region":"ap-guangzhou","gb":"2000.0000"},{"region":"ap-tokyo","gb":"600.0000"}],"free_calls":"1000000","free_traffic_gb":"1.0000"}"#,
        lines: 6,
        total: "53.64938",
    },
    // 100,000 calls at 0.06 and 712,345 at 0.04; 24 GB at 0.72 and 11 at 0.60; 32 GB at 0.81 and 10
    // at 0.70.
    Case {
        name: "all tiers crossed",
        month: r#"{"month":"2026-11","since":"2026-03","calls":"9900000","traffic":[{"region":"ap-guangzhou","gb":"1000.0000"},{"region":"ap-tokyo","gb":"480.0000"}],"free_calls":"1000000","free_traffic_gb":"1.0000"}"#,
        lines: 9,
        total: "60.24938",
    },
];

pub fn benches(criterion: &mut Criterion<Cpu>) {
    let book = book();
    let usage = HourUsage::from_json(HOUR).expect("an hour");
    let mut group = criterion.benchmark_group("rate");
    for Case { name, month, lines, total } in CASES {
        let before = MonthUse::from_json(month).expect("a month");
        let rated = rate(&book, &before, &usage).expect("all of it has a price");
        let amount = rated.total.amount.normalize().to_string();
        assert_eq!((rated.lines.len(), &*amount), (lines, total), "{name}");
        group.bench_function(format!("an hour of two regions, {name}"), |bencher| {
            bencher.iter(|| rate(&book, black_box(&before), black_box(&usage)));
        });
    }
    group.finish();
}

fn book() -> Book {
    let sink = Sink::new();
    let book = Book::read("tiered.yaml", bundled("tiered").expect("a bundled book"), &sink);
    sink.finish(book).expect("a book without mistakes")
}
