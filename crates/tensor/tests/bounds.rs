//! Shapes and windows that nobody means: an error, or work that the image bounds; never an endless loop, an overflow, or memory
//! for what was only claimed.

use std::panic::catch_unwind;
use taper_tensor::shape::MAX_ELEMENTS;
use taper_tensor::{Conv2dSpec, Error, Padding, Pool2dSpec, Seed, Stream, Tensor};

const SIZES: [usize; 12] = [
    0,
    1,
    2,
    7,
    8,
    9,
    1000,
    1 << 32,
    1 << 40,
    usize::MAX / 2,
    usize::MAX - 1,
    usize::MAX,
];
const PADDINGS: [Padding; 2] = [Padding::Valid, Padding::Same];

fn image(side: usize, channels: usize) -> Tensor<f64> {
    Tensor::uniform(
        [2, side, side, channels],
        -1.0,
        1.0,
        Seed(3).key(Stream::User(0), 0),
    )
}

#[test]
fn pooling_of_any_window_and_step_works_or_is_refused() {
    let x = image(8, 3);
    for size in SIZES {
        for stride in SIZES {
            for padding in PADDINGS {
                let spec = Pool2dSpec {
                    size: [size, 2],
                    strides: [stride, 2],
                    padding,
                };
                for x32 in [true, false] {
                    let pooled = |spec: &Pool2dSpec| -> Result<(), Error> {
                        if x32 {
                            let x = x.cast::<f32>();
                            let (y, at) = x.max_pool2d(spec)?;
                            y.max_pool2d_gradient(&at, x.shape(), spec)?;
                            x.average_pool2d(spec)?
                                .average_pool2d_gradient(x.shape(), spec)?;
                        } else {
                            let (y, at) = x.max_pool2d(spec)?;
                            y.max_pool2d_gradient(&at, x.shape(), spec)?;
                            x.average_pool2d(spec)?
                                .average_pool2d_gradient(x.shape(), spec)?;
                        }
                        Ok(())
                    };
                    let refused = size == 0 || stride == 0 || padding == Padding::Valid && size > 8;
                    // Close to the largest number, a window may be refused wherever it stands.
                    let failed = pooled(&spec).is_err();
                    assert!(
                        failed == refused || failed && size > usize::MAX - 9,
                        "{spec:?}"
                    );
                }
            }
        }
    }
}

/// A window that covers the image wherever it stands has the image's maximum and mean.
#[test]
fn a_window_larger_than_its_image_sees_all_of_it() {
    let x = image(8, 3);
    for size in [15, 17, 1000, 1 << 40, usize::MAX - 8] {
        let spec = Pool2dSpec {
            size: [size; 2],
            strides: [3, 1],
            padding: Padding::Same,
        };
        let (maxima, at) = x.max_pool2d(&spec).unwrap();
        assert_eq!(maxima.shape(), [2, 3, 8, 3]);
        let whole = x
            .max_axes(&[1, 2], true)
            .unwrap()
            .broadcast_to(&[2, 3, 8, 3])
            .unwrap();
        assert_eq!(maxima.to_vec(), whole.to_vec());
        let back = Tensor::ones([2, 3, 8, 3])
            .max_pool2d_gradient(&at, x.shape(), &spec)
            .unwrap();
        let maximum = |w: &f64| *w == 24.0;
        assert_eq!(
            back.to_vec().iter().filter(|w| maximum(w)).count(),
            6,
            "one of each channel of each image"
        );
        let mean = x
            .mean_axes(&[1, 2], true)
            .unwrap()
            .broadcast_to(&[2, 3, 8, 3])
            .unwrap();
        let difference = x
            .average_pool2d(&spec)
            .unwrap()
            .max_abs_difference(&mean)
            .unwrap();
        assert!(difference <= 1e-12, "{difference}");
    }
}

#[test]
fn convolutions_of_any_step_and_dilation_work_or_are_refused() {
    let x = image(8, 2);
    for taps in [1, 2, 3, 4, 40] {
        let kernel = Tensor::ones([taps, 2, 2, 3]);
        for stride in SIZES {
            for dilation in SIZES {
                for padding in PADDINGS {
                    let spec = Conv2dSpec {
                        strides: [stride, 1],
                        padding,
                        dilation: [dilation, 1],
                        groups: 1,
                    };
                    let convolved = || -> Result<(), Error> {
                        let y = x.conv2d(&kernel, &spec)?;
                        y.conv2d_input_gradient(&kernel, x.shape(), &spec)?;
                        y.conv2d_kernel_gradient(&x, kernel.shape(), &spec)?;
                        let (x, kernel) = (x.cast::<f32>(), kernel.cast::<f32>());
                        let y = x.conv2d(&kernel, &spec)?;
                        y.conv2d_input_gradient(&kernel, x.shape(), &spec)?;
                        let gradient = y.conv2d_kernel_gradient(&x, kernel.shape(), &spec)?;
                        assert_eq!(gradient.shape(), kernel.shape());
                        Ok(())
                    };
                    if let Err(error) = convolved() {
                        let message = error.to_string();
                        assert!(
                            dilation != 1 || stride == 0 || padding == Padding::Valid,
                            "{spec:?}: {message}"
                        );
                        assert!(
                            message.contains("rows") || message.contains("dilation"),
                            "{message}"
                        );
                    }
                }
            }
        }
    }
}

