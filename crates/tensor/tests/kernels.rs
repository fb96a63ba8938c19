//! Every f32 kernel against the plain f64 reference, on every instruction set of the machine.

use proptest::prelude::*;
use std::io::Write;
use std::process::Command;
use taper_tensor::kernels::ConvGeometry;
use taper_tensor::ops::{Dropout, Epilogue, Fusible};
use taper_tensor::prepared::{Cut, PreparedConv2d};
use taper_tensor::simd::InstructionSet;
use taper_tensor::{Conv2dSpec, Element, Padding, Pool2dSpec, Scalar, Seed, Stream, Tensor};

/// Runs this whole file once more for each instruction set that is not the default one.
#[test]
fn every_instruction_set() {
    if std::env::var_os("TAPER_SIMD").is_some() {
        return;
    }
    for set in InstructionSet::ALL {
        let name = set.name();
        if !set.is_available() {
            // Past the test harness, which would swallow it: a skipped set must be seen.
            writeln!(
                std::io::stderr(),
                "kernels: this machine has no {name}, its kernels are NOT tested"
            )
            .unwrap();
            continue;
        }
        let run = Command::new(std::env::current_exe().unwrap())
            .env("TAPER_SIMD", name)
            .output()
            .unwrap();
        assert!(
            run.status.success(),
            "{name}:\n{}",
            String::from_utf8_lossy(&run.stdout)
        );
    }
}

#[test]
fn the_forced_set_is_the_set_in_use() {
    if let Ok(name) = std::env::var("TAPER_SIMD") {
        assert_eq!(taper_tensor::simd::instruction_set(), name);
    }
}

fn values(shape: &[usize], stream: u32) -> Tensor<f32> {
    Tensor::uniform(shape, -1.0, 1.0, Seed(5).key(Stream::User(stream), 0))
}

/// Largest difference, relative to the largest value.
fn error<E: Element>(found: &Tensor<f32>, expected: &Tensor<E>) -> f64 {
    error_beside(1e-3, found, expected)
}

/// Largest difference, relative to the largest value, or to `least` if that is larger.
fn error_beside<E: Element>(least: f64, found: &Tensor<f32>, expected: &Tensor<E>) -> f64 {
    assert_eq!(found.shape(), expected.shape());
    let expected: Vec<f64> = expected.to_vec().into_iter().map(Scalar::to_f64).collect();
    let size = expected.iter().fold(least, |m, x| m.max(x.abs()));
    let differences = found
        .to_vec()
        .into_iter()
        .zip(&expected)
        .map(|(f, e)| (f64::from(f) - e).abs());
    differences.fold(
        0.0,
        |m: f64, d| if d.is_nan() { f64::INFINITY } else { m.max(d) },
    ) / size
}

fn assert_close<E: Element>(what: &str, found: &Tensor<f32>, expected: &Tensor<E>) {
    assert_error(what, error(found, expected));
}

/// For sums of values up to 1: where there are few of them, all may happen to vanish, and are rounded no better for it.
fn assert_sums_close<E: Element>(what: &str, found: &Tensor<f32>, expected: &Tensor<E>) {
    assert_error(what, error_beside(1.0, found, expected));
}

fn assert_error(what: &str, error: f64) {
    // Winograd's convolutions round more often than a plain sum: kernels/README.md has the errors measured.
    assert!(error <= 4e-6, "{what}: error {error:e}");
}

