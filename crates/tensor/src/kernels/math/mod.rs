//! Mathematics of f32 without libm: the same bits on every system, every instruction set and at every place in a vector.
//! That is so because only additions, products, quotients and comparisons are used, each rounded as IEEE 754 says, and no
//! fused multiply-add, which the portable vectors lack on some targets.
//!
//! `coefficients.py` and `doubles.py` beside this file made the polynomials; `tests/math.rs` holds every function to its bound.

mod doubles;
mod erf;
mod error;
mod exp;
mod expm1;
mod gelu;
mod gelu_tanh;
mod ln;
mod log1p;
mod mish;
mod plain;
mod pow;
mod selu;
mod sigmoid;
mod silu;
mod sin;
mod softplus;
mod tanh;

pub use pow::{Power, pow};

use crate::scalar::Scalar;
use crate::simd::{InstructionSet, Simd, WithSimd, run_on, selected};

/// Makes [`Function`] of the rows of the table: a file each.
macro_rules! table {
    ($($(#[$about:meta])+ $Name:ident = $vector:expr, $name:literal, $bound:expr, |$x:ident| $plain:expr;)+) => {
        /// A function of one number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Function {
            $($(#[$about])+ $Name,)+
        }

        impl Function {
            /// Every function.
            pub const ALL: &[Function] = &[$(Function::$Name),+];

            /// Its name in tables.
            pub fn name(self) -> &'static str {
                match self {
                    $(Function::$Name => $name,)+
                }
            }

            /// What its error never reaches, in units of the last place of the exact result (a subnormal's unit is
            /// 2⁻¹⁴⁹). `cargo xtask ulp` measures it over all f32.
            pub fn bound(self) -> f64 {
                match self {
                    $(Function::$Name => $bound,)+
                }
            }

            /// The function of any float by f64 and the standard library, or plainly where that lacks it: what f64 computes
            /// with, and the reference.
            pub fn of<E: Scalar>(self, x: E) -> E {
                match self {
                    $(Function::$Name => { let $x = x; $plain })+
                }
            }

            /// Replaces every value by the function of it, on a given instruction set, or on the portable one where the
            /// machine lacks it: to compare them.
            pub fn apply_in_place_on(self, set: InstructionSet, x: &mut [f32]) {
                match self {
                    $(Function::$Name => run_on(set, InPlace($vector, x)),)+
                }
            }

            /// The function of every value of `x`, written to `y`.
            ///
            /// # Panics
            /// When the lengths differ.
            pub fn apply(self, x: &[f32], y: &mut [f32]) {
                assert_eq!(x.len(), y.len(), "{}: lengths", self.name());
                match self {
                    $(Function::$Name => run_on(selected(), Between($vector, x, y)),)+
                }
            }
        }
    };
}

table! {
    /// The cosine: NaN at ±∞.
    Cos = sin::COS, "cos", 0.6, |x| x.cos();
    /// The error function: ±1 at ±∞, −0 at −0.
    Erf = erf::ERF, "erf", 0.6, |x| in_f64(x, plain::erf);
    /// eˣ: +0 at −∞, ∞ from 88.72284 on, subnormal results rounded twice at most.
    Exp = exp::Exp, "exp", 2.0, |x| x.exp();
    /// eˣ − 1, with all digits near 0: −1 at −∞, −0 at −0.
    Expm1 = expm1::Expm1, "expm1", 2.0, |x| x.exp_m1();
    /// x where x > 0, eˣ − 1 elsewhere.
    Elu = expm1::Elu, "elu", 2.0, |x| if x > E::zero() { x } else { x.exp_m1() };
    /// x · Φ(x) with Φ the standard normal distribution: at ±∞ the limits, −0 and ∞.
    Gelu = gelu::GELU, "gelu", 0.6, |x| in_f64(x, plain::gelu);
    /// The slope of gelu: 0 at −∞, 1 at ∞. Below 1 the unit of its bound is that of 1: it crosses 0.
    GeluSlope = gelu::SLOPE, "gelu'", 0.6, |x| in_f64(x, plain::gelu_slope);
    /// x · (½ + ½ tanh(√(2/π) (x + 0.044715 x³))): at ±∞ the limits, −0 and ∞.
    GeluTanh = gelu_tanh::GELU, "gelu_tanh", 0.6, |x| in_f64(x, plain::gelu_tanh);
    /// The slope of that: 0 at −∞, 1 at ∞. Below 1 the unit of its bound is that of 1: it crosses 0.
    GeluTanhSlope = gelu_tanh::SLOPE, "gelu_tanh'", 0.6, |x| in_f64(x, plain::gelu_tanh_slope);
    /// The natural logarithm: −∞ at ±0, NaN below.
    Ln = ln::Ln, "ln", 2.0, |x| x.ln();
    /// ln(1 + x), with all digits near 0: −∞ at −1, NaN below, −0 at −0.
    Log1p = log1p::Log1p, "log1p", 2.0, |x| x.ln_1p();
    /// x · tanh(ln(1 + eˣ)): at ±∞ the limits, −0 and ∞.
    Mish = mish::MISH, "mish", 0.6, |x| in_f64(x, plain::mish);
    /// The slope of mish: 0 at −∞, 1 at ∞. Below 1 the unit of its bound is that of 1: it crosses 0.
    MishSlope = mish::SLOPE, "mish'", 0.6, |x| in_f64(x, plain::mish_slope);
    /// λx where x > 0, λα(eˣ − 1) elsewhere, with λ = 1.05070…, α = 1.67326…
    Selu = selu::SELU, "selu", 0.6, |x| in_f64(x, plain::selu);
    /// 1 / (1 + e⁻ˣ): +0 at −∞, 1 at ∞.
    Sigmoid = sigmoid::Sigmoid, "sigmoid", 2.0, |x| plain::sigmoid(x);
    /// x / (1 + e⁻ˣ): at ±∞ the limits, ±0 and ∞.
    Silu = silu::Silu, "silu", 2.0, |x| plain::silu(x);
    /// The slope of silu: 0 at −∞, 1 at ∞. Below 1 the unit of its bound is that of 1: it crosses 0.
    SiluSlope = silu::SiluSlope, "silu'", 2.0, |x| plain::silu_slope(x);
    /// The sine, of huge numbers, too: NaN at ±∞, −0 at −0.
    Sin = sin::SIN, "sin", 0.6, |x| x.sin();
    /// ln(1 + eˣ): 0 at −∞, ∞ at ∞.
    Softplus = softplus::Softplus, "softplus", 2.0, |x| plain::softplus(x);
    /// The hyperbolic tangent: ±1 at ±∞, −0 at −0, x where x is subnormal.
    Tanh = tanh::Tanh, "tanh", 2.0, |x| x.tanh();
}

impl Function {
    /// Replaces every value by the function of it. NaN stays NaN.
    pub fn apply_in_place(self, x: &mut [f32]) {
        self.apply_in_place_on(selected(), x);
    }
}

/// λ, and λα of [`Function::Selu`]: its slope above 0, and what it goes to at −∞, less the sign.
pub const SELU: [f64; 2] = [selu::SCALE, selu::LEAST];

/// A function of f64, of any float.
fn in_f64<E: Scalar>(x: E, function: fn(f64) -> f64) -> E {
    E::from_f64(function(x.to_f64()))
}

/// A function of vectors, for fused passes.
pub(crate) trait OfVectors: Copy {
    /// The function of every lane. `#[inline(always)]`, as everything that runs on an instruction set.
    fn of<S: Simd>(self, simd: S, x: S::V) -> S::V;
}

/// Room for a vector of any set.
const WIDEST: usize = 16;

struct InPlace<'a, F>(F, &'a mut [f32]);

impl<F: OfVectors> WithSimd for InPlace<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let InPlace(function, x) = self;
        let mut vectors = x.chunks_exact_mut(S::LANES);
        for x in &mut vectors {
            simd.store(x, function.of(simd, simd.load(x)));
        }
        let rest = vectors.into_remainder();
        if !rest.is_empty() {
            let mut lanes = [0.0; WIDEST];
            lanes[..rest.len()].copy_from_slice(rest);
            let y = function.of(simd, simd.load(&lanes));
            simd.store(&mut lanes, y);
            rest.copy_from_slice(&lanes[..rest.len()]);
        }
    }
}

struct Between<'a, F>(F, &'a [f32], &'a mut [f32]);

impl<F: OfVectors> WithSimd for Between<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Between(function, x, y) = self;
        let whole = x.len() - x.len() % S::LANES;
        let (rest_x, rest_y) = (&x[whole..], &mut y[whole..]);
        if !rest_x.is_empty() {
            rest_y.copy_from_slice(rest_x);
            InPlace(function, rest_y).run(simd);
        }
        let vectors = x.chunks_exact(S::LANES);
        for (x, y) in vectors.zip(y.chunks_exact_mut(S::LANES)) {
            simd.store(y, function.of(simd, simd.load(x)));
        }
    }
}

/// c₀ + x · (c₁ + x · (…)).
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, x: S::V, coefficients: [f32; N]) -> S::V {
    let mut sum = simd.splat(coefficients[N - 1]);
    for &c in coefficients[..N - 1].iter().rev() {
        sum = simd.add(simd.mul(sum, x), simd.splat(c));
    }
    sum
}
