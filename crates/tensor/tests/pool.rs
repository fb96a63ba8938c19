//! The pool of buffers. One test only: the counts belong to the whole process.

use taper_tensor::buffer::{Buffer, pooled_bytes, release_pool};
use taper_tensor::{Seed, Stream, Tensor, allocation_count};

fn step(n: u64) -> f32 {
    let x = Tensor::<f32>::uniform([64, 784], 0.0, 1.0, Seed(n).key(Stream::User(0), n));
    let bias = Tensor::<f32>::ones([784]);
    let mut y = x
        .transpose()
        .contiguous()
        .transpose()
        .add(&bias)
        .unwrap()
        .relu();
    y.add_assign(&x).unwrap();
    let probabilities = y.softmax(1).unwrap().sum_axes(&[0], false).unwrap();
    probabilities.mean().item().unwrap()
}

#[test]
fn memory_is_reused() {
    step(0);
    let allocations = allocation_count();
    let pooled = pooled_bytes();
    assert!(allocations > 0 && pooled > 64 * 784 * 4);
    for n in 1..5 {
        step(n);
    }
    assert_eq!(
        allocation_count(),
        allocations,
        "a step allocated memory that the step before had"
    );
    assert_eq!(pooled_bytes(), pooled);

    release_pool();
    assert_eq!(pooled_bytes(), 0);
    let buffer = Buffer::<f64>::uninit(9);
    assert_eq!(allocation_count(), allocations + 1);
    drop(buffer);
    assert_eq!(pooled_bytes(), 128); // two lines of 64 bytes

    drop(Buffer::<f32>::zeros(0));
    drop(Buffer::<f32>::zeros(32)); // 128 bytes again, of another type
    assert_eq!(allocation_count(), allocations + 1);
}
