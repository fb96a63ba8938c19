//! Convolutions of narrow outputs by their patches (im2col): what every output pixel sees is written into a row, and the
//! rows of several images are one matrix.
//!
//! ```text
//!   x, one image            patches: a row an output pixel         kernel            y
//!    ┌─────────┐           ┌ tap 0 ┬ tap 1 ┬ tap 2 ┬ …┐         ┌──────────┐     ┌──────────┐
//!    │ ┏━━━┓   │           │ c c c │ c c c │ c c c │  │ pixel 0 │ filters  │     │ pixel 0  │
//!    │ ┃   ┃   │     →     │ c c c │ c c c │ c c c │  │ pixel 1 │          │  =  │ pixel 1  │
//!    │ ┗━━━┛   │           │ c c c │ c c c │ c c c │  │   …     │          │     │   …      │
//! ```
//!
//! The direct way has as many pixels in a tile as a row of the output has, so that of a narrow image each tile reads all of
//! the kernel for a few pixels, and each image reads and writes all of the kernel's gradient. The copy is read once for every
//! vector of filters, so it costs little. Forward the sums have the same order as directly, and the same bits.

use crate::kernels::arguments::{After, Epilogue};
use crate::kernels::conv::padding::{crop, with_padding};
use crate::kernels::cut::together;
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::matmul::{self, matmul};
use crate::kernels::transpose::Transpose;
use crate::kernels::{elementwise, scratch};
use crate::matrix::MatrixRef;
use crate::simd::block::BlockMut;
use crate::simd::dispatch;
use rayon::prelude::*;

/// Outputs up to this wide are narrow: half of the widest tile.
const NARROW: usize = 7;
/// Rows of patches that a task multiplies at once.
const ROWS: usize = 84;
/// Shorter runs than this take longer to copy than to multiply.
const LONG: usize = 16;
/// Values of patches that are kept for the kernel's gradient at once.
const KEPT: usize = 1 << 20;

/// Whether this is the faster way, forward and for both gradients.
pub(crate) fn pays(g: &ConvGeometry) -> bool {
    let values = pixels(g) * patch(g);
    g.groups == 1
        && run(g) >= LONG
        && g.columns.outputs <= NARROW
        && g.n * pixels(g) > NARROW
        && (1..=KEPT).contains(&values)
}

fn pixels(g: &ConvGeometry) -> usize {
    g.rows.outputs * g.columns.outputs
}

/// Values of a patch.
fn patch(g: &ConvGeometry) -> usize {
    g.rows.taps * g.columns.taps * g.channels
}

/// Values of a contiguous run of a patch.
fn run(g: &ConvGeometry) -> usize {
    let pixels = if g.columns.dilation == 1 {
        g.columns.taps
    } else {
        1
    };
    pixels * g.channels
}

/// Images whose patches are multiplied at once.
fn images(g: &ConvGeometry) -> usize {
    (ROWS / pixels(g)).clamp(1, g.n.max(1))
}

/// dropout(relu(x ∗ kernel + bias + addend)).
pub(crate) fn forward(
    g: &ConvGeometry,
    x: &[f32],
    kernel: &[f32],
    after: &After<'_, f32>,
    y: &mut [f32],
) {
    let (images, filters) = (images(g), g.filters);
    let tasks = y.par_chunks_mut(images * g.output()).enumerate();
    let tasks = tasks.with_min_len(together(images * g.products()));
    tasks.for_each(|(task, y)| {
        let count = y.len() / g.output();
        let x = &x[task * images * g.image()..][..count * g.image()];
        scratch::with(count * pixels(g) * patch(g), |patches| {
            gather(g, x, patches);
            match after.bias {
                Some(bias) => y
                    .chunks_exact_mut(filters)
                    .for_each(|y| y.copy_from_slice(bias)),
                None => y.fill(0.0),
            }
            let (a, b) = (rows(patches, patch(g)), rows(kernel, filters));
            let c = BlockMut::new(y, a.rows, filters, filters);
            matmul::block(a, b, c, true);
        });
        if after.relu_behind_bias() {
            elementwise::finish(y, None, &Epilogue::relu(true));
        }
        elementwise::behind_bias(y, after, task * images * g.output());
    });
}

