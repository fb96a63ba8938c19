//! Values and gradients where functions end: zeros, ties, infinities. Expected ones are those of
//! TensorFlow; where it gives NaN though there is a limit, the limit.

use taper_autograd::{Tape, Var};
use taper_tensor::{Element, Result, Scalar, Tensor};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Whether both are the same number, infinity or NaN; zeros of any sign are equal.
fn same(found: &[f64], wanted: &[f64]) -> bool {
    let pairs = || found.iter().zip(wanted);
    let alike = |(a, b): (&f64, &f64)| a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-6;
    found.len() == wanted.len() && pairs().all(alike)
}

fn check_as<E: Element>(
    name: &str,
    f: impl Fn(&Var<E>) -> Result<Var<E>>,
    (x, value, slope): (&[f64], &[f64], &[f64]),
) {
    let tape = Tape::new();
    let values = x.iter().map(|&x| E::from_f64(x)).collect();
    let x = tape.parameter(&Tensor::from_vec([x.len()], values).unwrap());
    let y = f(&x).unwrap();
    let found: Vec<f64> = y
        .value()
        .to_vec()
        .into_iter()
        .map(|v: E| Scalar::to_f64(v))
        .collect();
    assert!(
        same(&found, value),
        "{name}: value {found:?}, wanted {value:?}"
    );
    let gradients = y.sum().backward().unwrap();
    let found: Vec<f64> = gradients[&x]
        .to_vec()
        .into_iter()
        .map(|v: E| Scalar::to_f64(v))
        .collect();
    assert!(
        same(&found, slope),
        "{name}: slope {found:?}, wanted {slope:?}"
    );
}

/// In both element types: `name`, the function, and x, values, slopes.
macro_rules! check {
    ($name:expr, $f:expr, $x:expr, $value:expr, $slope:expr) => {{
        check_as::<f64>($name, $f, (&$x, &$value, &$slope));
        check_as::<f32>($name, $f, (&$x, &$value, &$slope));
    }};
}

#[test]
fn functions_of_every_element() {
    let x = [0.0, 4.0, INF, -1.0, NAN];
    check!(
        "sqrt",
        |x| Ok(x.sqrt()),
        x,
        [0., 2., INF, NAN, NAN],
        [INF, 0.25, 0., NAN, NAN]
    );
    check!(
        "ln",
        |x| Ok(x.ln()),
        x,
        [-INF, 4f64.ln(), INF, NAN, NAN],
        [INF, 0.25, 0., -1., NAN]
    );
    check!(
        "recip",
        |x| Ok(x.recip()),
        x,
        [INF, 0.25, 0., -1., NAN],
        [-INF, -0.0625, 0., -1., NAN]
    );
    let x = [0.0, -0.0, INF, -INF, NAN];
    check!(
        "abs",
        |x| Ok(x.abs()),
        x,
        [0., 0., INF, INF, NAN],
        [0., 0., 1., -1., NAN]
    );
    check!(
        "relu",
        |x| Ok(x.relu()),
        x,
        [0., 0., INF, 0., NAN],
        [0., 0., 1., 0., 0.]
    );
    check!(
        "tanh",
        |x| Ok(x.tanh()),
        x,
        [0., 0., 1., -1., NAN],
        [1., 1., 0., 0., NAN]
    );
    check!(
        "sigmoid",
        |x| Ok(x.sigmoid()),
        x,
        [0.5, 0.5, 1., 0., NAN],
        [0.25, 0.25, 0., 0., NAN]
    );
    check!(
        "silu",
        |x| Ok(x.silu()),
        x,
        [0., 0., INF, 0., NAN],
        [0.5, 0.5, 1., 0., NAN]
    );
    check!(
        "exp",
        |x| Ok(x.exp()),
        x,
        [1., 1., INF, 0., NAN],
        [1., 1., INF, 0., NAN]
    );
    check!(
        "square",
        |x| Ok(x.square()),
        x,
        [0., 0., INF, INF, NAN],
        [0., 0., INF, -INF, NAN]
    );
    let x = [0.0, 1.0, INF, -INF, NAN];
    check!(
        "clip",
        |x| Ok(x.clip(num(0.), num(1.))),
        x,
        [0., 1., 1., 0., NAN],
        [1., 1., 0., 0., 0.]
    );
}

fn num<E: Element>(value: f64) -> E {
    E::from_f64(value)
}

