//! Plain loops that say what every kernel means. They are the f64 implementation (gradient checks) and the measure that
//! the SIMD kernels are held to; clarity before speed.

use super::arguments::{After, ChannelMap, Epilogue, RowNorm};
use super::dropout::Mask;
use super::fusible::{Fusible, WayBack, WithWayBack};
use super::geometry::{ConvGeometry, PoolGeometry};
use super::magnitude;
use super::update::{Numbers, Passes, Penalty, Piece, Rule, Slot};
use crate::matrix::MatrixRef;
use crate::scalar::Scalar;
use crate::simd::sparse::DEAD;

/// `c = a · b` (+ c when `accumulate`), row-major `c` of `a.rows × b.columns`.
pub(crate) fn matmul<E: Scalar>(
    a: MatrixRef<'_, E>,
    b: MatrixRef<'_, E>,
    c: &mut [E],
    accumulate: bool,
) {
    for (i, row) in c.chunks_exact_mut(b.columns.max(1)).enumerate() {
        for (j, out) in row.iter_mut().enumerate() {
            let product: E = (0..a.columns).map(|k| a.at(i, k) * b.at(k, j)).sum();
            *out = if accumulate { *out + product } else { product };
        }
    }
}

/// Calls `each(input, kernel, output)` with the flat positions of every product of a convolution, in a fixed order.
pub(crate) fn for_each_product(g: &ConvGeometry, mut each: impl FnMut(usize, usize, usize)) {
    let (inputs, outputs) = (g.channels / g.groups, g.filters / g.groups);
    for image in 0..g.n {
        for oy in 0..g.rows.outputs {
            for ox in 0..g.columns.outputs {
                let output = ((image * g.rows.outputs + oy) * g.columns.outputs + ox) * g.filters;
                for ky in 0..g.rows.taps {
                    let Some(iy) = g.rows.input(oy, ky) else {
                        continue;
                    };
                    for kx in 0..g.columns.taps {
                        let Some(ix) = g.columns.input(ox, kx) else {
                            continue;
                        };
                        let input =
                            ((image * g.rows.inputs + iy) * g.columns.inputs + ix) * g.channels;
                        let tap = (ky * g.columns.taps + kx) * inputs * g.filters;
                        for group in 0..g.groups {
                            for ci in 0..inputs {
                                for co in group * outputs..(group + 1) * outputs {
                                    each(
                                        input + group * inputs + ci,
                                        tap + ci * g.filters + co,
                                        output + co,
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// dropout(activation(x ∗ kernel + bias + addend)).
pub(crate) fn conv2d<E: Scalar>(
    g: &ConvGeometry,
    x: &[E],
    kernel: &[E],
    after: After<'_, E>,
    y: &mut [E],
) {
    y.fill(E::zero());
    for_each_product(g, |i, k, o| y[o] += x[i] * kernel[k]);
    finish(y, after.bias, &Epilogue::default());
    add(y, after.addend);
    finish(y, None, &after.epilogue);
}

/// y += addend.
fn add<E: Scalar>(y: &mut [E], addend: Option<&[E]>) {
    if let Some(addend) = addend {
        y.iter_mut().zip(addend).for_each(|(y, &x)| *y += x);
    }
}

/// Adds the bias along the last axis, then the activation function, then dropout.
pub(crate) fn finish<E: Scalar>(y: &mut [E], bias: Option<&[E]>, epilogue: &Epilogue) {
    if let Some(bias) = bias {
        for row in y.chunks_exact_mut(bias.len().max(1)) {
            row.iter_mut().zip(bias).for_each(|(y, &b)| *y += b);
        }
    }
    match epilogue.activation {
        Some(Fusible::Relu) => y
            .iter_mut()
            .filter(|y| **y < E::zero())
            .for_each(|y| *y = E::zero()), // NaN stays
        Some(activation) => {
            let function = activation.function().expect("all but relu are functions");
            y.iter_mut().for_each(|y| *y = function.of(*y));
        }
        None => {}
    }
    if let Some(d) = epilogue.dropout {
        let (mask, scale) = (Mask::new(&d), E::from_f64(d.scale()));
        y.iter_mut().enumerate().for_each(|(i, y)| {
            *y = if mask.keeps(i as u64) {
                *y * scale
            } else {
                E::zero()
            }
        });
    }
}

/// The gradient of a convolution with respect to its input, plus `addend`.
pub(crate) fn conv2d_input_gradient<E: Scalar>(
    g: &ConvGeometry,
    dy: &[E],
    kernel: &[E],
    addend: Option<&[E]>,
    dx: &mut [E],
) {
    dx.fill(E::zero());
    for_each_product(g, |i, k, o| dx[i] += dy[o] * kernel[k]);
    add(dx, addend);
}

/// The gradient of a convolution with respect to its kernel.
pub(crate) fn conv2d_kernel_gradient<E: Scalar>(g: &ConvGeometry, dy: &[E], x: &[E], dk: &mut [E]) {
    dk.fill(E::zero());
    for_each_product(g, |i, k, o| dk[k] += dy[o] * x[i]);
}

/// Maxima, and for each the tap (row-major in its window) where it was found: the first of equals.
pub(crate) fn max_pool2d<E: Scalar>(
    g: &PoolGeometry,
    x: &[E],
    y: &mut [E],
    mut winner: impl FnMut(usize, usize),
) {
    for_each_window(g, |output, taps| {
        let mut best = (E::neg_infinity(), 0);
        for (count, &(tap, input)) in taps.iter().enumerate() {
            if count == 0 || x[input] > best.0 || x[input].is_nan() {
                best = (x[input], tap);
            }
        }
        y[output] = best.0;
        winner(output, best.1);
    });
}

/// Calls `each(output, taps)` for every window; `taps` holds (tap, flat input position), padding left out.
pub(crate) fn for_each_window(g: &PoolGeometry, mut each: impl FnMut(usize, &[(usize, usize)])) {
    let mut taps = Vec::new();
    for image in 0..g.n {
        for oy in 0..g.rows.outputs {
            for ox in 0..g.columns.outputs {
                for c in 0..g.channels {
                    let output =
                        ((image * g.rows.outputs + oy) * g.columns.outputs + ox) * g.channels + c;
                    taps.clear();
                    taps.extend((0..g.rows.taps * g.columns.taps).filter_map(|tap| {
                        let iy = g.rows.input(oy, tap / g.columns.taps)?;
                        let ix = g.columns.input(ox, tap % g.columns.taps)?;
                        Some((
                            tap,
                            ((image * g.rows.inputs + iy) * g.columns.inputs + ix) * g.channels + c,
                        ))
                    }));
                    each(output, &taps);
                }
            }
        }
    }
}

/// The gradient of a pooling: each output's gradient goes to the tap that won.
pub(crate) fn max_pool2d_gradient<E: Scalar>(
    g: &PoolGeometry,
    dy: &[E],
    winner: impl Fn(usize) -> usize,
    dx: &mut [E],
) {
    dx.fill(E::zero());
    for_each_window(g, |output, taps| {
        if let Some(&(_, input)) = taps.iter().find(|&&(tap, _)| tap == winner(output)) {
            dx[input] += dy[output];
        }
    });
}

/// The average of each window; padding is not counted.
pub(crate) fn average_pool2d<E: Scalar>(g: &PoolGeometry, x: &[E], y: &mut [E]) {
    for_each_window(g, |output, taps| {
        let sum: E = taps.iter().map(|&(_, input)| x[input]).sum();
        y[output] = sum / E::from_f64(taps.len() as f64);
    });
}

/// Each output's gradient is shared out among the taps of its window.
pub(crate) fn average_pool2d_gradient<E: Scalar>(g: &PoolGeometry, dy: &[E], dx: &mut [E]) {
    dx.fill(E::zero());
    for_each_window(g, |output, taps| {
        for &(_, input) in taps {
            dx[input] += dy[output] / E::from_f64(taps.len() as f64);
        }
    });
}

/// The pooling of a pooled convolution: 2×2 windows, stride 2, odd rows and columns at the end left out.
fn pooling(g: &ConvGeometry) -> PoolGeometry {
    let spec = super::Pool2dSpec {
        size: [2, 2],
        strides: [2, 2],
        padding: super::Padding::Valid,
    };
    PoolGeometry::new("conv2d_pooled", &spec, &g.output_shape()).expect("checked by the caller")
}

/// maximum 2×2 of dropout(relu(x ∗ kernel + bias)), with the position of each maximum, or DEAD where nothing was above 0.
pub(crate) fn conv2d_pooled<E: Scalar>(
    g: &ConvGeometry,
    x: &[E],
    kernel: &[E],
    bias: Option<&[E]>,
    epilogue: &Epilogue,
    y: &mut [E],
    winners: &mut [u8],
) {
    let mut full = vec![E::zero(); g.n * g.output()];
    let after = After {
        bias,
        addend: None,
        epilogue: *epilogue,
    };
    conv2d(g, x, kernel, after, &mut full);
    max_pool2d(&pooling(g), &full, y, |output, tap| {
        winners[output] = tap as u8
    });
    for (winner, &y) in winners.iter_mut().zip(y.iter()) {
        if y <= E::zero() || y.is_nan() {
            *winner = DEAD;
        }
    }
}

/// Gradients of [`conv2d_pooled`] with respect to input (if wanted), kernel and bias.
#[allow(clippy::too_many_arguments)]
pub(crate) fn conv2d_pooled_gradients<E: Scalar>(
    g: &ConvGeometry,
    dy: &[E],
    winners: &[u8],
    x: &[E],
    kernel: &[E],
    scale: E,
    dx: Option<&mut [E]>,
    dk: &mut [E],
    db: &mut [E],
) {
    let mut full = vec![E::zero(); g.n * g.output()];
    max_pool2d_gradient(
        &pooling(g),
        dy,
        |output| winners[output] as usize,
        &mut full,
    );
    full.iter_mut().for_each(|d| *d *= scale);
    if let Some(dx) = dx {
        conv2d_input_gradient(g, &full, kernel, None, dx);
    }
    conv2d_kernel_gradient(g, &full, x, dk);
    sum_rows(&full, db);
}

/// The gradient in front of `activation`, which put out `output`; what passes relu is multiplied by `scale`.
pub(crate) fn activation_gradient<E: Scalar>(
    activation: Fusible,
    gradient: &[E],
    output: &[E],
    scale: E,
    dx: &mut [E],
) {
    activation.with_way_back(scale, Back(gradient, output, dx));
}

struct Back<'a, E>(&'a [E], &'a [E], &'a mut [E]);

impl<E: Scalar> WithWayBack<E> for Back<'_, E> {
    fn run<W: WayBack<E>>(self, way: W) {
        let Back(gradient, output, dx) = self;
        for ((dx, &d), &y) in dx.iter_mut().zip(gradient).zip(output) {
            *dx = way.back(d, y);
        }
    }
}

/// Sums of the columns of a row-major matrix with `sums.len()` columns.
pub(crate) fn sum_rows<E: Scalar>(x: &[E], sums: &mut [E]) {
    sums.fill(E::zero());
    for row in x.chunks_exact(sums.len().max(1)) {
        sums.iter_mut().zip(row).for_each(|(s, &x)| *s += x);
    }
}

/// Mean and biased variance of each of `mean.len()` channels. Without rows all are zero.
pub(crate) fn moments<E: Scalar>(x: &[E], mean: &mut [E], variance: &mut [E]) {
    let channels = mean.len().max(1);
    let rows = E::from_f64((x.len() / channels).max(1) as f64);
    sum_rows(x, mean);
    mean.iter_mut().for_each(|mean| *mean /= rows);
    variance.fill(E::zero());
    for row in x.chunks_exact(channels) {
        for ((variance, &x), &mean) in variance.iter_mut().zip(row).zip(&*mean) {
            *variance += (x - mean) * (x - mean);
        }
    }
    variance.iter_mut().for_each(|variance| *variance /= rows);
}

/// `(x − mean) · factor + offset`, then relu if the map has one.
pub(crate) fn channel_map<E: Scalar>(x: &[E], map: &ChannelMap<'_, E>, y: &mut [E]) {
    for (i, (y, &x)) in y.iter_mut().zip(x).enumerate() {
        let c = i % map.mean.len();
        let value = (x - map.mean[c]) * map.factor[c] + map.offset[c];
        *y = if map.relu && value < E::zero() {
            E::zero()
        } else {
            value
        };
    }
}

/// `(x − mean) · inverse · gamma + beta` of rows as wide as `gamma`.
pub(crate) fn row_norm<E: Scalar>(
    x: &[E],
    norm: &RowNorm<'_, E>,
    y: &mut [E],
    statistics: &mut [E],
) {
    let width = norm.gamma.len();
    let count = E::from_f64(width as f64);
    let rows = x.chunks_exact(width).zip(y.chunks_exact_mut(width));
    for ((x, y), statistics) in rows.zip(statistics.chunks_exact_mut(2)) {
        let mut mean = E::zero();
        if norm.centered {
            x.iter().for_each(|&x| mean += x);
            mean /= count;
        }
        let mut spread = E::zero();
        x.iter().for_each(|&x| spread += (x - mean) * (x - mean));
        let inverse = (spread / count + E::from_f64(norm.epsilon)).sqrt().recip();
        for (c, (y, &x)) in y.iter_mut().zip(x).enumerate() {
            *y = (x - mean) * inverse * norm.gamma[c] + norm.beta[c];
        }
        statistics.copy_from_slice(&[mean, inverse]);
    }
}

/// The way back through [`row_norm`].
pub(crate) fn row_norm_gradients<E: Scalar>(
    dy: &[E],
    x: &[E],
    norm: &RowNorm<'_, E>,
    statistics: &[E],
    dx: &mut [E],
    gamma: &mut [E],
    beta: &mut [E],
) {
    let width = norm.gamma.len();
    let count = E::from_f64(width as f64);
    gamma.fill(E::zero());
    beta.fill(E::zero());
    for (r, statistics) in statistics.chunks_exact(2).enumerate() {
        let (mean, inverse) = (statistics[0], statistics[1]);
        let row = r * width..(r + 1) * width;
        let (mut off, mut along) = (E::zero(), E::zero());
        for (c, i) in row.clone().enumerate() {
            let normal = (x[i] - mean) * inverse;
            gamma[c] += dy[i] * normal;
            beta[c] += dy[i];
            off += dy[i] * norm.gamma[c];
            along += dy[i] * norm.gamma[c] * normal;
        }
        let off = if norm.centered {
            off / count
        } else {
            E::zero()
        };
        for (c, i) in row.enumerate() {
            let normal = (x[i] - mean) * inverse;
            dx[i] = inverse * (dy[i] * norm.gamma[c] - off - normal * along / count);
        }
    }
}

/// Calls `each(position, channel, gradient before the relu, x − mean)` for all values.
fn for_each_before_relu<E: Scalar>(
    dy: &[E],
    x: &[E],
    map: &ChannelMap<'_, E>,
    mut each: impl FnMut(usize, usize, E, E),
) {
    for (i, (&dy, &x)) in dy.iter().zip(x).enumerate() {
        let c = i % map.mean.len();
        let distance = x - map.mean[c];
        let passes = !map.relu || distance * map.factor[c] + map.offset[c] > E::zero();
        each(i, c, if passes { dy } else { E::zero() }, distance);
    }
}

/// Σ dy and Σ dy · (x − mean) of each channel, where `dy` is what the relu lets through.
pub(crate) fn channel_map_sums<E: Scalar>(
    dy: &[E],
    x: &[E],
    map: &ChannelMap<'_, E>,
    sums: &mut [E],
    products: &mut [E],
) {
    sums.fill(E::zero());
    products.fill(E::zero());
    for_each_before_relu(dy, x, map, |_, c, dy, distance| {
        sums[c] += dy;
        products[c] += dy * distance;
    });
}

/// `dy · factor + (x − mean) · slope + constant`, where `dy` is what the relu lets through.
pub(crate) fn channel_map_gradient<E: Scalar>(
    dy: &[E],
    x: &[E],
    map: &ChannelMap<'_, E>,
    slope: &[E],
    constant: &[E],
    dx: &mut [E],
) {
    for_each_before_relu(dy, x, map, |i, c, dy, distance| {
        dx[i] = dy * map.factor[c] + distance * slope[c] + constant[c];
    });
}

/// Σ|x| and Σx².
pub(crate) fn penalty_sums<E: Scalar>(x: &[E]) -> (f64, f64) {
    x.iter()
        .map(|&x| Scalar::to_f64(x))
        .fold((0.0, 0.0), |(l1, l2), x| (l1 + x.abs(), l2 + x * x))
}

impl Passes for f64 {
    fn pass<const SLOTS: usize>(rule: impl Rule<SLOTS>, piece: Piece<'_, f64, SLOTS>) {
        update(rule, piece);
    }

    fn magnitude(piece: &[f64]) -> f64 {
        piece.iter().map(|x| x.abs()).fold(0.0, magnitude::larger)
    }
}

/// See [`super::update::Rule::update`].
fn update<const SLOTS: usize>(rule: impl Rule<SLOTS>, mut piece: Piece<'_, f64, SLOTS>) {
    for (i, (w, g)) in piece.weight.iter_mut().zip(piece.gradient).enumerate() {
        let mut slots = [Slot(0.0); SLOTS];
        for (slot, kept) in slots.iter_mut().zip(&piece.slots) {
            slot.0 = kept[i];
        }
        let g = g + penalty_gradient(*w, piece.penalty);
        *w = rule.step(*w, g, &mut slots).flush_weight();
        for (slot, kept) in slots.iter().zip(&mut piece.slots) {
            kept[i] = slot.0;
        }
    }
}

/// The gradient of a penalty at `w`: `l1·sign(w) + 2·l2·w`.
fn penalty_gradient(w: f64, penalty: Penalty) -> f64 {
    let sign = if w > 0.0 {
        1.0
    } else if w < 0.0 {
        -1.0
    } else {
        0.0
    };
    penalty.l1 * sign + 2.0 * penalty.l2 * w
}