/// Forward and both gradients of one geometry.
fn check_conv(input: [usize; 4], kernel: [usize; 4], spec: &Conv2dSpec, epilogue: &Epilogue) {
    let what = format!("{input:?} {kernel:?} {spec:?} {epilogue:?}");
    let (x, k, b) = (
        values(&input, 0),
        values(&kernel, 1),
        values(&kernel[3..], 2),
    );
    let (x64, k64, b64) = (x.cast::<f64>(), k.cast::<f64>(), b.cast::<f64>());
    let y = x.conv2d_fused(&k, Some(&b), epilogue, spec).unwrap();
    assert_sums_close(
        &what,
        &y,
        &x64.conv2d_fused(&k64, Some(&b64), epilogue, spec).unwrap(),
    );
    let dy = values(y.shape(), 3);
    let dx = dy.conv2d_input_gradient(&k, &input, spec).unwrap();
    let dx64 = dy
        .cast::<f64>()
        .conv2d_input_gradient(&k64, &input, spec)
        .unwrap();
    assert_sums_close(&format!("input gradient {what}"), &dx, &dx64);
    let dk = dy.conv2d_kernel_gradient(&x, &kernel, spec).unwrap();
    let dk64 = dy
        .cast::<f64>()
        .conv2d_kernel_gradient(&x64, &kernel, spec)
        .unwrap();
    assert_sums_close(&format!("kernel gradient {what}"), &dk, &dk64);
    if epilogue.activation.is_some() {
        let gradients = dy.conv2d_parameter_gradients(&y, epilogue, &x, &kernel, spec);
        let (dk, db) = gradients.unwrap();
        let z64 = dy
            .cast::<f64>()
            .epilogue_gradient(&y.cast(), epilogue)
            .unwrap();
        let dk64 = z64.conv2d_kernel_gradient(&x64, &kernel, spec).unwrap();
        assert_sums_close(
            &format!("kernel gradient through the epilogue {what}"),
            &dk,
            &dk64,
        );
        let db64 = z64.sum_to_last_axis();
        assert_sums_close(
            &format!("bias gradient through the epilogue {what}"),
            &db,
            &db64,
        );
    }
}

#[test]
fn convolutions() {
    let plain = Conv2dSpec::default();
    let same = Conv2dSpec {
        padding: Padding::Same,
        ..plain
    };
    let strided = Conv2dSpec {
        strides: [2, 3],
        ..plain
    };
    let dilated = Conv2dSpec {
        dilation: [2, 3],
        ..same
    };
    let none = Epilogue::default();
    check_conv([2, 28, 28, 1], [3, 3, 1, 32], &plain, &Epilogue::relu(true));
    check_conv([2, 26, 26, 32], [3, 3, 32, 64], &plain, &none);
    for spec in [
        plain,
        same,
        strided,
        Conv2dSpec {
            padding: Padding::Same,
            ..strided
        },
        dilated,
    ] {
        check_conv([3, 9, 11, 5], [3, 3, 5, 7], &spec, &none);
        check_conv([1, 13, 17, 17], [5, 4, 17, 45], &spec, &none);
    }
    check_conv([1, 1, 1, 1], [1, 1, 1, 1], &plain, &none);
    check_conv([4, 5, 5, 33], [1, 1, 33, 19], &plain, &none);
    for (groups, inputs, outputs) in [
        (3, 2, 4),
        (6, 1, 2),
        (1, 1, 1),
        (3, 1, 1),
        (45, 1, 1),
        (64, 1, 1),
        (17, 1, 3),
        (5, 3, 1),
        (9, 4, 4),
        (8, 8, 8),
        (2, 5, 7),
        (3, 17, 19),
    ] {
        for spec in [plain, same, strided, dilated] {
            let spec = Conv2dSpec { groups, ..spec };
            let (channels, filters) = (groups * inputs, groups * outputs);
            check_conv([2, 9, 14, channels], [3, 4, inputs, filters], &spec, &none);
            check_conv([2, 6, 5, channels], [1, 1, inputs, filters], &spec, &none);
        }
    }
    // Strides that leave inputs out, and ones that share a divisor with the dilation.
    for (strides, dilation) in [([3, 4], [1, 1]), ([4, 2], [2, 4]), ([2, 6], [4, 4])] {
        let spec = Conv2dSpec {
            strides,
            dilation,
            ..same
        };
        check_conv([2, 13, 17, 6], [3, 2, 6, 5], &spec, &none);
        check_conv([2, 13, 17, 6], [1, 1, 6, 5], &spec, &none);
        let spec = Conv2dSpec { groups: 6, ..spec };
        check_conv([2, 13, 17, 6], [2, 3, 1, 12], &spec, &none);
    }
    // More rows than one band of a slice, more pixels than one task.
    let grouped = Conv2dSpec { groups: 8, ..same };
    check_conv([1, 70, 90, 32], [3, 3, 4, 64], &grouped, &none);
    check_conv([3, 40, 41, 8], [1, 1, 8, 9], &plain, &none);
    check_conv([2, 5, 5, 600], [1, 1, 600, 300], &plain, &none);
    check_conv([17, 6, 6, 3], [3, 3, 3, 4], &plain, &none);
}

