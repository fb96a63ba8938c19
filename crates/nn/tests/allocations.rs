//! After the first steps of a fixed batch size, a training step takes no tensor memory from the system. A test
//! binary of its own: the count is one for the whole process.

use taper_nn::layers::{
    Activation, BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D,
};
use taper_nn::{CategoricalCrossentropy, L2, Relu, Seed, Sequential, Softmax};
use taper_tensor::{Stream, Tensor, allocation_count};

/// One thread: with several, a worker that gets its first share of some work late takes its working memory late.
#[test]
fn a_training_step_reuses_its_memory() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(steps_reuse_their_memory);
}

fn steps_reuse_their_memory() {
    for fuse in [true, false] {
        let mut model = Sequential::new([12, 12, 1])
            .add(
                Conv2D::new(8, 3)
                    .activation(Relu)
                    .kernel_regularizer(L2(0.01)),
            )
            .add(Dropout::new(0.5))
            .add(Conv2D::new(16, 3).activation(Relu))
            .add(MaxPooling2D::new(2))
            .add(Conv2D::new(16, 3).use_bias(false))
            .add(BatchNormalization::new())
            .add(Activation::new(Relu))
            .add(Flatten)
            .add(
                Dense::new(32)
                    .activation(Relu)
                    .activity_regularizer(L2(0.01)),
            )
            .add(Dense::new(10).activation(Softmax))
            .fuse(fuse)
            .build(Seed(7))
            .unwrap();
        let x = Tensor::normal([16, 12, 12, 1], 0.0, 1.0, Seed(7).key(Stream::User(0), 0));
        let y = Tensor::one_hot(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5], 10).unwrap();
        let mut after_step = |step| {
            model
                .train_batch(&x, &y, &CategoricalCrossentropy, Seed(7), step)
                .unwrap();
            allocation_count()
        };
        let warm = (0..2).map(&mut after_step).max();
        let later: Vec<u64> = (2..6).map(&mut after_step).collect();
        assert!(
            later.iter().all(|&count| Some(count) == warm),
            "fuse {fuse}: {warm:?}, then {later:?}"
        );
    }
}
