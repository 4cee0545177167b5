//! From host, path and method to the API: among 100 and among 10,000, by class of the path.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use inputs::services::{ASKED, request, serving};
use policy::Policy;

use crate::cpu::Cpu;

/// APIs, and the free patterns among them.
const SIZES: [(u32, u32); 2] = [(100, 10), (10_000, 100)];

pub fn benches(criterion: &mut Criterion<Cpu>) {
    let mut group = criterion.benchmark_group("route");
    for (apis, free) in SIZES {
        let policy = serving(apis, free);
        let last = apis - 1;
        let free = [
            ("regular expression", format!("/release/x{:05}/42", last - 1), last - 1),
            ("variable first", format!("/release/42/x{last:05}"), last),
        ];
        let free = free.map(|(class, path, number)| (class, path, Some(format!("i{number}"))));
        let asked = ASKED.map(|it| (it.class, it.path.to_owned(), it.api.map(str::to_owned)));
        for (class, path, api) in asked.into_iter().chain(free) {
            assert_eq!(answering(&policy, &path), api.as_deref(), "{path} of {apis} APIs");
            group.bench_function(BenchmarkId::new(class, format!("{apis} APIs")), |bencher| {
                bencher.iter(|| policy.route(&request(black_box(&path))));
            });
        }
    }
    group.finish();
}

/// The id of the API.
fn answering<'p>(policy: &'p Policy, path: &str) -> Option<&'p str> {
    policy.route(&request(path)).ok().map(|matched| matched.api.id.as_str())
}