/// What can follow a product's sums.
fn activations() -> impl Strategy<Value = Option<Fusible>> {
    prop_oneof![
        Just(None),
        Just(Some(Fusible::Relu)),
        prop::sample::select(Fusible::ALL).prop_map(Some),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_convolution(
        n in 1usize..4, size in (1usize..9, 1usize..16), channels in 1usize..20, filters in 1usize..40,
        taps in (1usize..4, 1usize..6), strides in (1usize..3, 1usize..4), dilation in (1usize..3, 1usize..3),
        same: bool, activation in activations(),
    ) {
        let padding = if same { Padding::Same } else { Padding::Valid };
        let spec = Conv2dSpec { strides: strides.into(), padding, dilation: dilation.into(), groups: 1 };
        let (input, kernel) = ([n, size.0, size.1, channels], [taps.0, taps.1, channels, filters]);
        prop_assume!(spec.output_shape(&input, &kernel).is_ok());
        check_conv(input, kernel, &spec, &Epilogue { activation, dropout: None });
    }

    #[test]
    fn any_grouped_convolution(
        n in 1usize..4, size in (1usize..9, 1usize..16), groups in 1usize..40, inputs in 1usize..6, outputs in 1usize..10,
        taps in (1usize..4, 1usize..6), strides in (1usize..4, 1usize..4), dilation in (1usize..4, 1usize..4),
        same: bool, activation in activations(), depthwise: bool, drop: bool,
    ) {
        let padding = if same { Padding::Same } else { Padding::Valid };
        let spec = Conv2dSpec { strides: strides.into(), padding, dilation: dilation.into(), groups };
        let (inputs, outputs) = if depthwise { (1, outputs % 3 + 1) } else { (inputs, outputs) };
        let (input, kernel) = ([n, size.0, size.1, groups * inputs], [taps.0, taps.1, inputs, groups * outputs]);
        prop_assume!(spec.output_shape(&input, &kernel).is_ok());
        let drop = drop && activation.is_none_or(|activation| activation == Fusible::Relu);
        let dropout = drop.then(|| Dropout { rate: 0.3, key: Seed(1).key(Stream::Dropout(4), 9) });
        check_conv(input, kernel, &spec, &Epilogue { activation, dropout });
    }

    #[test]
    fn any_convolution_of_pixels(n in 1usize..9, size in (1usize..20, 1usize..20), channels in 1usize..70, filters in 1usize..70,
        activation in activations(), drop: bool,
    ) {
        let drop = drop && activation.is_none_or(|activation| activation == Fusible::Relu);
        let dropout = drop.then(|| Dropout { rate: 0.3, key: Seed(1).key(Stream::Dropout(4), 9) });
        let (input, kernel) = ([n, size.0, size.1, channels], [1, 1, channels, filters]);
        check_conv(input, kernel, &Conv2dSpec::default(), &Epilogue { activation, dropout });
    }

    #[test]
    fn any_pooled_convolution(
        n in 1usize..4, size in (2usize..12, 2usize..12), channels in 1usize..35, filters in 1usize..70,
        taps in (1usize..5, 1usize..7), stride in 1usize..3, dilation in 1usize..3, same: bool, drop: bool,
    ) {
        let padding = if same { Padding::Same } else { Padding::Valid };
        let spec = Conv2dSpec { strides: [stride; 2], padding, dilation: [dilation; 2], groups: 1 };
        let (input, kernel) = ([n, size.0, size.1, channels], [taps.0, taps.1, channels, filters]);
        let output = spec.output_shape(&input, &kernel);
        prop_assume!(output.is_ok_and(|o| o[1] >= 2 && o[2] >= 2));
        check_pooled(input, kernel, &spec, drop);
    }

    #[test]
    fn any_matrix_product(m in 1usize..100, k in 1usize..100, n in 1usize..100, left: bool, right: bool) {
        check_matmul(m, k, n, left, right);
    }
}

/// Winograd's way where it pays, so that what README.md says of its error stays true.
#[test]
fn the_error_of_winograds_way() {
    use taper_tensor::kernels::{ConvGeometry, ways};
    type Way<'a> = &'a dyn Fn(&ConvGeometry, &[f32], &[f32], &mut [f32]);
    let worst = |way: Way<'_>| {
        let shapes = [(24, 16, 16), (24, 32, 64), (13, 64, 64), (8, 128, 128)];
        let errors = shapes.map(|(side, channels, filters)| {
            let (input, kernel) = ([2, side, side, channels], [3, 3, channels, filters]);
            let spec = Conv2dSpec::default();
            let g = ConvGeometry::new("test", &spec, &input, &kernel).unwrap();
            let (x, k) = (values(&input, 0), values(&kernel, 1));
            let expected = x.cast::<f64>().conv2d(&k.cast(), &spec).unwrap();
            let mut y = vec![0.0; expected.len()];
            way(&g, &x.to_vec(), &k.to_vec(), &mut y);
            let found = Tensor::from_vec(expected.shape(), y).unwrap();
            error(&found, &expected)
        });
        errors.into_iter().fold(0.0, f64::max)
    };
    let (direct, winograd) = (
        worst(&|g, x, k, y| ways::direct(g, x, k, y)),
        worst(&|g, x, k, y| assert!(ways::winograd(g, x, k, y))),
    );
    println!("largest error: direct {direct:.1e}, Winograd {winograd:.1e}");
    assert!(
        direct <= 2e-6 && winograd <= 3e-6,
        "{direct:e} {winograd:e}"
    );
}

