//! The small linear transforms around Winograd's convolution F(4×4, 3×3).
//!
//! ```text
//!   6×6 pixels d          6×6 transformed V = Bᵀ d B        for each of the 36 positions a matrix product
//!   ┌─┬─┬─┬─┬─┬─┐         ┌─┬─┬─┬─┬─┬─┐                     over tiles × channels × filters (the register tile):
//!   │ │ │ │ │ │ │         │ │ │ │ │ │ │
//!   │ │┏━━━━━━━┓│  ─────► │ │ │ │ │ │ │  ──── M = V · U ──►  4×4 outputs y = Aᵀ M A
//!   │ │┃ 4×4   ┃│         │ │ │ │ │ │ │
//!   │ │┃outputs┃│         │ │ │ │ │ │ │        U = G g Gᵀ, the 3×3 kernel transformed to 6×6, once
//!   │ │┗━━━━━━━┛│         │ │ │ │ │ │ │
//!   └─┴─┴─┴─┴─┴─┘         └─┴─┴─┴─┴─┴─┘
//! ```
//!
//! 36 products a channel and filter take the place of 16 · 9 = 144 (Lavin and Gray, "Fast Algorithms for Convolutional
//! Neural Networks", 2015). The matrices come from six points at which polynomials are evaluated, here 0, ±a, ±b and ∞. The
//! usual a = 1, b = 2 makes rounding errors 2 to 4 times as large as a = ¾, b = 1½, which keeps the powers of the points
//! near 1 and is exact in binary, too (README.md has the errors measured). The kernel's gradient is the adjoint: it takes the
//! outputs' gradients through A, multiplies, and comes back through G.

use super::sparse::DEAD;
use super::{Simd, load_vector, store_vector};

/// Side of the tile of outputs.
pub(crate) const OUTPUTS: usize = 4;
/// Side of the tile of inputs: what a 3×3 kernel reads for `OUTPUTS`.
pub(crate) const INPUTS: usize = OUTPUTS + 2;
/// Products a tile: positions of the transformed tile.
pub(crate) const POSITIONS: usize = INPUTS * INPUTS;

const A: f32 = 0.75;
const B: f32 = 1.5;
/// Their squares.
const AA: f32 = A * A;
const BB: f32 = B * B;
/// What the rows of G at ±a and ±b are divided by.
const AT_A: f32 = 2.0 * AA * (AA - BB);
const AT_B: f32 = 2.0 * BB * (BB - AA);

/// One of the matrices, applied to `IN` vectors.
pub(crate) trait Transform<const IN: usize, const OUT: usize> {
    /// The matrix times the column `d`.
    fn line<S: Simd>(simd: S, d: [S::V; IN]) -> [S::V; OUT];
}

/// Bᵀ: pixels.
#[derive(Clone, Copy)]
pub(crate) struct Input;
/// G: the kernel.
pub(crate) struct Weights;
/// Aᵀ: sums of products to outputs.
pub(crate) struct Output;
/// A: gradients of outputs.
#[derive(Clone, Copy)]
pub(crate) struct OutputGradient;
/// Gᵀ: gradients of the transformed kernel.
pub(crate) struct WeightsGradient;

impl Transform<6, 6> for Input {
    #[inline(always)]
    fn line<S: Simd>(s: S, d: [S::V; 6]) -> [S::V; 6] {
        let (product, sum) = (s.splat(AA * BB), s.splat(-(AA + BB)));
        let (minus_aa, minus_bb) = (s.splat(-AA), s.splat(-BB));
        let a_even = s.mul_add(minus_bb, d[2], d[4]);
        let a_odd = s.mul(s.splat(A), s.mul_add(minus_bb, d[1], d[3]));
        let b_even = s.mul_add(minus_aa, d[2], d[4]);
        let b_odd = s.mul(s.splat(B), s.mul_add(minus_aa, d[1], d[3]));
        [
            s.mul_add(product, d[0], s.mul_add(sum, d[2], d[4])),
            s.add(a_even, a_odd),
            s.sub(a_even, a_odd),
            s.add(b_even, b_odd),
            s.sub(b_even, b_odd),
            s.mul_add(product, d[1], s.mul_add(sum, d[3], d[5])),
        ]
    }
}

