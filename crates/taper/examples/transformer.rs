//! A small transformer: words of an alphabet of eight, one block of attention. Its task is one of order: does the first
//! `a` stand before the first `b`? Without positions it could not tell, so a layer adds what it learns of each.

use serde::{Deserialize, Serialize};
use std::any::Any;
use taper::prelude::*;

const STEPS: usize = 12;
const WIDTH: usize = 32;

/// Run it with `cargo run --release --example transformer`.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (train, test) = (texts(2048, 1)?, texts(512, 2)?);

    let mut net = Functional::new();
    let text = net.input("text", [STEPS]);
    let x = net.apply(Embedding::new(8, WIDTH), text);
    let x = net.apply(Positions {}, x);
    // The block: each half is added to what came in, and normalized.
    let seen = net.join(MultiHeadAttention::new(4, 8), &[x, x]);
    let sum = net.join(Add::new(), &[x, seen]);
    let x = net.apply(LayerNormalization::new(), sum);
    let wide = net.apply(Dense::new(2 * WIDTH).activation(Gelu), x);
    let narrow = net.apply(Dense::new(WIDTH), wide);
    let sum = net.join(Add::new(), &[x, narrow]);
    let x = net.apply(LayerNormalization::new(), sum);
    // One number a text.
    let x = net.apply(GlobalAveragePooling1D::new(), x);
    let first = net.apply(Dense::new(1).activation(Sigmoid), x);
    let mut model = net.outputs(&[first]).build(Seed(7))?;
    println!("{}", model.summary());

    let history = Trainer::new(AdamW::new(0.003), BinaryCrossentropy)
        .metric(BinaryAccuracy::new())
        .epochs(10)
        .batch_size(64)
        .validation(&test)
        .fit(&mut model, &train)?;
    let losses = history.get("loss");
    println!("loss {:.3} → {:.3}", losses[0], losses[losses.len() - 1]);
    let accuracy = history
        .last()
        .and_then(|epoch| epoch.get("val_binary_accuracy"));
    let accuracy = accuracy.unwrap_or(0.0);
    println!("val_binary_accuracy {accuracy:.3}");

    assert!(accuracy > 0.85, "{accuracy}");
    Ok(())
}

/// Adds to each position of `[steps, width]` what is learnt of it.
#[derive(Debug, Serialize, Deserialize)]
struct Positions {}

impl Describe for Positions {
    fn class_name(&self) -> &'static str {
        "Positions"
    }

    fn config(&self) -> serde_json::Value {
        serde_json::json!({})
    }

    fn output_shape(&self, input: &[usize]) -> taper::nn::Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn weights(&self, input: &[usize]) -> taper::nn::Result<Vec<WeightSpec>> {
        Ok(vec![WeightSpec {
            name: "positions".into(),
            shape: input.to_vec(),
            initializer: Initializer::RandomNormal {
                mean: 0.0,
                stddev: 0.2,
            },
            regularizer: None,
            trainable: true,
        }])
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl<E: Element> Layer<E> for Positions {
    fn forward(
        &self,
        x: &Var<E>,
        weights: &[Var<E>],
        _: &mut Context<E>,
    ) -> taper::nn::Result<Var<E>> {
        Ok(x.add(&weights[0])?)
    }
}

/// Random texts, and whether `a` (0) comes before `b` (1); both are in each of them.
fn texts(count: usize, seed: u64) -> Result<InMemory, Box<dyn std::error::Error>> {
    let key = |stream| Seed(seed).key(Stream::User(stream), 0);
    let mut letters = Tensor::<f32>::uniform([count, STEPS], 2.0, 8.0, key(0))
        .map(f32::floor)
        .to_vec();
    let places = Tensor::<f32>::uniform([count, 2], 0.0, STEPS as f64, key(1)).to_vec();
    let mut first = Vec::new();
    for (sample, text) in letters.chunks_exact_mut(STEPS).enumerate() {
        let (a, mut b) = (places[2 * sample] as usize, places[2 * sample + 1] as usize);
        if a == b {
            b = (a + 1) % STEPS;
        }
        text[a] = 0.0;
        text[b] = 1.0;
        first.push(f32::from(u8::from(a < b)));
    }
    let texts = Tensor::from_vec([count, STEPS], letters)?;
    Ok(InMemory::new(texts, Tensor::from_vec([count, 1], first)?)?)
}
