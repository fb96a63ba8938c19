//! An epoch of batches from a file on the disk, in order and shuffled. Rates count images.
#![allow(missing_docs)] // criterion's macros make an undocumented function

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::ops::ControlFlow;
use taper_datasets::{Batches, ImageDataset, idx};
use taper_tensor::Seed;

const IMAGES: usize = 6_400;

fn loading(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
    let pixels: Vec<u8> = (0..IMAGES * 28 * 28)
        .map(|n| (n * 31 % 251) as u8)
        .collect();
    let classes: Vec<u8> = (0..IMAGES).map(|n| (n % 10) as u8).collect();
    idx::save(&images, &[IMAGES, 28, 28], &pixels).expect("images are written");
    idx::save(&labels, &[IMAGES], &classes).expect("labels are written");
    let names = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let data = ImageDataset::open("digits", &images, &labels, names).expect("the files are sound");

    let mut group = c.benchmark_group("loading");
    group.throughput(Throughput::Elements(IMAGES as u64));
    for (name, shuffled) in [("in order", false), ("shuffled", true)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let batches = Batches::new(&data, 64);
                let batches = if shuffled {
                    batches.shuffled(Seed(7), 0)
                } else {
                    batches
                };
                let end = batches.for_each(|batch| {
                    black_box(&batch);
                    ControlFlow::<()>::Continue(())
                });
                end.expect("the files are still there")
            })
        });
    }
    group.finish();
}

criterion_group! { name = groups; config = taper_benches::criterion(); targets = loading }
criterion_main!(groups);