#[test]
fn powers() {
    // 1 whatever x is, so nothing depends on x.
    let x = [0.0, -0.0, -2.0, INF, NAN];
    check!("x⁰", |x| Ok(x.powf(num(0.))), x, [1.; 5], [0.; 5]);
    let x = [0.0, -2.0, 4.0];
    check!(
        "x¹",
        |x| Ok(x.powf(num(1.))),
        x,
        [0., -2., 4.],
        [1., 1., 1.]
    );
    check!(
        "x²",
        |x| Ok(x.powf(num(2.))),
        x,
        [0., 4., 16.],
        [0., -4., 8.]
    );
    check!(
        "x³",
        |x| Ok(x.powf(num(3.))),
        x,
        [0., -8., 64.],
        [0., 12., 48.]
    );
    check!(
        "√x",
        |x| Ok(x.powf(num(0.5))),
        x,
        [0., NAN, 2.],
        [INF, NAN, 0.25]
    );
    check!(
        "1/x",
        |x| Ok(x.powf(num(-1.))),
        x,
        [INF, -0.5, 0.25],
        [-INF, -0.25, -0.0625]
    );
}

/// Whatever has no part in a maximum gets none of its gradient, even of an infinite one; ties share.
#[test]
fn maxima_and_minima() {
    let zero = |x: &Var<f64>| x.tape().constant(&Tensor::scalar(0.0));
    let f = |x: &Var<f64>| Ok(x.maximum(&zero(x))?.sqrt());
    check_as("√max(x, 0)", f, (&[-1., 4.], &[0., 2.], &[0., 0.25]));
    let f = |x: &Var<f64>| Ok(x.minimum(&zero(x))?.neg().sqrt());
    check_as("√−min(x, 0)", f, (&[1., -4.], &[0., 2.], &[0., -0.25]));
    let f = |x: &Var<f64>| x.maximum(&zero(x));
    check_as(
        "max(x, 0)",
        f,
        (
            &[0., -0., INF, -INF],
            &[0., 0., INF, 0.],
            &[0.5, 0.5, 1., 0.],
        ),
    );
    let f = |x: &Var<f64>| Ok(x.max_axes(&[0], false)?.sqrt());
    check_as("√max", f, (&[0., -1., -INF], &[0.], &[INF, 0., 0.]));
    check_as(
        "√max of ties",
        f,
        (&[4., 4., 1.], &[2.], &[0.125, 0.125, 0.]),
    );
    check_as("√max with NaN", f, (&[4., NAN], &[NAN], &[NAN, NAN]));
}

#[test]
fn quotients() {
    let by = |divisor: f64| move |x: &Var<f64>| x.div(&x.tape().constant(&Tensor::scalar(divisor)));
    check_as(
        "x / 0",
        by(0.0),
        (&[1., 0., -1.], &[INF, NAN, -INF], &[INF; 3]),
    );
    check_as("x / ∞", by(INF), (&[1., -1.], &[0., 0.], &[0., 0.]));
    let one_over = |x: &Var<f64>| x.tape().constant(&Tensor::scalar(1.0)).div(x);
    check_as("1 / x", one_over, (&[0., INF], &[INF, 0.], &[-INF, 0.]));
}

/// Rows with infinite logits are their limits: a mask of −∞ takes no part, and nothing becomes NaN.
#[test]
fn exponentials_of_rows() {
    let half = 0.5;
    let f = |x: &Var<f64>| x.softmax(0);
    check_as("softmax", f, (&[-INF, 0., 0.], &[0., half, half], &[0.; 3]));
    check_as("softmax", f, (&[INF, 0.], &[1., 0.], &[0.; 2]));
    check_as("softmax", f, (&[-INF, -INF], &[half, half], &[0.; 2]));
    let f = |x: &Var<f64>| x.log_sum_exp(0, false);
    check_as(
        "log_sum_exp",
        f,
        (&[-INF, 0., 0.], &[2f64.ln()], &[0., half, half]),
    );
    check_as("log_sum_exp", f, (&[-INF, -INF], &[-INF], &[half, half]));
    check_as("log_sum_exp", f, (&[INF, 0.], &[INF], &[1., 0.]));
    // TensorFlow: 1, 0.19317567, −1.1931758.
    let f = |x: &Var<f64>| x.log_softmax(0);
    let (values, slopes) = (
        [-INF, -1.3132616, -0.31326166],
        [1., 0.19317567, -1.1931758],
    );
    check_as("log_softmax", f, (&[-INF, 0., 1.], &values, &slopes));
}