fn check_pooled(input: [usize; 4], kernel: [usize; 4], spec: &Conv2dSpec, drop: bool) {
    let what = format!("{input:?} {kernel:?} {spec:?} {drop}");
    let dropout = drop.then(|| Dropout {
        rate: 0.3,
        key: Seed(1).key(Stream::Dropout(4), 9),
    });
    let epilogue = Epilogue {
        activation: Some(Fusible::Relu),
        dropout,
    };
    let (x, k, b) = (
        values(&input, 0),
        values(&kernel, 1),
        values(&kernel[3..], 2),
    );
    let (x64, k64, b64) = (x.cast::<f64>(), k.cast::<f64>(), b.cast::<f64>());
    let (y, positions) = x.conv2d_pooled(&k, Some(&b), &epilogue, spec).unwrap();
    let (y64, _) = x64
        .conv2d_pooled(&k64, Some(&b64), &epilogue, spec)
        .unwrap();
    assert_sums_close(&what, &y, &y64);
    if !drop {
        let g = ConvGeometry::new("test", spec, &input, &kernel).unwrap();
        let prepared = PreparedConv2d::new(g, &k, Some(&b), true, true);
        let maxima = [Cut::Whole, Cut::Tasks].map(|cut| {
            let mut maxima = Tensor::zeros(y.shape());
            prepared.run(
                input[0],
                x.as_slice().unwrap(),
                None,
                maxima.as_mut_slice(),
                cut,
            );
            maxima
        });
        assert_sums_close(&format!("prepared {what}"), &maxima[0], &y64);
        assert_eq!(maxima[0].to_vec(), maxima[1].to_vec(), "{what}");
    }
    // A tie to the last bit may be won by another position in f32, so both gradients use the f32 positions.
    let dy = values(y.shape(), 3);
    let found = dy
        .conv2d_pooled_gradients(&positions, &x, &k, &epilogue, spec, true)
        .unwrap();
    let expected = dy
        .cast::<f64>()
        .conv2d_pooled_gradients(&positions, &x64, &k64, &epilogue, spec, true)
        .unwrap();
    assert_sums_close(
        &format!("input {what}"),
        &found.input.unwrap(),
        &expected.input.unwrap(),
    );
    assert_sums_close(&format!("kernel {what}"), &found.kernel, &expected.kernel);
    assert_sums_close(&format!("bias {what}"), &found.bias, &expected.bias);
}

#[test]
fn pooled_convolutions() {
    let plain = Conv2dSpec::default();
    for drop in [false, true] {
        check_pooled([3, 26, 26, 32], [3, 3, 32, 64], &plain, drop);
        check_pooled([2, 28, 28, 1], [5, 5, 1, 6], &plain, drop);
        check_pooled(
            [2, 11, 10, 20],
            [5, 5, 20, 130],
            &Conv2dSpec {
                padding: Padding::Same,
                ..plain
            },
            drop,
        );
    }
}

