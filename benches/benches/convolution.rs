//! Convolutions: forward and both gradients, of the notebook's layers and of other shapes.
#![allow(missing_docs)] // criterion's macros make an undocumented function

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use taper_benches::values;
use taper_tensor::kernels::{ConvGeometry, ways};
use taper_tensor::ops::Epilogue;
use taper_tensor::{Conv2dSpec, Padding};

struct Case {
    name: &'static str,
    input: [usize; 4],
    kernel: [usize; 4],
    spec: Conv2dSpec,
}

fn cases() -> Vec<Case> {
    let valid = Conv2dSpec::default();
    let same = Conv2dSpec {
        padding: Padding::Same,
        ..valid
    };
    let strided = Conv2dSpec {
        strides: [2, 2],
        ..same
    };
    let case = |name, input, kernel, spec| Case {
        name,
        input,
        kernel,
        spec,
    };
    vec![
        case("first layer", [64, 28, 28, 1], [3, 3, 1, 32], valid),
        case("second layer", [64, 26, 26, 32], [3, 3, 32, 64], valid),
        case("5x5", [64, 14, 14, 6], [5, 5, 6, 16], valid),
        case("strided", [64, 32, 32, 32], [3, 3, 32, 64], strided),
        case("1x1", [64, 16, 16, 64], [1, 1, 64, 128], valid),
        case("odd channels", [64, 16, 16, 17], [3, 3, 17, 45], same),
        case("wide", [64, 8, 8, 128], [3, 3, 128, 128], same),
    ]
}

fn convolutions(c: &mut Criterion) {
    let mut group = c.benchmark_group("convolution");
    for Case {
        name,
        input,
        kernel,
        spec,
    } in cases()
    {
        let output = spec.output_shape(&input, &kernel).expect("the shapes fit");
        let work = 2 * output.iter().product::<usize>() * kernel[..3].iter().product::<usize>();
        group.throughput(Throughput::Elements(work as u64));
        let (x, k, b) = (values(&input), values(&kernel), values(&kernel[3..]));
        let gradient = values(&output);
        let epilogue = Epilogue::relu(true);
        group.bench_function(BenchmarkId::new("forward", name), |bencher| {
            bencher.iter(|| x.conv2d_fused(&k, Some(&b), &epilogue, &spec))
        });
        group.bench_function(BenchmarkId::new("kernel gradient", name), |bencher| {
            bencher.iter(|| gradient.conv2d_kernel_gradient(&x, &kernel, &spec))
        });
        if input[3] > 1 {
            group.bench_function(BenchmarkId::new("input gradient", name), |bencher| {
                bencher.iter(|| gradient.conv2d_input_gradient(&k, &input, &spec))
            });
        }
    }
    group.finish();
}

/// The notebook's second layer with bias, relu and max pooling in one kernel. The rate counts the
/// work of the dense products, most of which the gradients leave out.
fn pooled(c: &mut Criterion) {
    let (input, kernel, spec) = ([64, 26, 26, 32], [3, 3, 32, 64], Conv2dSpec::default());
    let (x, k, b) = (values(&input), values(&kernel), values(&[64]));
    let epilogue = Epilogue::relu(true);
    let (output, positions) = x
        .conv2d_pooled(&k, Some(&b), &epilogue, &spec)
        .expect("the shapes fit");
    let gradient = values(output.shape());
    let work = 2 * 64 * 24 * 24 * 64 * 3 * 3 * 32;

    let mut group = c.benchmark_group("convolution pooled");
    group.throughput(Throughput::Elements(work));
    group.bench_function("forward", |bencher| {
        bencher.iter(|| x.conv2d_pooled(&k, Some(&b), &epilogue, &spec))
    });
    for (name, want_input, times) in [("kernel gradient", false, 1), ("both gradients", true, 2)] {
        group.throughput(Throughput::Elements(times * work));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                gradient.conv2d_pooled_gradients(&positions, &x, &k, &epilogue, &spec, want_input)
            })
        });
    }
    group.finish();
}

