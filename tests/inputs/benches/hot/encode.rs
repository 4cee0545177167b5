//! From a record to its bytes in the spool, and their checksum.

use std::hint::black_box;

use criterion::{Criterion, Throughput};

use crate::cpu::Cpu;
use crate::records::{COUNT, encoded, records, words};

/// `record.max` of a configuration that says nothing, bytes.
const RECORD_MAX: usize = 16 << 10;

pub fn benches(criterion: &mut Criterion<Cpu>) {
    let words = words();
    let mut records = records(&words);
    let bytes: Vec<Vec<u8>> = records.iter().map(encoded).collect();
    for (record, bytes) in records.iter().zip(&bytes) {
        assert_eq!(record::decode(bytes).as_ref(), Ok(record), "it comes back as it went");
        assert!((500..1_500).contains(&bytes.len()), "{} bytes are unusual", bytes.len());
    }
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one record", |bencher| {
        let (mut at, mut out) = (0, Vec::with_capacity(RECORD_MAX));
        bencher.iter(|| {
            at = (at + 1) % COUNT;
            let record = black_box(&mut records[at]);
            out.clear();
            record.cap(RECORD_MAX);
            record::encode(record, &mut out);
            out.len()
        });
    });
    group.bench_function("checksum of one record", |bencher| {
        let mut at = 0;
        bencher.iter(|| {
            at = (at + 1) % COUNT;
            spool::hash(black_box(&bytes[at]))
        });
    });
    group.finish();
}