impl Transform<3, 6> for Weights {
    #[inline(always)]
    fn line<S: Simd>(s: S, g: [S::V; 3]) -> [S::V; 6] {
        let a_even = s.mul_add(s.splat(AA / AT_A), g[2], s.mul(s.splat(1.0 / AT_A), g[0]));
        let b_even = s.mul_add(s.splat(BB / AT_B), g[2], s.mul(s.splat(1.0 / AT_B), g[0]));
        let a_odd = s.mul(s.splat(A / AT_A), g[1]);
        let b_odd = s.mul(s.splat(B / AT_B), g[1]);
        [
            s.mul(s.splat(1.0 / (AA * BB)), g[0]),
            s.add(a_even, a_odd),
            s.sub(a_even, a_odd),
            s.add(b_even, b_odd),
            s.sub(b_even, b_odd),
            g[2],
        ]
    }
}

impl Transform<6, 4> for Output {
    #[inline(always)]
    fn line<S: Simd>(s: S, m: [S::V; 6]) -> [S::V; 4] {
        let (a_sum, a_rest) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
        let (b_sum, b_rest) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
        let powers =
            |a: f32, b: f32, at_a, at_b| s.mul_add(s.splat(b), at_b, s.mul(s.splat(a), at_a));
        [
            s.add(m[0], s.add(a_sum, b_sum)),
            powers(A, B, a_rest, b_rest),
            powers(AA, BB, a_sum, b_sum),
            s.add(m[5], powers(A * AA, B * BB, a_rest, b_rest)),
        ]
    }
}

impl Transform<4, 6> for OutputGradient {
    #[inline(always)]
    fn line<S: Simd>(s: S, d: [S::V; 4]) -> [S::V; 6] {
        let a_even = s.mul_add(s.splat(AA), d[2], d[0]);
        let b_even = s.mul_add(s.splat(BB), d[2], d[0]);
        let a_odd = s.mul_add(s.splat(A * AA), d[3], s.mul(s.splat(A), d[1]));
        let b_odd = s.mul_add(s.splat(B * BB), d[3], s.mul(s.splat(B), d[1]));
        [
            d[0],
            s.add(a_even, a_odd),
            s.sub(a_even, a_odd),
            s.add(b_even, b_odd),
            s.sub(b_even, b_odd),
            d[3],
        ]
    }
}

impl Transform<6, 3> for WeightsGradient {
    #[inline(always)]
    fn line<S: Simd>(s: S, u: [S::V; 6]) -> [S::V; 3] {
        let (a_sum, a_rest) = (s.add(u[1], u[2]), s.sub(u[1], u[2]));
        let (b_sum, b_rest) = (s.add(u[3], u[4]), s.sub(u[3], u[4]));
        let powers = |a: f32, b: f32, at_a, at_b| {
            s.mul_add(s.splat(b / AT_B), at_b, s.mul(s.splat(a / AT_A), at_a))
        };
        [
            s.mul_add(
                s.splat(1.0 / (AA * BB)),
                u[0],
                powers(1.0, 1.0, a_sum, b_sum),
            ),
            powers(A, B, a_rest, b_rest),
            s.add(u[5], powers(AA, BB, a_sum, b_sum)),
        ]
    }
}

/// A square of vectors: values of the same channel are `row_step` and `column_step` apart.
#[derive(Clone, Copy)]
pub(crate) struct Steps {
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl Steps {
    /// Whether a square with `side` rows and columns of `channels` values lies inside `len` values.
    fn reaches(&self, side: usize, channels: usize, len: usize) -> bool {
        let row = self.row.checked_mul(side - 1);
        let column = self.column.checked_mul(side - 1);
        let last = row.zip(column).and_then(|(r, c)| r.checked_add(c));
        last.and_then(|l| l.checked_add(channels))
            .is_some_and(|end| end <= len)
    }
}

/// What is done to transformed values before they are stored.
#[derive(Clone, Copy)]
pub(crate) struct Finish<'a> {
    /// Added, a value a channel.
    pub(crate) bias: Option<&'a [f32]>,
    /// Then what is negative becomes zero.
    pub(crate) relu: bool,
}