/// Every way of a convolution adds what it is given, and lets relu follow, to the bits of the sum behind it.
#[test]
fn sums_behind_convolutions() {
    let spec = |strides, padding, groups| Conv2dSpec {
        strides,
        padding,
        groups,
        ..Conv2dSpec::default()
    };
    let same = Padding::Same;
    for (input, kernel, spec) in [
        ([3, 13, 14, 16], [3, 3, 16, 32], spec([1, 1], same, 1)), // Winograd
        ([7, 5, 5, 32], [3, 3, 32, 33], spec([1, 1], same, 1)),   // several images a block
        ([5, 9, 8, 20], [1, 1, 20, 24], spec([1, 1], same, 1)),   // pixels
        ([3, 12, 11, 24], [3, 3, 1, 24], spec([1, 1], same, 24)), // lanes
        (
            [3, 40, 41, 3],
            [5, 5, 3, 17],
            spec([1, 1], Padding::Valid, 1),
        ),
        ([2, 16, 15, 8], [3, 3, 8, 16], spec([2, 2], same, 1)),
    ] {
        let (x, k) = (values(&input, 0), values(&kernel, 1));
        let bias = values(&kernel[3..], 2);
        let plain = x.conv2d_fused(&k, Some(&bias), &Epilogue::default(), &spec);
        let plain = plain.unwrap();
        let other = values(plain.shape(), 3);
        for relu in [false, true] {
            let sum = plain.add(&other).unwrap();
            let expected = if relu { sum.relu() } else { sum };
            let found = x.conv2d_sum(&k, Some(&bias), &other, relu, &spec).unwrap();
            assert_eq!(
                pattern(&found),
                pattern(&expected),
                "{input:?} {kernel:?} {relu}"
            );
            let geometry = ConvGeometry::new("test", &spec, &input, &kernel).unwrap();
            let prepared = PreparedConv2d::new(geometry, &k, Some(&bias), relu, false);
            for cut in [Cut::Whole, Cut::Tasks] {
                let mut y = Tensor::zeros(plain.shape());
                let (x, other) = (x.as_slice().unwrap(), other.as_slice());
                prepared.run(input[0], x, other, y.as_mut_slice(), cut);
                assert_eq!(
                    pattern(&y),
                    pattern(&expected),
                    "prepared {input:?} {kernel:?} {relu}"
                );
            }
        }
        let so_far = values(&input, 4);
        let alone = other.conv2d_input_gradient(&k, &input, &spec).unwrap();
        let expected = so_far.add(&alone).unwrap();
        let found = other.conv2d_input_gradient_sum(&k, &so_far, &spec).unwrap();
        assert_eq!(
            pattern(&found),
            pattern(&expected),
            "gradient {input:?} {kernel:?}"
        );
        let wrong = x.conv2d_sum(&k, None, &values(&[1, 1], 5), false, &spec);
        let message = wrong.unwrap_err().to_string();
        assert!(message.contains("what is added must be"), "{message}");
    }
}

fn pattern(tensor: &Tensor) -> Vec<u32> {
    tensor.to_vec().iter().map(|x| x.to_bits()).collect()
}

/// A maximum is NaN where one of its four is, whichever.
#[test]
fn a_prepared_convolution_does_not_lose_nan() {
    for channels in [3, 32] {
        let (shape, kernel) = ([1, 14, 14, channels], values(&[3, 3, channels, 33], 1));
        let g = ConvGeometry::new("test", &Conv2dSpec::default(), &shape, kernel.shape()).unwrap();
        let prepared = PreparedConv2d::new(g, &kernel, None, true, true);
        for (row, column) in [(4, 4), (4, 5), (5, 4), (5, 5), (0, 0), (13, 13)] {
            let mut x = values(&shape, 0);
            x.as_mut_slice()[(row * 14 + column) * channels] = f32::NAN;
            let mut y = Tensor::zeros([6, 6, 33]);
            prepared.run(1, x.as_slice().unwrap(), None, y.as_mut_slice(), Cut::Whole);
            // Outputs row − 2 to row read the pixel, and a maximum reads two of them.
            let reads = |i: usize, at: usize| 2 * i <= at && at <= 2 * i + 3;
            for (i, y) in y.to_vec().iter().enumerate() {
                if reads(i / 33 / 6, row) && reads(i / 33 % 6, column) {
                    assert!(
                        y.is_nan(),
                        "{channels} channels, ({row}, {column}), {i}: {y}"
                    );
                }
            }
            let far = y.to_vec()[if row < 7 { 6 * 6 * 33 - 1 } else { 0 }];
            assert!(!far.is_nan());
        }
    }
}

