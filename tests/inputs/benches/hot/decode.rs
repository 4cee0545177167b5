//! From a record's bytes to the block that is inserted, as intake does: decode, judge, columns.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use record::Reason;
use store::Block;
use store::records::{Day, RecordBlock};

use crate::cpu::Cpu;
use crate::records::{COUNT, encoded, records, words};

pub fn benches(criterion: &mut Criterion<Cpu>) {
    let words = words();
    let records = records(&words);
    let bytes: Vec<Vec<u8>> = records.iter().map(encoded).collect();
    let day = Day::of(records[0].time).expect("a day of the table");
    for count in [1, COUNT] {
        let block = block(day, &bytes[..count]);
        assert_eq!(block.rows(), count as u64);
        assert!(block.bytes() > count * 200, "{} bytes", block.bytes());
    }
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one record, judged", |bencher| {
        let mut at = 0;
        bencher.iter(|| {
            at = (at + 1) % COUNT;
            judged(black_box(&bytes[at]))
        });
    });
    group.bench_function("one record to columns", |bencher| {
        let mut at = 0;
        bencher.iter(|| {
            at = (at + 1) % COUNT;
            block(day, black_box(&bytes[at..=at]))
        });
    });
    group.throughput(Throughput::Elements(COUNT as u64));
    group.bench_function(format!("{COUNT} records to columns"), |bencher| {
        bencher.iter(|| block(day, black_box(&bytes)));
    });
    group.finish();
}

fn judged(bytes: &[u8]) -> (bool, Reason) {
    let record = record::decode(bytes).expect("it was encoded here");
    let verdict = record::judge(&record);
    (verdict.billable, verdict.reason)
}

fn block(day: Day, bytes: &[Vec<u8>]) -> Block {
    let mut block = RecordBlock::new(day);
    for bytes in bytes {
        let record = record::decode(bytes).expect("it was encoded here");
        block.push(&record, record::judge(&record));
    }
    block.finish().expect("it has rows")
}
