//! An LSTM on sequences: which of three forms a wave has (sine, rectangle, saw tooth), whatever its phase and period.
//! Sequences are of different lengths: what is missing at their ends is masked.

use taper::prelude::*;

const STEPS: usize = 24;
const MISSING: f64 = -9.0;

/// Run it with `cargo run --release --example sequences`.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (train, test) = (waves(768, 1)?, waves(192, 2)?);

    let mut model = Sequential::new([STEPS, 1])
        .add(Masking::new(MISSING))
        .add(LSTM::new(24))
        .add(Dense::new(3).activation(Softmax))
        .build(Seed(7))?;
    println!("{}", model.summary());

    let steps = 15 * 768 / 32;
    let rate = CosineDecay::new(0.01, f64::from(steps));
    let history = Trainer::new(
        Adam::new(rate).clipping(Clipping::GlobalNorm(1.0)),
        CategoricalCrossentropy,
    )
    .epochs(15)
    .validation(&test)
    .callback(EarlyStopping::on("val_loss").patience(5))
    .fit(&mut model, &train)?;
    for epoch in history.epochs.iter().step_by(5) {
        println!("epoch {}: loss {:.3}", epoch.epoch, epoch.loss);
    }
    let accuracy = history
        .last()
        .and_then(|epoch| epoch.val_accuracy)
        .unwrap_or(0.0);
    println!("val_accuracy {accuracy:.3}");

    assert!(accuracy > 0.8, "{accuracy}");
    Ok(())
}

/// Waves of 16 to 24 steps, with periods of 6 to 10 steps, any phase and some noise.
fn waves(count: usize, seed: u64) -> Result<InMemory, Box<dyn std::error::Error>> {
    let random = |stream, low, high| {
        Tensor::<f32>::uniform([count], low, high, Seed(seed).key(Stream::User(stream), 0)).to_vec()
    };
    let (length, period, phase) = (
        random(0, 16.0, 25.0),
        random(1, 6.0, 10.0),
        random(2, 0.0, 1.0),
    );
    let noise = Tensor::<f32>::normal(
        [count * STEPS],
        0.0,
        0.1,
        Seed(seed).key(Stream::User(3), 0),
    )
    .to_vec();
    let sequences = Tensor::from_fn([count, STEPS, 1], |i| {
        let (sample, step) = (i / STEPS, i % STEPS);
        if step >= length[sample] as usize {
            return MISSING as f32;
        }
        let turn = (step as f32 / period[sample] + phase[sample]).fract();
        let value = match sample % 3 {
            0 => (turn * std::f32::consts::TAU).sin(),
            1 if turn < 0.5 => 1.0,
            1 => -1.0,
            _ => 2.0 * turn - 1.0,
        };
        value + noise[i]
    });
    let forms: Vec<usize> = (0..count).map(|sample| sample % 3).collect();
    Ok(InMemory::new(sequences, Tensor::one_hot(&forms, 3)?)?)
}