fn check_matmul(m: usize, k: usize, n: usize, left: bool, right: bool) {
    let matrix = |rows, columns, transposed: bool, stream| match transposed {
        false => values(&[rows, columns], stream),
        true => values(&[columns, rows], stream).transpose(),
    };
    let (a, b) = (matrix(m, k, left, 0), matrix(k, n, right, 1));
    let expected = a.cast::<f64>().matmul(&b.cast::<f64>()).unwrap();
    assert_sums_close(
        &format!("{m}×{k}×{n} {left} {right}"),
        &a.matmul(&b).unwrap(),
        &expected,
    );
}

#[test]
fn matrix_products() {
    for (m, k, n) in [
        (64, 9216, 128),
        (9216, 64, 128),
        (64, 128, 9216),
        (1, 9216, 128),
        (64, 2048, 10),
        (7, 513, 300),
    ] {
        for (left, right) in [(false, false), (true, false), (false, true), (true, true)] {
            check_matmul(m, k, n, left, right);
        }
    }
}

#[test]
fn poolings() {
    for (size, strides) in [
        ([2, 2], [2, 2]),
        ([3, 2], [1, 2]),
        ([3, 3], [2, 2]),
        ([17, 16], [1, 1]),
    ] {
        for padding in [Padding::Valid, Padding::Same] {
            let spec = Pool2dSpec {
                size,
                strides,
                padding,
            };
            let x = values(&[3, 18, 17, 19], 0);
            let (y, positions) = x.max_pool2d(&spec).unwrap();
            let (y64, positions64) = x.cast::<f64>().max_pool2d(&spec).unwrap();
            assert_close("maxima", &y, &y64);
            let dy = values(y.shape(), 1);
            let dx = dy
                .max_pool2d_gradient(&positions, x.shape(), &spec)
                .unwrap();
            let dx64 = dy
                .cast::<f64>()
                .max_pool2d_gradient(&positions64, x.shape(), &spec)
                .unwrap();
            assert_close("gradient", &dx, &dx64);
            let y64 = x.cast::<f64>().average_pool2d(&spec).unwrap();
            assert_close("averages", &x.average_pool2d(&spec).unwrap(), &y64);
            let dx = dy.average_pool2d_gradient(x.shape(), &spec).unwrap();
            let dx64 = dy.cast::<f64>().average_pool2d_gradient(x.shape(), &spec);
            assert_close("gradient of averages", &dx, &dx64.unwrap());
        }
    }
}

#[test]
fn dropout_masks_are_the_same_bits_everywhere() {
    let dropout = Dropout {
        rate: 0.2,
        key: Seed(3).key(Stream::Dropout(1), 7),
    };
    let x = values(&[77, 1031], 0);
    let (y, y64) = (
        x.dropout(&dropout).unwrap(),
        x.cast::<f64>().dropout(&dropout).unwrap(),
    );
    assert_close("dropout", &y, &y64);
    let kept = y.to_vec().iter().filter(|y| **y != 0.0).count() as f64 / y.len() as f64;
    assert!((kept - 0.8).abs() <= 0.01, "{kept}");
    // The mask depends on the position in the whole tensor, not on how the work was cut.
    let fused = x
        .cast::<f32>()
        .dense(
            &eye(1031),
            None,
            &Epilogue {
                activation: None,
                dropout: Some(dropout),
            },
        )
        .unwrap();
    assert_close("fused", &fused, &y64);
}

fn eye(n: usize) -> Tensor<f32> {
    Tensor::from_fn([n, n], |i| if i % (n + 1) == 0 { 1.0 } else { 0.0 })
}

