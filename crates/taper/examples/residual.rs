//! A residual network: blocks whose input is added to their output, so that gradients have a way around each of them.
//! It tells stripes of three directions apart, on pictures full of noise.

use std::f64::consts::{FRAC_PI_2, TAU};
use taper::nn::Wire;
use taper::prelude::*;

const SIDE: usize = 16;

/// Run it with `cargo run --release --example residual`.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (train, test) = (stripes(384, 1)?, stripes(96, 2)?);

    let mut net = Functional::new();
    let image = net.input("image", [SIDE, SIDE, 1]);
    let mut x = net.apply(Conv2D::new(8, 3).padding(Padding::Same), image);
    for (filters, strides) in [(8, 1), (16, 2), (16, 1)] {
        x = block(&mut net, x, filters, strides);
    }
    let x = net.apply(GlobalAveragePooling2D::new(), x);
    let direction = net.apply(Dense::new(3).activation(Softmax), x);
    let mut model = net.outputs(&[direction]).build(Seed(7))?;
    println!("{}", model.summary());

    let history = Trainer::new(Adam::new(0.005), CategoricalCrossentropy)
        .epochs(6)
        .validation(&test)
        .fit(&mut model, &train)?;
    for epoch in &history.epochs {
        let accuracy = epoch.val_accuracy.unwrap_or(0.0);
        println!(
            "epoch {}: loss {:.3}, val_accuracy {accuracy:.3}",
            epoch.epoch, epoch.loss
        );
    }

    let accuracy = history.last().and_then(|epoch| epoch.val_accuracy);
    assert!(accuracy > Some(0.8), "{accuracy:?}");
    Ok(())
}

/// Two convolutions and a shortcut around them, which has a 1×1 convolution of its own where the shape changes.
fn block(net: &mut Functional, x: Wire, filters: usize, strides: usize) -> Wire {
    let conv = |kernel, strides| {
        Conv2D::new(filters, kernel)
            .strides(strides)
            .padding(Padding::Same)
            .use_bias(false)
    };
    let y = net.apply(conv(3, strides), x);
    let y = net.apply(BatchNormalization::new(), y);
    let y = net.apply(Activation::new(Relu), y);
    let y = net.apply(conv(3, 1), y);
    let y = net.apply(BatchNormalization::new(), y);
    let shortcut = if strides == 1 {
        x
    } else {
        net.apply(conv(1, strides), x)
    };
    let sum = net.join(Add::new(), &[shortcut, y]);
    net.apply(Activation::new(Relu), sum)
}

/// Pictures of stripes: across, upright or slanting, of any phase, in noise that is stronger than they are.
fn stripes(count: usize, seed: u64) -> Result<InMemory, Box<dyn std::error::Error>> {
    let noise = Tensor::<f32>::normal(
        [count * SIDE * SIDE],
        0.0,
        1.0,
        Seed(seed).key(Stream::User(0), 0),
    )
    .to_vec();
    let phase =
        Tensor::<f32>::uniform([count], 0.0, TAU, Seed(seed).key(Stream::User(1), 0)).to_vec();
    let pictures = Tensor::from_fn([count, SIDE, SIDE, 1], |i| {
        let (sample, row, column) = (i / (SIDE * SIDE), i / SIDE % SIDE, i % SIDE);
        let along = match sample % 3 {
            0 => row as f32,
            1 => column as f32,
            _ => (row + column) as f32 / 2f32.sqrt(),
        };
        (along * FRAC_PI_2 as f32 + phase[sample]).sin() + noise[i]
    });
    let directions: Vec<usize> = (0..count).map(|sample| sample % 3).collect();
    Ok(InMemory::new(pictures, Tensor::one_hot(&directions, 3)?)?)
}
