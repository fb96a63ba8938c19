//! Reading a data set must not fill the process's memory with it. One test alone in its process: it looks at the whole of it.
#![cfg(target_os = "linux")]

use std::ops::ControlFlow;
use std::path::Path;
use taper_datasets::catalog::{find, open_at};
use taper_datasets::{Batches, Location};
use taper_tensor::Seed;

/// Memory of this process that holds pages of files.
fn kilobytes_of_files() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssFile:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .expect("Linux tells")
}

#[test]
fn an_epoch_of_mnist_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let location = Location {
        dir: dir.path().into(),
        bundled: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/mnist")),
    };
    let data = open_at(find("mnist").unwrap(), &location).unwrap();
    assert!(data.train().is_on_disk());
    let before = kilobytes_of_files();
    let mut images = 0;
    let end = Batches::new(data.train(), 64)
        .shuffled(Seed(1), 0)
        .for_each(|batch| {
            images += batch.indices.len();
            ControlFlow::<()>::Continue(())
        });
    let grown = kilobytes_of_files().saturating_sub(before);
    assert!(end.unwrap().is_continue() && images == 60_000);
    assert!(grown < 8_000, "{grown} kB of 47,000");
}
