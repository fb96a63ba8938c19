//! A run is the same to the bit for any number of threads.

mod common;

use common::{Bars, Bits, moments, network, normalized_network, timeless, trainer, weights};
use taper_train::prelude::*;

fn with_threads(network: fn() -> Model, threads: usize) -> (Bits, Bits, Vec<EpochRecord>) {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| {
        let (data, validation, mut model) = (Bars::new(150, 1), Bars::new(40, 2), network());
        let fit = trainer()
            .batch_size(64)
            .validation(&validation)
            .measure_training_set(true);
        let fit = { fit }.fit(&mut model, &data).unwrap();
        (weights(&model), moments(&fit), timeless(&fit))
    })
}

#[test]
fn one_two_and_three_threads_agree() {
    for network in [network, normalized_network] {
        let one = with_threads(network, 1);
        assert!(one.0.iter().any(|(name, _)| name.contains("kernel")));
        assert_eq!(one, with_threads(network, 2));
        assert_eq!(one, with_threads(network, 3));
    }
}
