//! One step over all 1,216,394 parameters of the notebook's network. Rates count parameters.
#![allow(missing_docs)] // criterion's macros make an undocumented function

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use taper_benches::values;
use taper_optim::{Adam, AdamW, Optimizer, Penalty, SGD};

const PARAMETERS: usize = 1_216_394;

fn updates(c: &mut Criterion) {
    let optimizers: [(&str, Box<dyn Optimizer>); 4] = [
        ("sgd", Box::new(SGD::new(0.01))),
        (
            "sgd nesterov",
            Box::new(SGD::new(0.01).momentum(0.9).nesterov(true)),
        ),
        ("adam", Box::new(Adam::default())),
        ("adamw", Box::new(AdamW::default())),
    ];
    let gradient = values(&[PARAMETERS]).to_vec();
    let mut group = c.benchmark_group("optimizer");
    group.throughput(Throughput::Elements(PARAMETERS as u64));
    for (name, optimizer) in &optimizers {
        for (suffix, penalty) in [
            ("", Penalty::default()),
            (" with l2", Penalty { l1: 0.0, l2: 0.01 }),
        ] {
            let mut weight = values(&[PARAMETERS]).to_vec();
            let mut slots = vec![vec![0.0f32; PARAMETERS]; optimizer.slots().len()];
            let mut iteration = 0;
            group.bench_function(format!("{name}{suffix}"), |bencher| {
                bencher.iter(|| {
                    iteration += 1;
                    let mut slots: Vec<&mut [f32]> =
                        slots.iter_mut().map(Vec::as_mut_slice).collect();
                    optimizer.update(
                        iteration,
                        0.001,
                        &mut weight,
                        &gradient,
                        &mut slots,
                        penalty,
                    );
                })
            });
        }
    }
    group.finish();
}

/// The value of the L2 penalty over the largest kernel.
fn penalty(c: &mut Criterion) {
    let kernel = values(&[9216, 128]);
    let mut group = c.benchmark_group("penalty");
    group.throughput(Throughput::Elements(kernel.len() as u64));
    group.bench_function("sums of one kernel", |bencher| {
        bencher.iter(|| kernel.penalty_sums())
    });
    group.finish();
}

criterion_group! { name = groups; config = taper_benches::criterion(); targets = updates, penalty }
criterion_main!(groups);
