//! Batches: complete, deterministic, resumable, and no thread left hanging.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use taper_datasets::{Batch, Batches, Dataset, Error, InMemory, Subset};
use taper_tensor::{Seed, Tensor};

/// Sample i has the input [i, −i] and the one-hot target i mod 3.
fn data(n: usize) -> InMemory {
    let inputs = Tensor::from_fn([n, 2], |i| {
        if i % 2 == 0 {
            (i / 2) as f32
        } else {
            -((i / 2) as f32)
        }
    });
    let targets = Tensor::one_hot(&(0..n).map(|i| i % 3).collect::<Vec<_>>(), 3).unwrap();
    InMemory::new(inputs, targets).unwrap()
}

fn collect(batches: Batches<'_>) -> Vec<Batch> {
    let mut all = Vec::new();
    let flow = batches.for_each(|batch| {
        all.push(batch);
        ControlFlow::<()>::Continue(())
    });
    assert!(flow.is_continue());
    all
}

fn same(a: &[Batch], b: &[Batch]) -> bool {
    let parts = |batch: &Batch| {
        (
            batch.inputs.to_vec(),
            batch.targets.to_vec(),
            batch.indices.clone(),
            batch.number,
        )
    };
    a.iter().map(parts).eq(b.iter().map(parts))
}

#[test]
fn the_last_partial_batch_is_kept() {
    let data = data(10);
    let batches = Batches::new(&data, 4);
    let all = collect(batches);
    assert_eq!(batches.count(), 3);
    assert_eq!(
        all.iter()
            .map(|batch| batch.inputs.shape()[0])
            .collect::<Vec<_>>(),
        [4, 4, 2]
    );
    assert_eq!(all[2].inputs.to_vec(), [8.0, -8.0, 9.0, -9.0]);
    assert_eq!(all[2].targets.to_vec(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(all[2].indices, [8, 9]);
    assert_eq!(all[2].number, 2);
}

#[test]
fn shuffling_is_a_function_of_seed_and_epoch() {
    let data = data(100);
    let order = |seed, epoch| Batches::new(&data, 7).shuffled(Seed(seed), epoch).order();
    assert_eq!(order(1, 0), order(1, 0));
    assert_ne!(order(1, 0), order(1, 1));
    assert_ne!(order(1, 0), order(2, 0));
    let mut sorted = order(1, 0);
    sorted.sort_unstable();
    assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    let shuffled = Batches::new(&data, 7).shuffled(Seed(1), 0);
    assert!(same(&collect(shuffled), &collect(shuffled)));
    for batch in collect(shuffled) {
        let firsts: Vec<f32> = batch.inputs.to_vec().into_iter().step_by(2).collect();
        assert_eq!(
            firsts,
            batch.indices.iter().map(|&i| i as f32).collect::<Vec<_>>()
        );
    }
}

#[test]
fn starting_at_a_batch_equals_skipping_the_ones_before() {
    let data = data(50);
    let batches = Batches::new(&data, 8).shuffled(Seed(3), 5);
    let all = collect(batches);
    for first in 0..=all.len() + 1 {
        assert!(
            same(
                &collect(batches.starting_at(first)),
                &all[first.min(all.len())..]
            ),
            "{first}"
        );
    }
}

#[test]
fn breaking_off_gives_the_value_back_and_does_not_hang() {
    let data = data(10_000);
    let start = Instant::now();
    for stop in 0..20 {
        let flow = Batches::new(&data, 1).for_each(|batch| match batch.number == stop {
            true => ControlFlow::Break(batch.number),
            false => ControlFlow::Continue(()),
        });
        assert_eq!(flow, ControlFlow::Break(stop));
    }
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn odd_sizes() {
    let data = data(3);
    assert_eq!(collect(Batches::new(&data, 0)).len(), 3, "0 counts as 1");
    assert_eq!(collect(Batches::new(&data, 100)).len(), 1);
    let none = Subset::range(&data, 1..1).unwrap();
    assert_eq!(collect(Batches::new(&none, 4)).len(), 0);
}

/// Panics at sample 5.
struct Broken;

impl Dataset for Broken {
    fn len(&self) -> usize {
        10
    }
    fn input_shape(&self) -> &[usize] {
        &[1]
    }
    fn target_shape(&self) -> &[usize] {
        &[1]
    }
    fn read_input(&self, index: usize, out: &mut [f32]) {
        assert!(index != 5, "sample 5 is broken");
        out[0] = 0.0;
    }
    fn read_target(&self, _index: usize, out: &mut [f32]) {
        out[0] = 0.0;
    }
    fn name(&self) -> &str {
        "broken"
    }
}

#[test]
fn a_panic_while_reading_arrives_at_the_caller() {
    let mut seen = 0;
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        Batches::new(&Broken, 2).for_each(|_| {
            seen += 1;
            ControlFlow::<()>::Continue(())
        })
    }))
    .unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"sample 5 is broken"));
    assert_eq!(seen, 2);
}

#[test]
fn a_panic_of_the_caller_frees_the_reading_thread() {
    let data = data(1_000);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        Batches::new(&data, 1).for_each(|batch| -> ControlFlow<()> {
            assert!(batch.number < 3, "enough");
            ControlFlow::Continue(())
        })
    }));
    assert!(outcome.is_err());
}

#[test]
fn subsets_address_their_part() {
    let data = data(10);
    let part = Subset::range(&data, 4..7).unwrap();
    let mut input = [0.0; 2];
    part.read_input(1, &mut input);
    assert_eq!(
        (part.len(), input, part.label(1)),
        (3, [5.0, -5.0], Some(2))
    );
    assert_eq!(part.name(), "in memory[4..7]");
    assert_eq!(Subset::first(&data, 99).len(), 10);
    assert_eq!(Subset::first(&data, 99).name(), "in memory");
    let error = Subset::range(&data, 4..11).unwrap_err().to_string();
    assert!(
        error.contains("4..11") && error.contains("10 samples"),
        "{error}"
    );
}

#[test]
fn inputs_and_targets_must_agree() {
    let error = InMemory::new(Tensor::zeros([3, 2]), Tensor::zeros([4, 1])).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }));
    assert!(error.to_string().contains("[3, 2]") && error.to_string().contains("[4, 1]"));
    let regression = InMemory::new(Tensor::zeros([3, 2]), Tensor::full([3, 2], 0.5)).unwrap();
    assert_eq!(regression.label(0), None);
}
