//! Gradients on the tape: what a differential equation in a loss needs, and what is refused by name.

use taper_autograd::{Op, Tape, Var};
use taper_tensor::ops::Epilogue;
use taper_tensor::{Element, Result, Seed, Stream, Tensor};

fn random(shape: &[usize], number: u64) -> Tensor<f64> {
    Tensor::normal(shape, 0.0, 0.7, Seed(5).key(Stream::User(0), number))
}

/// u(x) of a small network, for each of the points `[n, 1]`.
fn network(x: &Var<f64>, weights: &[Var<f64>]) -> Result<Var<f64>> {
    let hidden = x.dense(&weights[0], Some(&weights[1]), &Epilogue::default())?;
    let hidden = hidden.tanh().matmul(&weights[2])?.add(&weights[3])?.sin();
    hidden.matmul(&weights[4])
}

/// Mean of (u″ + u)² over the points.
fn residual(tape: &Tape<f64>, points: &Tensor<f64>, weights: &[Var<f64>]) -> Result<Var<f64>> {
    let x = tape.parameter(points);
    let u = network(&x, weights)?;
    let first = u.sum().gradients(&[&x])?.remove(0);
    let second = first.sum().gradients(&[&x])?.remove(0);
    Ok(second.add(&u)?.square().mean())
}

#[test]
fn the_loss_of_a_differential_equation_has_the_gradients_of_its_values() {
    let points = Tensor::from_fn([5, 1], |i| i as f64 * 0.3 - 0.6);
    let shapes: [&[usize]; 5] = [&[1, 4], &[4], &[4, 4], &[4], &[4, 1]];
    let weights: Vec<_> = (0..)
        .zip(shapes)
        .map(|(i, shape)| random(shape, i))
        .collect();
    let loss = |weights: &[Tensor<f64>]| {
        let tape = Tape::new();
        let on_tape: Vec<_> = weights
            .iter()
            .map(|weight| tape.parameter(weight))
            .collect();
        let loss = residual(&tape, &points, &on_tape).unwrap();
        (loss, on_tape)
    };
    // u″ on the tape is that of differences of u.
    let tape = Tape::new();
    let on_tape: Vec<_> = weights.iter().map(|weight| tape.constant(weight)).collect();
    let u = |shift: f64| {
        let x = tape.constant(&points.shift(shift));
        network(&x, &on_tape).unwrap().value().to_vec()
    };
    let (h, middle) = (1e-4, u(0.0));
    let mut wanted = 0.0;
    for (i, (above, below)) in u(h).into_iter().zip(u(-h)).enumerate() {
        let second = (above - 2.0 * middle[i] + below) / (h * h);
        wanted += (second + middle[i]).powi(2) / 5.0;
    }
    let (found, on_tape) = loss(&weights);
    assert!((found.value().item().unwrap() - wanted).abs() <= 1e-5 * wanted.max(1.0));

    let gradients = found.backward().unwrap();
    for (i, weight) in weights.iter().enumerate() {
        for element in 0..weight.len() {
            let at = |step: f64| {
                let mut moved = weights.clone();
                moved[i].as_mut_slice()[element] += step;
                loss(&moved).0.value().item().unwrap()
            };
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            let taped = gradients[&on_tape[i]].to_vec()[element];
            let near = (numeric - taped).abs() <= 1e-7 * taped.abs().max(1.0);
            assert!(near, "weight {i}[{element}]: {taped} for {numeric}");
        }
    }
}

#[test]
fn gradients_of_values_on_the_way_leave_the_tape_as_it_is() {
    let tape = Tape::<f64>::new();
    let x = tape.parameter(&Tensor::scalar(2.0));
    let y = x.square();
    let z = y.square().mul(&x).unwrap();
    let found = z.gradients(&[&y, &x, &z]).unwrap();
    // ∂z/∂y = 2 y x, dz/dx = 5 x⁴.
    let values: Vec<f64> = found.iter().map(|g| g.value().item().unwrap()).collect();
    assert_eq!(values, [16.0, 80.0, 1.0]);
    let other = tape.parameter(&Tensor::ones([2]));
    assert_eq!(
        z.gradients(&[&other]).unwrap()[0].value().to_vec(),
        [0.0, 0.0]
    );
    // The tape can still be walked back, and then no more.
    assert_eq!(
        found[1].add(&z).unwrap().backward().unwrap()[&x]
            .item()
            .unwrap(),
        160.0 + 80.0
    );
    let error = z.gradients(&[&x]).unwrap_err().to_string();
    assert!(error.contains("walked back already"), "{error}");
}

#[test]
fn what_has_no_second_derivative_is_named() {
    struct Own(Tensor<f64>);
    impl Op<f64> for Own {
        fn name(&self) -> &'static str {
            "own"
        }
        fn backward(
            self: Box<Self>,
            gradient: Tensor<f64>,
            _wanted: &[bool],
        ) -> Result<Vec<Option<Tensor<f64>>>> {
            Ok(vec![Some(gradient.mul(&self.0)?)])
        }
    }
    let tape = Tape::<f64>::new();
    let x = tape.parameter(&random(&[3, 2], 0));
    let own = tape
        .record(&[&x], x.value().clone(), || Own(x.value().clone()))
        .unwrap();
    let mapped = x.map("mapped", |x| x * x, |x| x + x);
    let normalized = x
        .batch_normalization(None, None, 1e-3, false)
        .unwrap()
        .output;
    for (value, name) in [
        (own, "own"),
        (mapped, "mapped"),
        (normalized, "batch_normalization"),
    ] {
        let error = value.sum().gradients(&[&x]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{name}: ")), "{error}");
        assert!(error.contains("differentiated again"), "{error}");
        // Beside the way it does not matter, and first derivatives are as before.
        assert!(value.sum().add(&x.square().sum()).is_ok());
    }
    let constant = tape.constant(x.value());
    let elsewhere = Tape::new().parameter(x.value());
    for var in [&constant, &elsewhere] {
        let error = x.sum().gradients(&[var]).unwrap_err().to_string();
        assert!(error.contains("a constant, or of another tape"), "{error}");
    }
    let error = x.gradients(&[&x]).unwrap_err().to_string();
    assert!(error.contains("this value has 6"), "{error}");
    assert_eq!(x.sum().backward().unwrap()[&x].to_vec(), [1.0; 6]);
}

/// f32 has the same operations.
#[test]
fn second_derivatives_in_single_precision() {
    fn curvature<E: Element>(x: f64) -> f64 {
        let tape = Tape::<E>::new();
        let x = tape.parameter(&Tensor::scalar(E::from_f64(x)));
        let slope = x.tanh().gradients(&[&x]).unwrap().remove(0);
        let curvature = slope.gradients(&[&x]).unwrap().remove(0);
        curvature.value().item().unwrap().to_f64()
    }
    let t = 0.3f64.tanh();
    let wanted = -2.0 * t * (1.0 - t * t);
    assert!((curvature::<f64>(0.3) - wanted).abs() <= 1e-14);
    assert!((curvature::<f32>(0.3) - wanted).abs() <= 1e-6);
}
