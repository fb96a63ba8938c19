//! A Keras notebook, line by line: handwritten digits, a small convolutional network, L2 and dropout against overfitting.
//!
//! It trains for a minute. The guide (`taper::guide::notebook`) has Keras's lines beside these.

use std::path::Path;
use taper::prelude::*;

/// Run it with `cargo run --release --example notebook`, and perhaps the folder of MNIST behind `--`.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Where the four files of MNIST are. If they are not, those that come with the project are unpacked there.
    let folder = std::env::args().nth(1);
    notebook(
        folder.as_deref().unwrap_or("data/mnist").as_ref(),
        60_000,
        8,
    )
}

/// The notebook on the first `images` of the training set, for so many epochs.
pub fn notebook(
    folder: &Path,
    images: usize,
    epochs: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    // Pixels are divided by 255 and classes one-hot as they are read.
    let mnist = Mnist::open(folder)?;
    let train = Subset::first(mnist.train(), images);
    let test = Subset::first(mnist.test(), images.div_ceil(6));

    let l2 = L2(0.01);
    let mut model = Sequential::new([28, 28, 1])
        .add(Conv2D::new(32, 3).activation(Relu).kernel_regularizer(l2))
        .add(Dropout::new(0.5))
        .add(Conv2D::new(64, 3).activation(Relu).kernel_regularizer(l2))
        .add(Dropout::new(0.5))
        .add(MaxPooling2D::new(2))
        .add(Flatten)
        .add(Dense::new(128).activation(Relu).kernel_regularizer(l2))
        .add(Dropout::new(0.5))
        .add(Dense::new(10).activation(Softmax))
        .build(Seed(7))?; // shapes are checked here, layer by layer
    println!("{}", model.summary());

    let history = Trainer::new(Adam::default(), CategoricalCrossentropy)
        .metric(Accuracy)
        .epochs(epochs)
        .batch_size(64)
        .validation(&test)
        .fit(&mut model, &train)?;
    for epoch in &history.epochs {
        let val_loss = epoch.val_loss.unwrap_or(f64::NAN);
        println!(
            "epoch {}: loss {:.3}, val_loss {val_loss:.3}",
            epoch.epoch, epoch.loss
        );
    }

    let measured = evaluate(&model, &test, &CategoricalCrossentropy, 256)?;
    let accuracy = measured.accuracy.unwrap_or(0.0);
    println!("test accuracy {:.1} %", 100.0 * accuracy);

    let probabilities = predict(&model, &test, 256)?;
    println!("predictions {:?}", probabilities.shape());
    println!("the first one is {}", probabilities.argmax(1)?[0]);

    let losses = history.get("loss");
    assert!(
        losses[losses.len() - 1] < losses[0],
        "the loss fell: {losses:?}"
    );
    assert!(
        accuracy > 0.3,
        "better than one of ten by chance: {accuracy}"
    );
    Ok(())
}