#[test]
fn sums_and_gradients_of_epilogues() {
    let x = values(&[999, 45], 0);
    assert_close(
        "sum",
        &x.sum_to_last_axis(),
        &x.cast::<f64>().sum_to_last_axis(),
    );
    let (l1, l2) = x.penalty_sums();
    let (l1_64, l2_64) = x.cast::<f64>().penalty_sums();
    assert!((l1 - l1_64).abs() <= 1e-9 * l1_64 && (l2 - l2_64).abs() <= 1e-9 * l2_64);
    for &activation in Fusible::ALL {
        let epilogue = Epilogue {
            activation: Some(activation),
            dropout: None,
        };
        let (gradient, eye) = (values(&[999, 45], 1), eye(45));
        let output = x.dense(&eye, None, &epilogue).unwrap();
        let expected = gradient
            .cast::<f64>()
            .epilogue_gradient(&output.cast(), &epilogue)
            .unwrap();
        let found = gradient.epilogue_gradient(&output, &epilogue).unwrap();
        assert_close(&format!("{activation:?}"), &found, &expected);
    }
}

/// A network that has diverged must show it: no kernel may turn NaN into a number.
#[test]
fn nan_is_not_swallowed() {
    let all_nan = |t: &Tensor<f32>| t.to_vec().iter().all(|x| x.is_nan());
    let nan = |shape: &[usize]| Tensor::full(shape, f32::NAN);
    let (spec, relu) = (Conv2dSpec::default(), Epilogue::relu(true));
    for &activation in Fusible::ALL {
        // In vectors and behind them: 20 filters.
        let epilogue = Epilogue {
            activation: Some(activation),
            dropout: None,
        };
        let (y, k) = (nan(&[1, 4, 4, 20]), nan(&[3, 3, 2, 20]));
        let back = values(y.shape(), 1)
            .epilogue_gradient(&y, &epilogue)
            .unwrap();
        let x = values(&[1, 6, 6, 2], 2);
        assert!(all_nan(
            &x.conv2d_fused(&k, None, &epilogue, &spec).unwrap()
        ));
        let parameters = values(y.shape(), 1);
        let parameters =
            parameters.conv2d_parameter_gradients(&y, &epilogue, &x, &[3, 3, 2, 20], &spec);
        if activation != Fusible::Relu {
            let (kernel, bias) = parameters.unwrap();
            assert!(
                all_nan(&back) && all_nan(&kernel) && all_nan(&bias),
                "{activation:?}"
            );
        }
    }
    let x = nan(&[2, 6, 6, 3]);
    let (k, b) = (values(&[3, 3, 3, 20], 0), values(&[20], 1));
    assert!(all_nan(
        &x.conv2d_fused(&k, Some(&b), &relu, &spec).unwrap()
    ));
    assert!(all_nan(
        &x.conv2d_pooled(&k, Some(&b), &relu, &spec).unwrap().0
    ));
    let pool = Pool2dSpec {
        size: [2, 2],
        strides: [2, 2],
        padding: Padding::Valid,
    };
    assert!(all_nan(&x.max_pool2d(&pool).unwrap().0));
    assert!(all_nan(
        &nan(&[3, 5])
            .dense(&values(&[5, 20], 2), Some(&b), &relu)
            .unwrap()
    ));
    assert!(all_nan(&nan(&[40]).relu()));
}

/// Bits of everything that is cut into tasks, to be compared over numbers of threads.
fn bits() -> Vec<u32> {
    let spec = Conv2dSpec::default();
    let dropout = Some(Dropout {
        rate: 0.5,
        key: Seed(1).key(Stream::Dropout(0), 0),
    });
    let epilogue = Epilogue {
        activation: Some(Fusible::Relu),
        dropout,
    };
    let (x, k, b) = (
        values(&[37, 14, 14, 8], 0),
        values(&[3, 3, 8, 24], 1),
        values(&[24], 2),
    );
    let (y, positions) = x.conv2d_pooled(&k, Some(&b), &epilogue, &spec).unwrap();
    let dy = values(y.shape(), 3);
    let pooled = dy
        .conv2d_pooled_gradients(&positions, &x, &k, &epilogue, &spec, true)
        .unwrap();
    let full = x.conv2d_fused(&k, Some(&b), &epilogue, &spec).unwrap();
    let dk = full.conv2d_kernel_gradient(&x, k.shape(), &spec).unwrap();
    let dx = full.conv2d_input_gradient(&k, x.shape(), &spec).unwrap();
    let product = values(&[64, 5000], 4)
        .matmul(&values(&[5000, 100], 5))
        .unwrap();
    let sums = full.sum_to_last_axis();
    let penalty = Tensor::from_vec(
        [2],
        [full.penalty_sums().0 as f32, full.penalty_sums().1 as f32].into(),
    )
    .unwrap();
    let all = [
        y,
        pooled.input.unwrap(),
        pooled.kernel,
        pooled.bias,
        full,
        dk,
        dx,
        product,
        sums,
        penalty,
    ];
    let ways = ways_of_convolutions(&epilogue);
    all.iter()
        .chain(&ways)
        .flat_map(|t| t.to_vec())
        .map(f32::to_bits)
        .collect()
}

