//! A network informed by physics: it learns a pendulum's swing from its equation alone, u″ = −u with u(0) = 0 and u′(0) = 1,
//! without a single observation. The derivatives are those of the network itself, taken on the tape, and the loss, which is
//! made of them, is differentiated once more. The solution is sin(t).

use taper::optim::{State, Weight, apply};
use taper::prelude::*;

const STEPS: u32 = 1200;
const UNITS: usize = 16;

/// Run it with `cargo run --release --example physics`.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let times = Tensor::<f32>::from_fn([33, 1], |i| i as f32 / 8.0); // 0 to 4
    // Two hidden layers: kernel, bias, kernel, bias, kernel, bias.
    let shapes = [
        [1, UNITS],
        [1, UNITS],
        [UNITS, UNITS],
        [1, UNITS],
        [UNITS, 1],
        [1, 1],
    ];
    let first = |i: usize| match i % 2 {
        0 => Initializer::GlorotNormal.tensor(&shapes[i], Seed(7), i as u32),
        _ => Tensor::zeros(shapes[i]),
    };
    let mut weights: Vec<Tensor> = (0..shapes.len()).map(first).collect();

    let adam: &dyn Optimizer = &Adam::new(CosineDecay::new(0.02, f64::from(STEPS)));
    let mut state = State::new(adam, weights.iter().map(|w| Some(w.shape())));
    for step in 0..=STEPS {
        let (loss, gradients) = loss_and_gradients(&weights, &times)?;
        if step % 300 == 0 {
            println!("step {step}: loss {loss:.6}");
        }
        let rate = adam.learning_rate_at(state.iterations);
        let parts = weights
            .iter_mut()
            .zip(gradients)
            .map(|(value, gradient)| Weight {
                value,
                gradient: Some(gradient),
                penalty: Penalty::default(),
            });
        apply(adam, &mut state, rate, parts)?;
    }

    let tape = Tape::new();
    let constants: Vec<Var> = weights.iter().map(|w| tape.constant(w)).collect();
    let swing = network(&constants, &tape.constant(&times))?;
    let error = swing.value().max_abs_difference(&times.sin())?;
    println!("off by {error:.4} at most");
    assert!(error < 0.05, "{error}");
    Ok(())
}

/// u(t) for times `[n, 1]`.
fn network(w: &[Var], t: &Var) -> Result<Var, taper::tensor::Error> {
    let x = t.matmul(&w[0])?.add(&w[1])?.tanh();
    let x = x.matmul(&w[2])?.add(&w[3])?.tanh();
    x.matmul(&w[4])?.add(&w[5])
}

/// How far the network is from the equation and from where the swing begins, and what to do about it.
fn loss_and_gradients(
    weights: &[Tensor],
    times: &Tensor,
) -> Result<(f32, Vec<Tensor>), taper::tensor::Error> {
    let tape = Tape::new();
    let w: Vec<Var> = weights.iter().map(|w| tape.parameter(w)).collect();
    let t = tape.parameter(times);
    let u = network(&w, &t)?;
    // Each output depends on its own time only, so the gradient of the sum holds the derivative at every time.
    let speed = u.sum().gradients(&[&t])?.remove(0);
    let acceleration = speed.sum().gradients(&[&t])?.remove(0);

    let equation = acceleration.add(&u)?.square().mean(); // u″ + u
    let place = u.slice(0, 0..1)?.square().sum(); // u(0)
    let start = (speed.slice(0, 0..1)? - 1.0).square().sum(); // u′(0) − 1
    let loss = equation + place + start;
    let value = loss.value().item()?;
    let gradients = loss.backward()?;
    Ok((value, w.iter().map(|w| gradients[w].clone()).collect()))
}