#[test]
fn binary_cross_entropy_at_infinity_is_0_or_infinite() {
    let x = [INF, -INF, INF, -INF, INF, -INF, 50.0, -50.0];
    let t = [1.0, 0.0, 0.0, 1.0, 0.25, 0.25, 1.0, 0.0];
    let tiny = (-50f64).exp();
    let wanted = [0.0, 0.0, INF, INF, INF, INF, tiny, tiny];
    let slopes = [0.0, 0.0, 1.0, -1.0, 0.75, -0.25, -tiny, tiny];
    fn run<E: Element>(x: &[f64], t: &[f64], wanted: &[f64], slopes: &[f64]) {
        let tensor = |values: &[f64]| {
            Tensor::from_vec(
                [values.len()],
                values.iter().map(|&v| E::from_f64(v)).collect(),
            )
        };
        let (x, t) = (tensor(x).unwrap(), tensor(t).unwrap());
        let f = |x: &Var<E>| x.sigmoid_binary_cross_entropies(&t);
        let values: Vec<f64> = x
            .to_vec()
            .into_iter()
            .map(|v: E| Scalar::to_f64(v))
            .collect();
        check_as("one by one", f, (&values, wanted, slopes));
        for i in 0..x.len() {
            let (x, t) = (x.slice(0, i..i + 1).unwrap(), t.slice(0, i..i + 1).unwrap());
            let f = |x: &Var<E>| x.sigmoid_binary_cross_entropy(&t);
            let value = [Scalar::to_f64(x.item().unwrap())];
            check_as(
                "the mean of one",
                f,
                (&value, &wanted[i..=i], &slopes[i..=i]),
            );
        }
    }
    run::<f64>(&x, &t, &wanted, &slopes);
    run::<f32>(&x, &t, &wanted, &slopes);
    // A small loss keeps its digits.
    let x = Tape::new().constant(&Tensor::<f64>::full([1], 50.0));
    let loss = x
        .sigmoid_binary_cross_entropies(&Tensor::ones([1]))
        .unwrap();
    assert!((loss.value().item().unwrap() / tiny - 1.0).abs() <= 1e-12);
    // A mean that is a number stays one, though the sum is none.
    let x = Tape::new().constant(&Tensor::<f32>::full([4], 2e38));
    let loss = x.sigmoid_binary_cross_entropy(&Tensor::zeros([4])).unwrap();
    assert!((loss.value().item().unwrap() / 2e38 - 1.0).abs() <= 1e-6);
    // NaN on either side stays.
    for (x, t) in [(INF, NAN), (NAN, 1.0), (0.0, NAN)] {
        let x = Tape::new().constant(&Tensor::full([1], x));
        let loss = x
            .sigmoid_binary_cross_entropy(&Tensor::full([1], t))
            .unwrap();
        assert!(loss.value().item().unwrap().is_nan());
    }
}

/// Classes without a share in the target cost nothing, however improbable; a row without a target costs nothing at all.
#[test]
fn categorical_cross_entropy_at_infinity_and_of_zeros() {
    let rows = [
        (
            [0.0, -INF, 0.0],
            [0.5, 0.0, 0.5],
            2f64.ln(),
            [0.0, 0.0, 0.0],
        ),
        ([0.0, -INF, 0.0], [0.0, 1.0, 0.0], INF, [0.5, -1.0, 0.5]),
        ([INF, 0.0, 0.0], [1.0, 0.0, 0.0], 0.0, [0.0; 3]),
        ([1.0, 2.0, 3.0], [0.0; 3], 0.0, [0.0; 3]),
        (
            [0.0; 3],
            [0.0, 1.0, 0.0],
            3f64.ln(),
            [1. / 3., -2. / 3., 1. / 3.],
        ),
    ];
    for (x, t, wanted, slopes) in rows {
        let target = Tensor::from_vec([1, 3], t.to_vec()).unwrap();
        let f = |x: &Var<f64>| x.reshape([1, 3])?.softmax_cross_entropy(&target);
        check_as("the mean", f, (&x, &[wanted], &slopes));
        let f = |x: &Var<f64>| x.reshape([1, 3])?.softmax_cross_entropies(&target);
        check_as("row by row", f, (&x, &[wanted], &slopes));
    }
}