/// With a kernel that reaches far beyond the image: the middle of it alone gives the same, and the rest has no gradient.
#[test]
fn a_kernel_larger_than_its_image_costs_what_the_image_does() {
    let x = image(4, 2);
    let key = Seed(3).key(Stream::User(1), 0);
    for side in [31, 64, 101] {
        for strides in [[1, 1], [2, 3]] {
            let kernel = Tensor::<f64>::uniform([side, side, 2, 3], -1.0, 1.0, key);
            let spec = Conv2dSpec {
                strides,
                padding: Padding::Same,
                ..Conv2dSpec::default()
            };
            let y = x.conv2d(&kernel, &spec).unwrap();
            let outputs = strides.map(|stride| 4usize.div_ceil(stride));
            assert_eq!(y.shape(), [2, outputs[0], outputs[1], 3]);
            let before = strides.map(|s| ((4usize.div_ceil(s) - 1) * s + side - 4) / 2);
            // By the definition.
            let tap = |o: usize, i: usize, axis: usize| i + before[axis] - o * strides[axis];
            for n in 0..2 {
                for oy in 0..outputs[0] {
                    for ox in 0..outputs[1] {
                        let mut sum = 0.0;
                        for (iy, ix, c) in (0..32).map(|i| (i / 8, i / 2 % 4, i % 2)) {
                            let k = kernel.get(&[tap(oy, iy, 0), tap(ox, ix, 1), c, 1]).unwrap();
                            sum += k * x.get(&[n, iy, ix, c]).unwrap();
                        }
                        let found = y.get(&[n, oy, ox, 1]).unwrap();
                        assert!((found - sum).abs() <= 1e-12, "{found} is not {sum}");
                    }
                }
            }
            let gradient = y.conv2d_kernel_gradient(&x, kernel.shape(), &spec).unwrap();
            assert_eq!(gradient.get(&[0, 0, 0, 0]), Some(0.0));
            // Σ gradient · kernel is Σ y², for a function that is linear in the kernel.
            let (a, b) = (
                gradient.mul(&kernel).unwrap().sum().item().unwrap(),
                y.mul(&y).unwrap().sum().item().unwrap(),
            );
            assert!((a - b).abs() <= 1e-9 * b.abs(), "{a} is not {b}");
            let back = y.conv2d_input_gradient(&kernel, x.shape(), &spec).unwrap();
            let a = back.mul(&x).unwrap().sum().item().unwrap();
            assert!((a - b).abs() <= 1e-9 * b.abs(), "{a} is not {b}");
        }
    }
    // The cost: 2²⁰ taps over an image of 16 pixels.
    let kernel = Tensor::<f32>::ones([1 << 20, 1, 2, 1]);
    let spec = Conv2dSpec {
        padding: Padding::Same,
        ..Conv2dSpec::default()
    };
    let started = std::time::Instant::now();
    for _ in 0..20 {
        x.cast::<f32>().conv2d(&kernel, &spec).unwrap();
    }
    assert!(
        started.elapsed().as_secs_f64() <= 5.0,
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn shapes_beyond_the_bound_are_errors_where_there_are_errors() {
    let x = Tensor::<f32>::zeros([2, 3]);
    for shape in [
        vec![usize::MAX, 2],
        vec![usize::MAX; 9],
        vec![1 << 40],
        vec![0, usize::MAX, usize::MAX],
    ] {
        let results = [
            x.reshape(shape.clone()),
            Tensor::from_vec(shape.clone(), vec![0.0; 6]),
            Tensor::from_slice(shape.clone(), &[0.0; 6]),
            x.sum_to(&shape),
        ];
        for result in results {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(&format!("{}", shape[0])), "{error}");
        }
    }
    let long = Tensor::<f32>::zeros([1 << 19, 1]);
    let wide = long.transpose();
    let bound = MAX_ELEMENTS.to_string();
    for result in [
        long.add(&wide),
        long.matmul(&wide),
        long.dense(&wide, None, &Default::default()),
        long.pad(&[(usize::MAX, 1), (0, 0)], 0.0),
        long.pad(&[(0, 0), (1 << 30, 0)], 0.0),
        long.scatter_add(&vec![0; 1 << 19], 1 << 50),
        Tensor::one_hot(&[0], usize::MAX),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(&bound), "{error}");
    }
}

#[test]
fn where_there_are_none_the_panic_says_what_is_wrong() {
    for shape in [vec![usize::MAX, 2], vec![1 << 40, 2], vec![1 << 37]] {
        let makers: [fn(Vec<usize>) -> Tensor; 4] = [
            |shape| Tensor::zeros(shape),
            |shape| Tensor::ones(shape),
            |shape| Tensor::from_fn(shape, |_| 0.0),
            |shape| Tensor::uniform(shape, 0.0, 1.0, Seed(1).key(Stream::User(0), 0)),
        ];
        for make in makers {
            let shape = shape.clone();
            let panic = catch_unwind(|| make(shape)).unwrap_err();
            let message = panic.downcast_ref::<String>().unwrap();
            assert!(
                message.contains("more than") && message.contains("elements"),
                "{message}"
            );
        }
    }
}
