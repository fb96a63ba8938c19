//! The tape gives all memory of a step back: the next step of the same shapes allocates no tensor memory.
//! (In a program of its own, because the count is the process's.)

use taper_autograd::Tape;
use taper_tensor::ops::{Dropout, Epilogue, Fusible};
use taper_tensor::{Conv2dSpec, Result, Seed, Stream, Tensor, allocation_count};

fn normal(shape: &[usize], step: u64) -> Tensor {
    Tensor::normal(shape, 0.0, 0.1, Seed(3).key(Stream::User(0), step))
}

/// One step of gradient descent; the loss.
fn step(weights: &mut [Tensor], x: &Tensor, targets: &Tensor, number: u64) -> Result<f32> {
    let dropout = Some(Dropout {
        rate: 0.5,
        key: Seed(1).key(Stream::Dropout(0), number),
    });
    let hidden = Epilogue {
        activation: Some(Fusible::Relu),
        dropout,
    };
    let (loss, gradients) = {
        let tape = Tape::new();
        let vars: Vec<_> = weights.iter().map(|w| tape.parameter(w)).collect();
        let loss = tape
            .constant(x)
            .conv2d_fused(&vars[0], Some(&vars[1]), &hidden, &Conv2dSpec::default())?
            .conv2d_pooled(&vars[2], Some(&vars[3]), &hidden, &Conv2dSpec::default())?
            .flatten()?
            .dense(&vars[4], Some(&vars[5]), &hidden)?
            .dense(&vars[6], None, &Epilogue::default())?
            .softmax_cross_entropy(targets)?;
        let mut gradients = loss.backward()?;
        let gradients: Vec<_> = vars.iter().map(|w| gradients.take(w)).collect();
        (loss.value().item()?, gradients)
    };
    for (w, gradient) in weights.iter_mut().zip(gradients) {
        let gradient = gradient.expect("the loss depends on every weight");
        for (w, g) in w
            .as_mut_slice()
            .iter_mut()
            .zip(gradient.as_slice().expect("contiguous"))
        {
            *w -= 0.5 * g;
        }
    }
    Ok(loss)
}

#[test]
fn only_the_first_step_allocates() -> Result<()> {
    // In one thread: each thread of a pool has working memory of its own, which it takes when it gets its first piece
    // of work, be that in a later step. The tape is what is looked at here.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a thread");
    pool.install(train)
}

fn train() -> Result<()> {
    let shapes: [&[usize]; 7] = [
        &[3, 3, 1, 8],
        &[8],
        &[3, 3, 8, 16],
        &[16],
        &[4 * 4 * 16, 32],
        &[32],
        &[32, 4],
    ];
    let mut weights: Vec<Tensor> = shapes
        .iter()
        .enumerate()
        .map(|(i, shape)| normal(shape, i as u64))
        .collect();
    let x = normal(&[16, 12, 12, 1], 100);
    let targets = Tensor::one_hot(&[0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3], 4)?;

    let first = step(&mut weights, &x, &targets, 0)?;
    let allocations = allocation_count();
    let mut last = first;
    for number in 1..30 {
        last = step(&mut weights, &x, &targets, number)?;
    }
    assert_eq!(
        allocation_count(),
        allocations,
        "a later step took memory from the system"
    );
    assert!(
        last < first,
        "29 steps of descent lead from a loss of {first} to {last}"
    );
    Ok(())
}
