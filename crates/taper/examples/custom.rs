//! A layer, a loss, an optimizer and a metric of one's own, in one program that foretells bounds instead of means: the
//! value below which nine of ten observations lie.

use serde::{Deserialize, Serialize};
use std::any::Any;
use taper::prelude::*;

const QUANTILE: f64 = 0.9;

/// Run it with `cargo run --release --example custom`.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (train, test) = (observations(1500, 1)?, observations(1500, 2)?);

    let mut model = Sequential::new([1])
        .add(Dense::new(16))
        .add(Swish { beta: 1.0 })
        .add(Dense::new(16))
        .add(Swish { beta: 1.0 })
        .add(Dense::new(1))
        .build(Seed(7))?;
    let history = Trainer::new(
        SignDescent {
            learning_rate: 0.003,
            momentum: 0.9,
        },
        Pinball(QUANTILE),
    )
    .metric(Coverage)
    .epochs(20)
    .validation(&test)
    .fit(&mut model, &train)?;
    let (losses, last) = (
        history.get("loss"),
        history.last().expect("there are epochs"),
    );
    println!("loss {:.3} → {:.3}", losses[0], last.loss);
    let coverage = last.get("val_coverage").unwrap_or(f64::NAN);
    println!(
        "{:.0} % of the observations lie below the bound",
        100.0 * coverage
    );

    // A file names layers by their class; a registry tells it what `Swish` is.
    let file = Checkpoint::of(&model).to_bytes()?;
    let registry = Registry::new().layer::<Swish>("Swish");
    let again = Checkpoint::from_bytes(&file)?.into_model_with(&registry)?;
    let x = Tensor::from_vec([2, 1], vec![0.0, 1.0])?;
    assert_eq!(again.predict(&x)?.to_vec(), model.predict(&x)?.to_vec());
    println!("loaded with its own layer");

    assert!(last.loss < 0.7 * losses[0], "{losses:?}");
    assert!((coverage - QUANTILE).abs() < 0.06, "{coverage}");
    Ok(())
}

/// The layer: x · sigmoid(β x), with a β that is learnt. `beta` is where it begins.
#[derive(Debug, Serialize, Deserialize)]
struct Swish {
    beta: f64,
}

impl Describe for Swish {
    fn class_name(&self) -> &'static str {
        "Swish"
    }

    fn config(&self) -> serde_json::Value {
        serde_json::json!({ "beta": self.beta })
    }

    fn output_shape(&self, input: &[usize]) -> taper::nn::Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn weights(&self, _input: &[usize]) -> taper::nn::Result<Vec<WeightSpec>> {
        Ok(vec![WeightSpec {
            name: "beta".into(),
            shape: vec![1],
            initializer: Initializer::Constant(self.beta),
            regularizer: None,
            trainable: true,
        }])
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl<E: Element> Layer<E> for Swish {
    fn forward(
        &self,
        x: &Var<E>,
        weights: &[Var<E>],
        _: &mut Context<E>,
    ) -> taper::nn::Result<Var<E>> {
        // The gradient is the tape's business: the operations know theirs.
        Ok(x.mul(&x.mul(&weights[0])?.sigmoid())?)
    }
}

/// The loss of a quantile q: q · d where the observation is above the bound by d, (1 − q) · |d| where it is below.
#[derive(Debug)]
struct Pinball(f64);

impl<E: Element> Loss<E> for Pinball {
    fn name(&self) -> &'static str {
        "pinball"
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> taper::nn::Result<Var<E>> {
        let above = output.tape().constant(target).sub(output)?;
        let q = E::from_f64(self.0);
        let costs = above.scale(q).maximum(&above.scale(q - E::from_f64(1.0)))?;
        Ok(costs.mean_axes(&[1], false)?)
    }
}

/// The optimizer: steps of one size, along the sign of a mean of gradients.
#[derive(Debug)]
struct SignDescent {
    learning_rate: f64,
    momentum: f64,
}

impl<E: Element> Optimizer<E> for SignDescent {
    fn class_name(&self) -> &'static str {
        "SignDescent"
    }

    fn config(&self) -> serde_json::Value {
        serde_json::json!({ "learning_rate": self.learning_rate, "momentum": self.momentum })
    }

    fn learning_rate_at(&self, steps: u64) -> f64 {
        self.learning_rate / (1.0 + steps as f64 / 300.0)
    }

    fn slots(&self) -> &'static [&'static str] {
        &["momentum"]
    }

    fn update(
        &self,
        _iteration: u64,
        learning_rate: f64,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
        penalty: Penalty,
    ) {
        let momentum = &mut *slots[0];
        for ((w, &g), m) in weight.iter_mut().zip(gradient).zip(momentum) {
            let value = w.to_f64();
            let g = g.to_f64() + penalty.l1 * value.signum() + 2.0 * penalty.l2 * value;
            let mean = self.momentum * m.to_f64() + (1.0 - self.momentum) * g;
            *m = E::from_f64(mean);
            *w = E::from_f64(value - learning_rate * mean.signum());
        }
    }
}

/// The metric: which share of the observations lies below the bound. It sums; when it is asked depends on nobody.
#[derive(Debug)]
struct Coverage;

impl Metric for Coverage {
    fn name(&self) -> String {
        "coverage".into()
    }

    fn mode(&self) -> Mode {
        Mode::Max
    }

    fn sums(&self, output: &[usize], target: &[usize]) -> taper::train::Result<usize> {
        taper::train::metrics::same_shape("coverage", output, target).map(|()| 2)
    }

    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        target: &Tensor,
        weights: Option<&Tensor>,
    ) -> taper::train::Result<()> {
        let pair = (output, target);
        taper::train::metrics::each_value("coverage", pair, weights, |_, output, target, weight| {
            sums[0] += if target <= output { weight } else { 0.0 };
            sums[1] += weight;
        })
    }

    fn value(&self, sums: &[f64]) -> f64 {
        sums[0] / sums[1]
    }
}

/// A wave whose noise grows to the right.
fn observations(count: usize, seed: u64) -> Result<InMemory, Box<dyn std::error::Error>> {
    let key = |stream| Seed(seed).key(Stream::User(stream), 0);
    let x = Tensor::<f32>::uniform([count, 1], -1.0, 1.0, key(0));
    let noise = Tensor::<f32>::normal([count], 0.0, 1.0, key(1)).to_vec();
    let values = x.to_vec();
    let y = Tensor::from_fn([count, 1], |i| {
        (3.0 * values[i]).sin() + (0.35 + 0.25 * values[i]) * noise[i]
    });
    Ok(InMemory::new(x, y)?)
}