/// 3×3 forward and the kernel's gradient both ways, µs a batch: the times that `kernels/conv/winograd` chooses by.
fn ways(c: &mut Criterion) {
    let mut group = c.benchmark_group("convolution ways");
    let widths = [
        (1, 32),
        (4, 16),
        (8, 8),
        (16, 16),
        (32, 32),
        (32, 64),
        (64, 64),
        (128, 128),
    ];
    for side in [24, 14, 7, 4] {
        for (channels, filters) in widths {
            let input = [16, side + 2, side + 2, channels];
            let kernel = [3, 3, channels, filters];
            let g = ConvGeometry::new("ways", &Conv2dSpec::default(), &input, &kernel)
                .expect("the shapes fit");
            let (x, k) = (values(&input).to_vec(), values(&kernel).to_vec());
            let mut y = values(&[16, side, side, filters]).to_vec();
            let mut dk = vec![0.0; k.len()];
            let name = format!("{side}x{side}, {channels} to {filters}");
            group.bench_function(BenchmarkId::new("direct forward", &name), |bencher| {
                bencher.iter(|| ways::direct(&g, &x, &k, &mut y))
            });
            group.bench_function(BenchmarkId::new("winograd forward", &name), |bencher| {
                bencher.iter(|| assert!(ways::winograd(&g, &x, &k, &mut y)))
            });
            group.bench_function(BenchmarkId::new("direct gradient", &name), |bencher| {
                bencher.iter(|| ways::direct_kernel_gradient(&g, &y, &x, &mut dk))
            });
            group.bench_function(BenchmarkId::new("winograd gradient", &name), |bencher| {
                bencher.iter(|| assert!(ways::winograd_kernel_gradient(&g, &y, &x, &mut dk)))
            });
        }
    }
    group.finish();
}

/// All three products of other shapes, directly and the way that `kernels/conv/way.rs` chooses. Without strides an input's
/// gradient is a convolution too; with strides it always goes by phases.
fn other_ways(c: &mut Criterion) {
    let same = |groups, stride| Conv2dSpec {
        padding: Padding::Same,
        strides: [stride; 2],
        groups,
        ..Conv2dSpec::default()
    };
    let shapes = [
        (
            "1x1 64 to 128",
            [16, 16, 16, 64],
            [1, 1, 64, 128],
            same(1, 1),
        ),
        ("1x1 16 to 96", [8, 28, 28, 16], [1, 1, 16, 96], same(1, 1)),
        (
            "1x1 256 to 1024, 7x7",
            [16, 7, 7, 256],
            [1, 1, 256, 1024],
            same(1, 1),
        ),
        ("depthwise 64", [8, 28, 28, 64], [3, 3, 1, 64], same(64, 1)),
        (
            "depthwise 64 strided",
            [8, 28, 28, 64],
            [3, 3, 1, 64],
            same(64, 2),
        ),
        ("depthwise 3", [8, 32, 32, 3], [3, 3, 1, 3], same(3, 1)),
        (
            "depthwise 32, 2 filters each",
            [8, 28, 28, 32],
            [3, 3, 1, 64],
            same(32, 1),
        ),
        (
            "32 groups of 4",
            [8, 14, 14, 128],
            [3, 3, 4, 128],
            same(32, 1),
        ),
        (
            "16 groups of 8",
            [8, 14, 14, 128],
            [3, 3, 8, 128],
            same(16, 1),
        ),
    ];
    let mut group = c.benchmark_group("convolution ways");
    for (name, input, kernel, spec) in shapes {
        let g = ConvGeometry::new("ways", &spec, &input, &kernel).expect("the shapes fit");
        let (x, k, dy) = (values(&input), values(&kernel), values(&g.output_shape()));
        let (x, k, dy) = (x.to_vec(), k.to_vec(), dy.to_vec());
        let (mut dx, mut dk, mut y) = (x.clone(), k.clone(), dy.clone());
        for (way, [forward, input_gradient, kernel_gradient]) in ways::DIRECT_AND_CHOSEN {
            let id = |product| BenchmarkId::new(format!("{way} {product}"), name);
            group.bench_function(id("forward"), |bencher| {
                bencher.iter(|| forward(&g, &x, &k, &mut y))
            });
            group.bench_function(id("kernel gradient"), |bencher| {
                bencher.iter(|| kernel_gradient(&g, &dy, &x, &mut dk))
            });
            group.bench_function(id("input gradient"), |bencher| {
                bencher.iter(|| input_gradient(&g, &dy, &k, &mut dx))
            });
        }
    }
    group.finish();
}

criterion_group! { name = groups; config = taper_benches::criterion(); targets = convolutions, pooled, ways, other_ways }
criterion_main!(groups);
