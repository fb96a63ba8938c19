//! The whole of a training step, its parts, and inference. Rates count images.
#![allow(missing_docs)] // criterion's macros make an undocumented function

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use taper_benches::{baseline, regularized, targets, values};
use taper_datasets::InMemory;
use taper_nn::{CategoricalCrossentropy, Seed};
use taper_optim::Adam;
use taper_train::{Accuracy, Trainer};

const BATCH: usize = 64;

/// `fit` over ten batches: forward, backward, optimizer, metrics and the loader.
fn fit(c: &mut Criterion) {
    let images = 10 * BATCH;
    let y = targets(images).expect("classes below ten");
    let data = InMemory::new(values(&[images, 28, 28, 1]), y).expect("as many targets as images");
    let mut group = c.benchmark_group("fit");
    group.throughput(Throughput::Elements(images as u64));
    for (name, model) in [("baseline", baseline()), ("l2_dropout50", regularized())] {
        let mut model = model.expect("the network is sound");
        let mut trainer = Trainer::new(Adam::default(), CategoricalCrossentropy)
            .metric(Accuracy)
            .epochs(1)
            .batch_size(BATCH);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                trainer
                    .fit(&mut model, &data)
                    .expect("training goes through")
            })
        });
    }
    group.finish();
}

/// Forward and backward without the optimizer.
fn gradients(c: &mut Criterion) {
    let (x, y) = (
        values(&[BATCH, 28, 28, 1]),
        targets(BATCH).expect("classes below ten"),
    );
    let mut group = c.benchmark_group("gradients");
    group.throughput(Throughput::Elements(BATCH as u64));
    for (name, model) in [("baseline", baseline()), ("l2_dropout50", regularized())] {
        let mut model = model.expect("the network is sound");
        let mut step = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                step += 1;
                model.train_batch(&x, &y, &CategoricalCrossentropy, Seed(7), step)
            })
        });
    }
    group.finish();
}

fn predict(c: &mut Criterion) {
    let model = baseline().expect("the network is sound");
    let mut group = c.benchmark_group("predict");
    for count in [1, 8, 64, 256] {
        let x = values(&[count, 28, 28, 1]);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| model.predict(&x))
        });
    }
    group.finish();
}

criterion_group! { name = groups; config = taper_benches::criterion(); targets = fit, gradients, predict }
criterion_main!(groups);
