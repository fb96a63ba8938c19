//! An autoencoder: 32 values are squeezed through 3 and restored. The signals have three degrees of freedom, hidden in
//! noise, and the network has to find them by itself: its target is its input.

use taper::prelude::*;

const LENGTH: usize = 32;

/// Run it with `cargo run --release --example autoencoder`.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (noisy, clean) = signals(1024, 1);
    let data = InMemory::new(noisy.clone(), noisy)?;

    let mut model = Sequential::new([LENGTH])
        .add(Dense::new(24).activation(Tanh))
        .add(Dense::new(3).name("code"))
        .add(Dense::new(24).activation(Tanh))
        .add(Dense::new(LENGTH))
        .build(Seed(7))?;
    let history = Trainer::new(Adam::new(0.005), MeanSquaredError)
        .epochs(30)
        .callback(ReduceLROnPlateau::on("loss").patience(3))
        .fit(&mut model, &data)?;
    let losses = history.get("loss");
    println!("loss {:.3} → {:.3}", losses[0], losses[losses.len() - 1]);

    // Signals it has not seen. Noise does not fit through three numbers, so what comes out is closer to the truth.
    let (noisy, clean_again) = signals(128, 2);
    let restored = model.predict(&noisy)?;
    let before = MeanSquaredError.measure(&noisy, &clean_again)?;
    let after = MeanSquaredError.measure(&restored, &clean_again)?;
    println!("error of the noisy signals {before:.3}, of the restored ones {after:.3}");

    // The encoder alone: the model up to an inner layer, with the same weights.
    let code = model.with_outputs(["code"])?.predict(&noisy)?;
    println!("codes {:?}", code.shape());

    let energy = clean.square().mean().item()?;
    assert!(
        losses[losses.len() - 1] < 0.3 * f64::from(energy),
        "most of the energy {energy} is kept"
    );
    assert!(after < 0.6 * before, "{after} against {before}");
    Ok(())
}

/// Sums of three waves of random strength, with noise and without.
fn signals(count: usize, seed: u64) -> (Tensor, Tensor) {
    let strength =
        Tensor::<f32>::normal([count, 3], 0.0, 1.0, Seed(seed).key(Stream::User(0), 0)).to_vec();
    let clean = Tensor::from_fn([count, LENGTH], |i| {
        let (sample, at) = (i / LENGTH, (i % LENGTH) as f32 / LENGTH as f32);
        let wave = |k: usize| {
            strength[3 * sample + k] * ((k + 1) as f32 * std::f32::consts::TAU * at).sin()
        };
        wave(0) + wave(1) + wave(2)
    });
    let noise = Tensor::normal(
        [count, LENGTH],
        0.0,
        0.4,
        Seed(seed).key(Stream::User(1), 0),
    );
    (clean.add(&noise).expect("of one shape"), clean)
}
