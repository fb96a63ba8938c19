//! Matrix products of the shapes that training makes, and a large square one.
#![allow(missing_docs)] // criterion's macros make an undocumented function

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use taper_benches::values;

/// (rows, inner, columns)
const SHAPES: [(usize, usize, usize); 5] = [
    (64, 9216, 128),
    (64, 128, 128),
    (256, 9216, 128),
    (64, 576, 288),
    (1024, 1024, 1024),
];

fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("matmul");
    for (m, k, n) in SHAPES {
        let (a, b) = (values(&[m, k]), values(&[k, n]));
        let (a_stored, b_stored) = (values(&[k, m]), values(&[n, k]));
        group.throughput(Throughput::Elements((2 * m * k * n) as u64));
        let shape = format!("{m}x{k}x{n}");
        group.bench_function(BenchmarkId::new("plain", &shape), |bencher| {
            bencher.iter(|| a.matmul(&b))
        });
        // The two products of a Dense layer's gradient, with operands that lie transposed.
        group.bench_function(BenchmarkId::new("left transposed", &shape), |bencher| {
            bencher.iter(|| a_stored.transpose().matmul(&b))
        });
        group.bench_function(BenchmarkId::new("right transposed", &shape), |bencher| {
            bencher.iter(|| a.matmul(&b_stored.transpose()))
        });
    }
    group.finish();
}

criterion_group! { name = groups; config = taper_benches::criterion(); targets = products }
criterion_main!(groups);
