//! K-fold cross-validation, the folds in parallel: five models, each judged by the fifth of the samples that it has not
//! seen. A run depends on its seed and its data alone, so the figures are those of five runs one after the other.

use taper::prelude::*;

const FOLDS: usize = 5;

/// Run it with `cargo run --release --example k_fold`.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = moons(600)?;
    let folds = stratified_k_fold(&data, FOLDS, Seed(7))?;

    // A thread for each fold; the numbers inside of each are cut over all cores as well.
    let accuracies = std::thread::scope(|scope| {
        let threads: Vec<_> = folds
            .iter()
            .map(|fold| scope.spawn(|| train(fold)))
            .collect();
        let joined = threads
            .into_iter()
            .map(|thread| thread.join().expect("no fold panics"));
        joined.collect::<Result<Vec<f64>, _>>()
    })?;
    for (fold, accuracy) in accuracies.iter().enumerate() {
        println!("fold {}: accuracy {accuracy:.3}", fold + 1);
    }
    let mean = accuracies.iter().sum::<f64>() / FOLDS as f64;
    let variance = accuracies.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / (FOLDS - 1) as f64;
    println!("mean {mean:.3}, standard deviation {:.3}", variance.sqrt());

    assert_eq!(
        train(&folds[0])?,
        accuracies[0],
        "alone as in company, to the last bit"
    );
    assert!(mean > 0.9, "{mean}");
    Ok(())
}

/// The accuracy on the fold that was kept apart. Errors cross threads: `taper::train::Error` is `Send`.
fn train<D: Dataset + Clone>(
    (train, validation): &(Subset<D>, Subset<D>),
) -> Result<f64, taper::train::Error> {
    let mut model = Sequential::new([2])
        .add(Dense::new(24).activation(Tanh))
        .add(Dense::new(24).activation(Tanh))
        .add(Dense::new(2).activation(Softmax))
        .build(Seed(7))?;
    Trainer::new(Adam::new(0.01), CategoricalCrossentropy)
        .epochs(25)
        .fit(&mut model, train)?;
    let measured = evaluate(&model, validation, &CategoricalCrossentropy, 128)?;
    Ok(measured.accuracy.unwrap_or(0.0))
}

/// Two half circles that reach into each other.
fn moons(count: usize) -> Result<InMemory, Box<dyn std::error::Error>> {
    let noise =
        Tensor::<f32>::normal([count, 2], 0.0, 0.12, Seed(1).key(Stream::User(0), 0)).to_vec();
    let points = Tensor::from_fn([count, 2], |i| {
        let (point, axis) = (i / 2, i % 2);
        let angle = std::f32::consts::PI * (point / 2) as f32 / (count / 2) as f32;
        let place = match (point % 2, axis) {
            (0, 0) => angle.cos(),
            (0, _) => angle.sin(),
            (_, 0) => 1.0 - angle.cos(),
            _ => 0.5 - angle.sin(),
        };
        place + noise[i]
    });
    let sides: Vec<usize> = (0..count).map(|point| point % 2).collect();
    Ok(InMemory::new(points, Tensor::one_hot(&sides, 2)?)?)
}
