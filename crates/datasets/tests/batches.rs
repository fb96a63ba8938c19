//! Batches: complete, deterministic, resumable, and no thread left hanging.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use taper_datasets::{Batch, Batches, Dataset, Error, Field, InMemory, Sample, Subset};
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
    assert!(flow.unwrap().is_continue());
    all
}

fn same(a: &[Batch], b: &[Batch]) -> bool {
    let parts = |batch: &Batch| {
        (
            batch.input().to_vec(),
            batch.target().to_vec(),
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
            .map(|batch| batch.input().shape()[0])
            .collect::<Vec<_>>(),
        [4, 4, 2]
    );
    assert_eq!(all[2].input().to_vec(), [8.0, -8.0, 9.0, -9.0]);
    assert_eq!(all[2].target().to_vec(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
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
        let firsts: Vec<f32> = batch.input().to_vec().into_iter().step_by(2).collect();
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
        assert_eq!(flow.unwrap(), ControlFlow::Break(stop));
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
    fn read_input(&self, at: Sample, out: &mut [f32]) -> taper_datasets::Result<()> {
        assert!(at.index != 5, "sample 5 is broken");
        out[0] = 0.0;
        Ok(())
    }
    fn read_target(&self, _at: Sample, out: &mut [f32]) -> taper_datasets::Result<()> {
        out[0] = 0.0;
        Ok(())
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

/// Input and target of sample i in epoch e are [i, e] and [−i, −e]; sample `missing` cannot be read.
struct Epochs {
    missing: usize,
}

impl Dataset for Epochs {
    fn len(&self) -> usize {
        1_000
    }
    fn input_shape(&self) -> &[usize] {
        &[2]
    }
    fn target_shape(&self) -> &[usize] {
        &[2]
    }
    fn read_input(&self, at: Sample, out: &mut [f32]) -> taper_datasets::Result<()> {
        if at.index == self.missing {
            return Err(Error::sample(self.name(), at.index, "the picture is gone"));
        }
        out.copy_from_slice(&[at.index as f32, at.epoch as f32]);
        Ok(())
    }
    fn read_target(&self, at: Sample, out: &mut [f32]) -> taper_datasets::Result<()> {
        out.copy_from_slice(&[-(at.index as f32), -(at.epoch as f32)]);
        Ok(())
    }
    fn name(&self) -> &str {
        "epochs"
    }
}

#[test]
fn samples_are_told_the_epoch_shuffled_or_not() {
    let data = Epochs { missing: 1_000 };
    let in_order = Batches::new(&data, 64);
    for (batches, epoch) in [
        (in_order, 0.0),
        (in_order.in_epoch(3), 3.0),
        (in_order.shuffled(Seed(1), 5), 5.0),
    ] {
        for batch in collect(batches) {
            let inputs = batch.input().to_vec();
            for (&index, input) in batch.indices.iter().zip(inputs.chunks_exact(2)) {
                assert_eq!(input, [index as f32, epoch]);
            }
            let targets: Vec<f32> = inputs.iter().map(|value| -value).collect();
            assert_eq!(batch.target().to_vec(), targets);
        }
    }
    let order = in_order.in_epoch(3).order();
    assert_eq!(order, in_order.order(), "no seed, no shuffle");
}

#[test]
fn a_sample_that_cannot_be_read_ends_the_epoch_with_its_error() {
    let start = Instant::now();
    for missing in [0, 1, 7, 500, 999] {
        let mut seen = 0;
        let error = Batches::new(&Epochs { missing }, 1)
            .for_each(|_| {
                seen += 1;
                ControlFlow::<()>::Continue(())
            })
            .unwrap_err();
        assert_eq!(seen, missing, "the batches before are given");
        assert_eq!(
            error.to_string(),
            format!("epochs: sample {missing}: the picture is gone")
        );
    }
    // Who has broken off before gets no error.
    let flow = Batches::new(&Epochs { missing: 2 }, 1).for_each(ControlFlow::Break);
    assert_eq!(flow.unwrap().break_value().unwrap().number, 0);
    assert!(start.elapsed() < Duration::from_secs(30));
}

/// Two inputs of different shapes, two targets, weights: all made of the index.
fn several() -> InMemory {
    InMemory::named(
        [
            ("image", Tensor::from_fn([5, 2, 1], |i| i as f32)),
            ("age", Tensor::from_fn([5], |i| 100.0 + i as f32)),
        ],
        [
            ("class", Tensor::one_hot(&[0, 1, 0, 1, 1], 2).unwrap()),
            ("height", Tensor::from_fn([5, 1], |i| 200.0 + i as f32)),
        ],
    )
    .unwrap()
    .with_sample_weights(Tensor::from_fn([5], |i| i as f32 / 4.0))
    .unwrap()
}

#[test]
fn several_inputs_targets_and_weights_go_through_subsets_into_batches() {
    let data = std::sync::Arc::new(several());
    let part = Subset::indices(data, vec![3, 0, 4]).unwrap();
    assert_eq!(
        part.inputs(),
        [Field::new("image", &[2, 1]), Field::new("age", &[])]
    );
    assert_eq!(
        part.targets(),
        [Field::new("class", &[2]), Field::new("height", &[1])]
    );
    let all = collect(Batches::new(&part, 2));
    let shapes = |tensors: &[Tensor]| -> Vec<Vec<usize>> {
        tensors.iter().map(|t| t.shape().to_vec()).collect()
    };
    assert_eq!(shapes(&all[0].inputs), [vec![2, 2, 1], vec![2]]);
    assert_eq!(shapes(&all[1].targets), [vec![1, 2], vec![1, 1]]);
    assert_eq!(all[0].input().to_vec(), [6.0, 7.0, 0.0, 1.0]);
    assert_eq!(all[0].inputs[1].to_vec(), [103.0, 100.0]);
    assert_eq!(all[0].target().to_vec(), [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(all[1].targets[1].to_vec(), [204.0]);
    let weights = |batch: &Batch| batch.sample_weights.as_ref().map(Tensor::to_vec);
    assert_eq!(weights(&all[0]), Some(vec![0.75, 0.0]));
    assert_eq!(weights(&all[1]), Some(vec![1.0]));
    assert_eq!(weights(&collect(Batches::new(&self::data(3), 2))[0]), None);
}

#[test]
fn fields_and_weights_that_cannot_be_are_refused() {
    let named = |names: &[&'static str]| {
        let columns = names.iter().map(|&name| (name, Tensor::zeros([2, 1])));
        let error = InMemory::named(columns, [("y", Tensor::zeros([2, 1]))]).unwrap_err();
        error.to_string()
    };
    assert!(named(&[]).contains("at least one input"), "{}", named(&[]));
    assert!(named(&["a", "b", "a"]).contains("two inputs are called `a`"));
    for weight in [f32::NAN, f32::INFINITY, -1.0] {
        let weights = Tensor::from_vec([3], vec![1.0, weight, 1.0]).unwrap();
        let error = data(3)
            .with_sample_weights(weights)
            .unwrap_err()
            .to_string();
        assert!(error.contains("sample 1: its weight is"), "{error}");
    }
    let error = data(3).with_sample_weights(Tensor::ones([4])).unwrap_err();
    assert!(error.to_string().contains("[3], not [4]"), "{error}");
    let mut out = [0.0; 2];
    let error = data(3).read_input_field(2.into(), 1, &mut out).unwrap_err();
    assert!(error.to_string().contains("sample 2: field 1"), "{error}");
    assert!(data(3).read_input(3.into(), &mut out).is_err());
    assert!(Broken.read_input_field(0.into(), 1, &mut out).is_err());
}

#[test]
fn inputs_and_targets_must_agree() {
    let error = InMemory::new(Tensor::zeros([3, 2]), Tensor::zeros([4, 1])).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }));
    assert!(error.to_string().contains("[3, 2]") && error.to_string().contains("[4, 1]"));
    let regression = InMemory::new(Tensor::zeros([3, 2]), Tensor::full([3, 2], 0.5)).unwrap();
    assert_eq!(regression.label(0), None);
}

/// What training that goes on compares: every value counts, and where it stands.
#[test]
fn samples_are_known_by_what_is_in_them() {
    let of = |inputs: &[f32], targets: &[f32]| {
        let inputs = Tensor::from_slice([3, 4], inputs).unwrap();
        let targets = Tensor::from_slice([3, 1], targets).unwrap();
        InMemory::new(inputs, targets).unwrap()
    };
    let inputs: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let targets = [0.0, 1.0, 0.0];
    let data = of(&inputs, &targets);
    let mark = data.fingerprint().unwrap();
    assert_eq!(of(&inputs, &targets).fingerprint().unwrap(), mark);
    assert_eq!(data.clone().fingerprint().unwrap(), mark);
    let mut marks = vec![mark.clone()];
    let mut new = |other: &InMemory| {
        let mark = other.fingerprint().unwrap();
        assert!(!marks.contains(&mark), "{mark}");
        marks.push(mark);
    };
    for at in 0..12 {
        let mut changed = inputs.clone();
        changed[at] = f32::from_bits(changed[at].to_bits() ^ 1);
        new(&of(&changed, &targets));
        let mut swapped = inputs.clone();
        swapped.swap(at, (at + 1) % 12);
        new(&of(&swapped, &targets));
    }
    new(&of(&inputs, &[0.0, 1.0, -0.0]));
    let weights = Tensor::from_slice([3], &[1.0, 1.0, 2.0]).unwrap();
    new(&data.clone().with_sample_weights(weights).unwrap());
    // Of a part: the whole, and which part of it.
    let part = |n| Subset::first(&data, n).fingerprint().unwrap();
    assert_eq!(part(3), mark);
    assert_ne!(part(2), mark);
    assert_ne!(part(2), part(1));
}
