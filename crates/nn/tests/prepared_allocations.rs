//! Once it has run, a prepared model takes no tensor memory from the system, and asks the pool for none either. A test
//! binary of its own: the count is one for the whole process.

use taper_nn::layers::{Conv2D, Dense, Dropout, Flatten, MaxPooling2D};
use taper_nn::{Padding, Relu, Seed, Sequential, Softmax};
use taper_tensor::buffer::{pooled_bytes, release_pool};
use taper_tensor::{Stream, Tensor, allocation_count};

/// One thread: with several, a worker that gets its first share of some work late takes its working memory late.
#[test]
fn a_prediction_takes_no_memory() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(predictions_take_no_memory);
}

fn predictions_take_no_memory() {
    let model = Sequential::new([12, 12, 1])
        .add(Conv2D::new(8, 3).activation(Relu).padding(Padding::Same))
        .add(Dropout::new(0.5))
        .add(Conv2D::new(16, 3).activation(Relu))
        .add(MaxPooling2D::new(2))
        .add(Flatten)
        .add(Dense::new(300).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
        .build(Seed(7))
        .unwrap();
    let mut prepared = model.prepare(64).unwrap();
    let key = Seed(7).key(Stream::User(0), 0);
    let x = Tensor::normal([200, 12, 12, 1], 0.0, 1.0, key).to_vec();
    let mut y = vec![0.0; 200 * 10];
    let mut predict = |samples: usize| {
        let (x, y) = (&x[..samples * 144], &mut y[..samples * 10]);
        prepared.predict_into(x, y).unwrap();
        // Had it asked the pool, now empty, the count would tell.
        release_pool();
        assert_eq!(pooled_bytes(), 0);
        allocation_count()
    };
    let sizes = [1, 2, 7, 64, 200];
    let warm = sizes.map(&mut predict).into_iter().max().unwrap();
    for samples in sizes {
        assert_eq!(predict(samples), warm, "{samples} samples");
    }
}
