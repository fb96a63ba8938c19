//! Max pooling by itself, forward and gradient. Rates count input values.
#![allow(missing_docs)] // criterion's macros make an undocumented function

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use taper_benches::values;
use taper_tensor::{Padding, Pool2dSpec};

fn pooling(c: &mut Criterion) {
    let two = Pool2dSpec {
        size: [2, 2],
        strides: [2, 2],
        padding: Padding::Valid,
    };
    let overlapping = Pool2dSpec {
        size: [3, 3],
        strides: [2, 2],
        padding: Padding::Same,
    };
    let mut group = c.benchmark_group("pooling");
    for (name, input, spec) in [
        ("2x2", [64, 24, 24, 64], two),
        ("2x2, 17 channels", [64, 24, 24, 17], two),
        ("3x3, stride 2, same", [64, 24, 24, 64], overlapping),
    ] {
        let x = values(&input);
        let (output, positions) = x.max_pool2d(&spec).expect("the shapes fit");
        let gradient = values(output.shape());
        group.throughput(Throughput::Elements(x.len() as u64));
        group.bench_function(BenchmarkId::new("forward", name), |bencher| {
            bencher.iter(|| x.max_pool2d(&spec))
        });
        group.bench_function(BenchmarkId::new("gradient", name), |bencher| {
            bencher.iter(|| gradient.max_pool2d_gradient(&positions, &input, &spec))
        });
    }
    group.finish();
}

criterion_group! { name = groups; config = taper_benches::criterion(); targets = pooling }
criterion_main!(groups);
