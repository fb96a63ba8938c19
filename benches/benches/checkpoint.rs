//! Saving and loading the notebook's network with Adam's moments: 14.6 MB. Rates count bytes.
#![allow(missing_docs)] // criterion's macros make an undocumented function

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use taper_benches::{baseline, values};
use taper_checkpoint::{Checkpoint, OptimizerState};

fn full_checkpoint() -> Checkpoint {
    let model = baseline().expect("the network is sound");
    let weights: Vec<_> = model
        .parameters()
        .iter()
        .map(|p| (p.name.clone(), p.value.clone()))
        .collect();
    let slots = weights.iter().flat_map(|(name, value)| {
        ["momentum", "velocity"].map(|slot| (format!("{name}/{slot}"), values(value.shape())))
    });
    let optimizer = OptimizerState {
        class_name: "Adam".to_owned(),
        config: "{}".to_owned(),
        iterations: 938,
        slots: slots.collect(),
    };
    Checkpoint {
        architecture: model.config().to_string(),
        weights: weights.clone(),
        optimizer: Some(optimizer),
        ..Checkpoint::default()
    }
}

fn checkpoints(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("network.taper");
    let checkpoint = full_checkpoint();
    let bytes = checkpoint.to_bytes().expect("it is small enough");

    let mut group = c.benchmark_group("checkpoint");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("to bytes", |bencher| bencher.iter(|| checkpoint.to_bytes()));
    group.bench_function("from bytes", |bencher| {
        bencher.iter(|| Checkpoint::from_bytes(&bytes))
    });
    // Saving waits until the disk has the file.
    group.bench_function("save", |bencher| bencher.iter(|| checkpoint.save(&path)));
    group.bench_function("load", |bencher| bencher.iter(|| Checkpoint::load(&path)));
    group.finish();
}

criterion_group! { name = groups; config = taper_benches::criterion(); targets = checkpoints }
criterion_main!(groups);
