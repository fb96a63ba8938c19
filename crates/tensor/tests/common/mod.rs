//! Tensors and views of random shapes, and the slow, obvious way to read them: index by index.

#![allow(dead_code)] // every test program uses its own part

use proptest::prelude::*;
use std::io::Write;
use std::process::Command;
use taper_tensor::simd::InstructionSet;
use taper_tensor::{Key, Seed, Stream, Tensor};

pub(crate) fn key(n: u32) -> Key {
    Seed(1).key(Stream::User(n), 0)
}

/// Distinct, unordered values.
pub(crate) fn tensor(shape: &[usize], n: u32) -> Tensor<f64> {
    Tensor::uniform(shape, -1.0, 1.0, key(n))
}

/// Every index of `shape`, in row-major order.
pub(crate) fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for &axis in shape {
        all = all
            .into_iter()
            .flat_map(|index| {
                (0..axis).map(move |i| index.iter().copied().chain([i]).collect::<Vec<_>>())
            })
            .collect();
    }
    all
}

/// Shapes of rank 0 to 4, axes of length 0 included (seldom).
pub(crate) fn shapes() -> impl Strategy<Value = Vec<usize>> {
    let axis = prop_oneof![1 => Just(0usize), 4 => Just(1), 12 => 2..6usize];
    prop::collection::vec(axis, 0..5)
}

/// A tensor that is contiguous, permuted, sliced or broadcast, at random.
pub(crate) fn views() -> impl Strategy<Value = Tensor<f64>> {
    (
        shapes(),
        any::<u32>(),
        prop::collection::vec((any::<u32>(), 0..5u8), 0..4),
    )
        .prop_map(|(shape, n, steps)| {
            let start = tensor(&shape, n % (1 << 24));
            steps.into_iter().fold(start, |view, (choice, step)| {
                changed(&view, choice as usize, step)
            })
        })
}

fn changed(view: &Tensor<f64>, choice: usize, step: u8) -> Tensor<f64> {
    let rank = view.rank();
    if rank == 0 || rank > 4 {
        return view.clone();
    }
    let axis = choice % rank;
    let length = view.shape()[axis];
    let mut axes: Vec<usize> = (0..rank).collect();
    match step {
        0 => view.transpose(),
        1 => {
            axes.rotate_left(axis);
            view.permute(&axes).unwrap()
        }
        2 => view.slice(axis, length.min(1)..length).unwrap(),
        3 => view.slice(axis, 0..length - length.min(1)).unwrap(),
        _ => {
            let one = view.slice(axis, 0..length.min(1)).unwrap();
            let mut shape = view.shape().to_vec();
            shape[axis] = if length == 0 { 0 } else { 3 };
            one.broadcast_to(&shape).unwrap()
        }
    }
}

/// Runs the test program that calls it once more for each instruction set.
pub(crate) fn on_every_instruction_set() {
    if std::env::var_os("TAPER_SIMD").is_some() {
        return;
    }
    for set in InstructionSet::ALL {
        let name = set.name();
        if !set.is_available() {
            // Past the test harness, which would swallow it: a skipped set must be seen.
            let message = format!("this machine has no {name}, its kernels are NOT tested\n");
            std::io::stderr().write_all(message.as_bytes()).unwrap();
            continue;
        }
        let run = Command::new(std::env::current_exe().unwrap())
            .env("TAPER_SIMD", name)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{name}:\n{said}");
    }
}