/// The gradient with respect to the kernel: patchesᵀ · dy, cut by the rows of the result.
pub(crate) fn kernel_gradient(g: &ConvGeometry, dy: &[f32], x: &[f32], dk: &mut [f32]) {
    let values = pixels(g) * patch(g);
    let images = (KEPT / values.max(1)).clamp(1, g.n.max(1));
    scratch::with(images * values, |patches| {
        let groups = x
            .chunks(images * g.image())
            .zip(dy.chunks(images * g.output()));
        for (group, (x, dy)) in groups.enumerate() {
            let count = dy.len() / g.output();
            let patches = &mut patches[..count * values];
            let pieces = patches
                .par_chunks_mut(values)
                .zip(x.par_chunks(g.image()))
                .with_min_len(together(values));
            pieces.for_each(|(patches, x)| gather(g, x, patches));
            let transposed = MatrixRef::by_columns(patches, patch(g), count * pixels(g));
            matmul(transposed, rows(dy, g.filters), dk, group > 0);
        }
    });
}

/// The gradient with respect to the input, plus what stands in `after`: every pixel sends its patch, which are added up.
pub(crate) fn input_gradient(
    g: &ConvGeometry,
    dy: &[f32],
    kernel: &[f32],
    after: &After<'_, f32>,
    dx: &mut [f32],
) {
    let images = images(g);
    scratch::with(kernel.len(), |turned| {
        let b = MatrixRef::by_columns(kernel, g.filters, patch(g));
        dispatch(Transpose {
            b,
            packed: &mut *turned,
        });
        let turned = rows(turned, patch(g));
        let tasks = dx.par_chunks_mut(images * g.image()).enumerate();
        let tasks = tasks.with_min_len(together(images * g.products()));
        tasks.for_each(|(task, dx)| {
            let count = dx.len() / g.image();
            let dy = &dy[task * images * g.output()..][..count * g.output()];
            scratch::with(count * pixels(g) * patch(g), |sent| {
                let a = rows(dy, g.filters);
                let c = BlockMut::new(sent, a.rows, patch(g), patch(g));
                matmul::block(a, turned, c, false);
                scatter(g, sent, dx);
            });
            elementwise::behind_bias(dx, after, task * images * g.image());
        });
    });
}

/// A matrix with contiguous rows of `columns` values.
fn rows(values: &[f32], columns: usize) -> MatrixRef<'_, f32> {
    MatrixRef::by_rows(values, values.len() / columns, columns)
}

/// Writes the patches of some images.
fn gather(g: &ConvGeometry, x: &[f32], patches: &mut [f32]) {
    let images = patches.chunks_exact_mut(pixels(g) * patch(g));
    for (x, patches) in x.chunks_exact(g.image()).zip(images) {
        with_padding(g, x, |x| {
            let mut to = patches;
            for_each_run(g, |run| {
                let (head, tail) = std::mem::take(&mut to).split_at_mut(run.len());
                head.copy_from_slice(&x[run]);
                to = tail;
            });
        });
    }
}

/// Adds the patches of some images to the pixels that they lie on.
fn scatter(g: &ConvGeometry, patches: &[f32], dx: &mut [f32]) {
    let padded = [g.rows.padded(), g.columns.padded()];
    let bare = padded == [g.rows.inputs, g.columns.inputs];
    let images = patches.chunks_exact(pixels(g) * patch(g));
    for (dx, patches) in dx.chunks_exact_mut(g.image()).zip(images) {
        if bare {
            add(g, patches, dx);
            continue;
        }
        scratch::with(padded[0] * padded[1] * g.channels, |full| {
            add(g, patches, full);
            crop(g, full, dx);
        });
    }
}