/// `T · from · Tᵀ` for each of `channels` channels.
///
/// # Panics
/// When a slice does not reach as far as its square.
#[inline(always)]
pub(crate) fn apply<S: Simd, T: Transform<IN, OUT>, const IN: usize, const OUT: usize>(
    simd: S,
    transform: T,
    channels: usize,
    from: (&[f32], Steps),
    to: (&mut [f32], Steps),
) {
    apply_windows::<S, T, IN, OUT, 1>(simd, transform, channels, from, to, None);
}

/// The maxima of every `WINDOW × WINDOW` of `T · from · Tᵀ`, finished, for each of `channels` channels. (They are finished
/// behind the maximum, which is the same to the bit: neither sum nor relu ever exchanges two values.)
///
/// # Panics
/// When a slice does not reach as far as its square.
#[inline(always)]
pub(crate) fn apply_windows<
    S: Simd,
    T: Transform<IN, OUT>,
    const IN: usize,
    const OUT: usize,
    const WINDOW: usize,
>(
    simd: S,
    _: T,
    channels: usize,
    from: (&[f32], Steps),
    to: (&mut [f32], Steps),
    finish: Option<Finish<'_>>,
) {
    assert!(
        from.1.reaches(IN, channels, from.0.len()),
        "transform: from"
    );
    assert!(
        to.1.reaches(OUT / WINDOW, channels, to.0.len()),
        "transform: to"
    );
    let bias = finish.and_then(|finish| finish.bias);
    assert!(
        bias.is_none_or(|bias| channels <= bias.len()),
        "transform: bias"
    );
    let mut first = 0;
    while first < channels {
        // SAFETY: invariants 2 (asserted above) and 4 (`to` is exclusive).
        unsafe {
            let (from, to) = (
                (from.0.as_ptr().add(first), from.1),
                (to.0.as_mut_ptr().add(first), to.1),
            );
            let finish = finish.map(|finish| Finish {
                bias: finish.bias.map(|bias| &bias[first..]),
                ..finish
            });
            let width = S::LANES.min(channels - first);
            if width == S::LANES {
                vector::<S, T, IN, OUT, WINDOW, false>(simd, width, from, to, finish);
            } else {
                vector::<S, T, IN, OUT, WINDOW, true>(simd, width, from, to, finish);
            }
        }
        first += S::LANES;
    }
}

/// One vector of channels, `width` of them in use.
///
/// # Safety
/// Both squares must lie inside what their pointers may reach, and a bias must have `width` values (invariant 2).
#[inline(always)]
unsafe fn vector<
    S: Simd,
    T: Transform<IN, OUT>,
    const IN: usize,
    const OUT: usize,
    const WINDOW: usize,
    const TAIL: bool,
>(
    simd: S,
    width: usize,
    (from, from_step): (*const f32, Steps),
    (to, to_step): (*mut f32, Steps),
    finish: Option<Finish<'_>>,
) {
    let (mask, zero) = (simd.mask(width), simd.splat(0.0));
    // SAFETY: as this function.
    unsafe {
        let half = columns::<S, T, IN, OUT, TAIL>(simd, mask, from, from_step);
        // Both are always applied, so that there is no branch between the values.
        let finish = finish.map(|Finish { bias, relu }| {
            let least = if relu { 0.0 } else { f32::NEG_INFINITY };
            let bias = bias.map(|bias| load_vector(simd, bias.as_ptr(), 0, TAIL, mask));
            (bias.unwrap_or(zero), simd.splat(least))
        });
        for row in 0..OUT / WINDOW {
            let mut line = T::line(simd, half[row * WINDOW]);
            for half in &half[row * WINDOW + 1..][..WINDOW - 1] {
                for (best, value) in line.iter_mut().zip(T::line(simd, *half)) {
                    *best = simd.larger(*best, value);
                }
            }
            for column in 0..OUT / WINDOW {
                let mut value = line[column * WINDOW];
                for &other in &line[column * WINDOW + 1..][..WINDOW - 1] {
                    value = simd.larger(value, other);
                }
                if let Some((bias, least)) = finish {
                    value = simd.max(least, simd.add(value, bias));
                }
                let to = to.add(row * to_step.row + column * to_step.column);
                store_vector(simd, to, 0, TAIL, mask, value);
            }
        }
    }
}