/// Forward and both gradients of convolutions that go other ways: 1×1, depthwise, in groups, strided.
fn ways_of_convolutions(epilogue: &Epilogue) -> Vec<Tensor<f32>> {
    let shapes = [
        ([19, 9, 10, 40], [1, 1, 40, 50], 1, 1),
        ([19, 14, 14, 48], [3, 3, 1, 48], 1, 48),
        ([2, 60, 60, 32], [3, 3, 1, 64], 1, 32),
        ([2, 60, 60, 32], [3, 3, 4, 32], 2, 8),
        ([3, 40, 41, 16], [5, 5, 16, 24], 2, 1),
    ];
    let products = shapes.map(|(input, kernel, stride, groups)| {
        let spec = Conv2dSpec {
            strides: [stride; 2],
            padding: Padding::Same,
            groups,
            ..Conv2dSpec::default()
        };
        let (x, k, b) = (
            values(&input, 0),
            values(&kernel, 1),
            values(&kernel[3..], 2),
        );
        let y = x.conv2d_fused(&k, Some(&b), epilogue, &spec).unwrap();
        let dx = y.conv2d_input_gradient(&k, &input, &spec).unwrap();
        let dk = y.conv2d_kernel_gradient(&x, &kernel, &spec).unwrap();
        [y, dx, dk]
    });
    products.into_iter().flatten().collect()
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let with = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(bits)
    };
    let one = with(1);
    for threads in [2, 3, 5] {
        assert!(one == with(threads), "{threads} threads differ from one");
    }
}

/// The largest magnitude that a dense layer's gradient brings along is that of its numbers, and of no others.
#[test]
fn a_noted_magnitude_is_that_of_the_values_as_they_are() {
    let largest = |t: &Tensor<f32>| t.to_vec().iter().fold(0.0f32, |most, x| most.max(x.abs()));
    for (n, inputs, outputs) in [
        (0, 3, 2),
        (2, 3, 4),
        (64, 900, 33),
        (64, 33, 900),
        (5000, 40, 20),
    ] {
        let (x, dy) = (values(&[n, inputs], 0), values(&[n, outputs], 1));
        let mut found = x.dense_kernel_gradient(&dy).unwrap();
        let expected = x.transpose().matmul(&dy).unwrap();
        assert_eq!(found.to_vec(), expected.to_vec());
        assert_eq!(found.magnitude(), f64::from(largest(&found)));
        let part = found.slice(0, 1..inputs).unwrap();
        assert_eq!(part.magnitude(), f64::from(largest(&part)));
        let mut copy = found.clone();
        copy.as_mut_slice()[1] = 1e9;
        found.as_mut_slice()[0] = f32::NEG_INFINITY;
        assert_eq!(copy.magnitude(), f64::from(1e9f32));
        assert_eq!(found.magnitude(), f64::INFINITY);
        assert!(found.scale(0.0).magnitude().is_nan());
        if n > 0 {
            let mut odd = dy.clone();
            odd.as_mut_slice()[outputs - 1] = f32::NAN;
            let gradient = x.dense_kernel_gradient(&odd).unwrap();
            assert!(gradient.magnitude().is_nan());
        }
    }
    let wrong = values(&[2, 3], 0).dense_kernel_gradient(&values(&[3, 3], 1));
    assert!(wrong.unwrap_err().to_string().contains("inner dimensions"));
}