/// The sums of the patches of one padded image.
fn add(g: &ConvGeometry, patches: &[f32], dx: &mut [f32]) {
    dx.fill(0.0);
    let mut from = patches;
    for_each_run(g, |run| {
        let (head, tail) = from.split_at(run.len());
        dx[run].iter_mut().zip(head).for_each(|(to, x)| *to += x);
        from = tail;
    });
}

/// Calls `work` with the contiguous runs of a padded image that the patches consist of, one after another.
#[inline(always)]
fn for_each_run(g: &ConvGeometry, mut work: impl FnMut(std::ops::Range<usize>)) {
    let row = g.columns.padded() * g.channels;
    let length = run(g);
    let pieces = g.columns.taps * g.channels / length;
    for y in 0..g.rows.outputs {
        for x in 0..g.columns.outputs {
            let corner = y * g.rows.stride * row + x * g.columns.stride * g.channels;
            for ky in 0..g.rows.taps {
                for piece in 0..pieces {
                    let at = corner
                        + ky * g.rows.dilation * row
                        + piece * g.columns.dilation * g.channels;
                    work(at..at + length);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Way, forward_by, input_gradient_by, kernel_gradient_by};
    use super::*;
    use crate::kernels::geometry::{Conv2dSpec, Padding};
    use crate::{Seed, Stream, Tensor};

    /// Against the direct way: the same bits forward, the same sums backward.
    #[test]
    fn both_ways_agree() {
        let mut draws = 0..;
        let mut values = |len: usize| {
            let key = Seed(7).key(Stream::User(0), draws.next().unwrap());
            Tensor::<f32>::uniform([len], -0.5, 0.5, key).to_vec()
        };
        for [n, size, channels, filters] in [[1, 9, 1, 8], [3, 7, 17, 5], [40, 8, 3, 33]] {
            for taps in [[1, 2], [3, 3], [5, 4]] {
                for (strides, dilation) in [([1, 1], [1, 1]), ([2, 1], [1, 1]), ([1, 1], [1, 2])] {
                    for padding in [Padding::Valid, Padding::Same] {
                        let spec = Conv2dSpec {
                            strides,
                            padding,
                            dilation,
                            groups: 1,
                        };
                        let kernel = [taps[0], taps[1], channels, filters];
                        let g =
                            ConvGeometry::new("test", &spec, &[n, size, size, channels], &kernel);
                        let g = g.unwrap();
                        let x = values(n * g.image());
                        let dy = values(n * g.output());
                        let kernel = values(kernel.iter().product());
                        let bias = values(filters);
                        let addend = values(n * g.output());
                        let after = After {
                            bias: Some(&bias),
                            addend: Some(&addend),
                            epilogue: Epilogue::relu(true),
                        };
                        let [direct, patches] = [Way::Direct, Way::Patches].map(|way| {
                            let mut y = vec![f32::NAN; dy.len()];
                            forward_by(way, &g, &x, &kernel, after, &mut y);
                            let mut dx = vec![f32::NAN; x.len()];
                            let onto = Some(&x[..]);
                            input_gradient_by(Some(way), &g, &dy, &kernel, onto, &mut dx);
                            let mut dk = vec![f32::NAN; kernel.len()];
                            kernel_gradient_by(way, &g, &dy, &x, &mut dk);
                            (y, dx, dk)
                        });
                        assert_eq!(direct.0, patches.0, "{g:?}");
                        let terms = (dy.len() + kernel.len()) as f32;
                        let near = |a: &[f32], b: &[f32]| {
                            let far = |(a, b): (&f32, &f32)| (a - b).abs();
                            a.iter().zip(b).map(far).fold(0.0, f32::max) <= 1e-8 * terms + 2e-6
                        };
                        assert!(near(&direct.1, &patches.1), "{g:?}: dx");
                        assert!(near(&direct.2, &patches.2), "{g:?}: dk");
                    }
                }
            }
        }
    }
}