/// The transform of a square's columns.
///
/// # Safety
/// The square must lie inside what the pointer may reach (invariant 2).
#[inline(always)]
unsafe fn columns<
    S: Simd,
    T: Transform<IN, OUT>,
    const IN: usize,
    const OUT: usize,
    const TAIL: bool,
>(
    simd: S,
    mask: S::Mask,
    from: *const f32,
    step: Steps,
) -> [[S::V; IN]; OUT] {
    let zero = simd.splat(0.0);
    let mut half = [[zero; IN]; OUT];
    for column in 0..IN {
        let mut line = [zero; IN];
        for (row, value) in line.iter_mut().enumerate() {
            // SAFETY: as this function.
            *value = unsafe {
                let from = from.add(row * step.row + column * step.column);
                load_vector(simd, from, 0, TAIL, mask)
            };
        }
        for (half, value) in half.iter_mut().zip(T::line(simd, line)) {
            half[column] = value;
        }
    }
    half
}

/// The maxima of the 2×2 windows of a tile's outputs, behind bias and relu, and which of the four each is: the first of
/// equals, [`DEAD`] where none is above 0.
///
/// # Panics
/// When a slice does not reach as far as its square.
#[inline(always)]
pub(crate) fn maxima_and_winners<S: Simd>(
    simd: S,
    channels: usize,
    from: (&[f32], Steps),
    bias: Option<&[f32]>,
    (y, winners, step): (&mut [f32], &mut [u8], Steps),
) {
    const SIDE: usize = OUTPUTS / 2;
    assert!(
        from.1.reaches(INPUTS, channels, from.0.len()),
        "transform: from"
    );
    assert!(
        step.reaches(SIDE, channels, y.len().min(winners.len())),
        "transform: to"
    );
    assert!(
        bias.is_none_or(|bias| channels <= bias.len()),
        "transform: bias"
    );
    for first in (0..channels).step_by(S::LANES) {
        let width = S::LANES.min(channels - first);
        // SAFETY: invariants 2 (asserted above) and 4 (`y` and `winners` are exclusive).
        unsafe {
            let from = (from.0.as_ptr().add(first), from.1);
            let bias = bias.map(|bias| &bias[first..]);
            let to = (
                y.as_mut_ptr().add(first),
                winners.as_mut_ptr().add(first),
                step,
            );
            if width == S::LANES {
                winners_vector::<S, false>(simd, width, from, bias, to);
            } else {
                winners_vector::<S, true>(simd, width, from, bias, to);
            }
        }
    }
}

/// One vector of channels, `width` of them in use.
///
/// # Safety
/// As [`vector`].
#[inline(always)]
unsafe fn winners_vector<S: Simd, const TAIL: bool>(
    simd: S,
    width: usize,
    (from, from_step): (*const f32, Steps),
    bias: Option<&[f32]>,
    (y, winners, step): (*mut f32, *mut u8, Steps),
) {
    let (mask, zero) = (simd.mask(width), simd.splat(0.0));
    // SAFETY: as this function.
    unsafe {
        let half = columns::<S, Output, INPUTS, OUTPUTS, TAIL>(simd, mask, from, from_step);
        let bias = bias.map_or(zero, |bias| load_vector(simd, bias.as_ptr(), 0, TAIL, mask));
        for (row, half) in half.as_chunks::<2>().0.iter().enumerate() {
            let lines = [Output::line(simd, half[0]), Output::line(simd, half[1])];
            for column in 0..OUTPUTS / 2 {
                // Relu's zero comes first, and only what is larger takes its place.
                let mut best = (zero, simd.splat(f32::from_bits(DEAD.into())));
                for tap in 0..4 {
                    let value = lines[tap / 2][2 * column + tap % 2];
                    best = simd.beaten(
                        best,
                        (
                            simd.add(value, bias),
                            simd.splat(f32::from_bits(tap as u32)),
                        ),
                    );
                }
                let at = row * step.row + column * step.column;
                store_vector(simd, y.add(at), 0, TAIL, mask, best.0);
                simd.store_bytes(winners.add(at), best.1, width);
            }
        }
    }
}
