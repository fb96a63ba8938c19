//! Activation functions: used inside layers (`.activation(Relu)`) and as a layer of their own
//! ([`Activation`](crate::layers::Activation)). One file each, and the table of them, which reading a name, prepared
//! inference and the gradient checks all go through: to add one, write its file and enter it in the table.

mod celu;
mod elu;
mod exponential;
mod gelu;
mod gelu_tanh;
mod hard_shrink;
mod hard_sigmoid;
mod hard_silu;
mod hard_tanh;
mod leaky_relu;
mod linear;
mod log_sigmoid;
mod log_softmax;
mod mish;
mod relu;
mod relu6;
mod selu;
mod sigmoid;
mod silu;
mod soft_shrink;
mod softmax;
mod softplus;
mod softsign;
mod sparse_plus;
mod sparse_sigmoid;
mod sparsemax;
mod squareplus;
mod tanh;
mod tanh_shrink;

use crate::Result;
use serde::{Deserialize, Serialize};
use taper_autograd::gradcheck::Sampler;
use taper_autograd::{Tape, Var};
use taper_tensor::ops::Fusible;
use taper_tensor::{Element, Tensor};

pub use ActivationKind::*;

/// One activation function.
pub struct Row {
    /// What layers are told, e.g. `Relu`.
    pub kind: ActivationKind,
    /// Keras's name, e.g. `relu`.
    pub name: &'static str,
    /// The formula.
    pub about: &'static str,
    /// The source file.
    pub file: &'static str,
    /// Where its slope jumps: gradient checks stay away from there.
    pub bends: &'static [f64],
    /// What it is in the epilogue of a product, if a kernel can do it there.
    pub(crate) fusible: Option<Fusible>,
    /// Whether it bends nowhere near these values, where that is not a question of single ones.
    pub(crate) is_smooth: fn(&Tensor<f64>) -> bool,
    in_place: fn(&mut [f32], usize),
}

/// What the file of an activation function says about it, for a type of the function's name.
trait Function {
    /// Where its slope jumps.
    const BENDS: &'static [f64] = &[];

    /// What it is in the epilogue of a product, if a kernel can do it there.
    const FUSIBLE: Option<Fusible> = None;

    /// Whether it bends nowhere near these values, where that is not a question of single ones.
    fn is_smooth(_x: &Tensor<f64>) -> bool {
        true
    }

    /// The function on the tape. Its value is the function off the tape, too.
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>>;

    /// The function in place, without memory of its own, for prepared inference. The last axis is `width` long.
    fn in_place(x: &mut [f32], width: usize);
}

/// A function of single numbers, with a few comparisons and products.
trait OfNumbers {
    /// As [`Function::BENDS`].
    const BENDS: &'static [f64];
    /// Keras's name.
    const NAME: &'static str;

    fn value<E: Element>(x: E) -> E;

    fn slope<E: Element>(x: E) -> E;
}

impl<T: OfNumbers + 'static> Function for T {
    const BENDS: &'static [f64] = T::BENDS;

    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>> {
        Ok(x.map(T::NAME, T::value, T::slope))
    }

    fn in_place(x: &mut [f32], _width: usize) {
        x.iter_mut().for_each(|x| *x = T::value(*x));
    }
}

/// A constant as a number of the element's type.
fn number<E: Element>(value: f64) -> E {
    E::from_f64(value)
}

/// Makes [`ActivationKind`] and [`all`] of the rows of the table. A file's name is Keras's name of the function.
macro_rules! table {
    ($(#[doc = $about:literal] $Name:ident = $name:ident,)+) => {
        /// The activation functions; their names in JSON are Keras's (`"relu"`). The variants are re-exported, so
        /// that `.activation(Relu)` reads as in Keras.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum ActivationKind {
            $(#[doc = $about] $Name,)+
        }

        static ROWS: &[Row] = &[$(Row {
            kind: $Name,
            name: stringify!($name),
            about: $about.trim_ascii(),
            file: concat!("crates/nn/src/activations/", stringify!($name), ".rs"),
            bends: <$name::$Name as Function>::BENDS,
            fusible: <$name::$Name as Function>::FUSIBLE,
            is_smooth: $name::$Name::is_smooth,
            in_place: $name::$Name::in_place,
        }),+];

        impl ActivationKind {
            /// Every activation function.
            pub const ALL: &[ActivationKind] = &[$($Name),+];

            /// The function on the tape.
            pub fn apply<E: Element>(self, x: &Var<E>) -> Result<Var<E>> {
                match self {
                    $($Name => $name::$Name::on_tape(x),)+
                }
            }
        }
    };
}

table! {
    /// x where x > 0, eˣ − 1 elsewhere: elu, of which α = 1 leaves no difference
    Celu = celu,
    /// x where x > 0, eˣ − 1 elsewhere
    Elu = elu,
    /// eˣ
    Exponential = exponential,
    /// x · Φ(x) with Φ the standard normal distribution (Keras: `approximate=False`)
    Gelu = gelu,
    /// x · (½ + ½ tanh(√(2/π) (x + 0.044715 x³))) (Keras: gelu with `approximate=True`)
    GeluTanh = gelu_tanh,
    /// x where |x| > ½, 0 elsewhere
    HardShrink = hard_shrink,
    /// x / 6 + ½, but at least 0 and at most 1
    HardSigmoid = hard_sigmoid,
    /// x · hard_sigmoid(x)
    HardSilu = hard_silu,
    /// x, but at least −1 and at most 1
    HardTanh = hard_tanh,
    /// x where x > 0, 0.2 x elsewhere
    LeakyRelu = leaky_relu,
    /// x
    Linear = linear,
    /// −ln(1 + e⁻ˣ)
    LogSigmoid = log_sigmoid,
    /// The logarithm of softmax along the last axis
    LogSoftmax = log_softmax,
    /// x · tanh(ln(1 + eˣ))
    Mish = mish,
    /// max(x, 0)
    Relu = relu,
    /// max(x, 0), but at most 6
    Relu6 = relu6,
    /// λx where x > 0, λα(eˣ − 1) elsewhere, with λ = 1.05070…, α = 1.67326…
    Selu = selu,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid = sigmoid,
    /// x / (1 + e⁻ˣ)
    Silu = silu,
    /// x nearer to 0 by ½, and 0 where |x| ≤ ½
    SoftShrink = soft_shrink,
    /// eˣ / Σeˣ along the last axis
    Softmax = softmax,
    /// ln(1 + eˣ)
    Softplus = softplus,
    /// x / (1 + |x|)
    Softsign = softsign,
    /// 0 up to −1, (x + 1)² / 4 up to 1, x from there on
    SparsePlus = sparse_plus,
    /// 0 up to −1, (x + 1) / 2 up to 1, 1 from there on
    SparseSigmoid = sparse_sigmoid,
    /// max(xᵢ − τ, 0) with the τ for which the sum is 1, along the last axis
    Sparsemax = sparsemax,
    /// (x + √(x² + 4)) / 2
    Squareplus = squareplus,
    /// The hyperbolic tangent
    Tanh = tanh,
    /// x − tanh x
    TanhShrink = tanh_shrink,
}

/// Every activation function.
///
/// ```
/// let names: Vec<_> = taper_nn::activations::all().iter().map(|row| row.name).collect();
/// assert!(names.contains(&"relu"));
/// ```
pub fn all() -> &'static [Row] {
    ROWS
}

impl ActivationKind {
    /// Its row in the table.
    pub fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// Keras's name, e.g. `relu`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The function off the tape.
    pub fn apply_to<E: Element>(self, x: &Tensor<E>) -> Result<Tensor<E>> {
        // A tape records nothing of constants.
        Ok(self.apply(&Tape::new().constant(x))?.value().clone())
    }

    /// Any but the exponential: behind a random layer its values, and what differences of them lose, have no bounds.
    pub(crate) fn drawn(sampler: &mut Sampler) -> ActivationKind {
        let growing = |kind: &ActivationKind| *kind != Exponential;
        sampler.until(|sampler| sampler.one_of(ActivationKind::ALL), growing)
    }

    /// The function in place, on values of which the last axis is `width` long. Equals [`apply_to`](Self::apply_to) to
    /// rounding.
    pub(crate) fn apply_in_place(self, x: &mut [f32], width: usize) {
        (self.row().in_place)(x, width);
    }
}

#[expect(clippy::derivable_impls, reason = "rows of the table are all alike")]
impl Default for ActivationKind {
    fn default() -> Self {
        Linear
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_tensor::{Seed, Stream};

    #[test]
    fn no_file_is_missing_from_the_table() {
        let rows: Vec<_> = all().iter().map(|row| row.file).collect();
        crate::testing::assert_complete("activations", &rows);
    }

    #[test]
    fn names_are_those_of_json() {
        assert_eq!(ActivationKind::ALL.len(), all().len());
        for (row, &kind) in all().iter().zip(ActivationKind::ALL) {
            assert_eq!((row.kind, kind.row().name), (kind, row.name));
            let text = format!("{:?}", row.name);
            assert_eq!(serde_json::to_string(&kind).unwrap(), text);
            let read: ActivationKind = serde_json::from_str(&text).unwrap();
            assert_eq!(read, kind);
        }
    }

    #[test]
    fn an_unknown_name_is_told_those_that_there_are() {
        let error = serde_json::from_str::<ActivationKind>("\"rulu\"").unwrap_err();
        let message = error.to_string();
        assert!(message.contains("rulu"), "{message}");
        for row in all() {
            assert!(message.contains(row.name), "{message}");
        }
    }

    /// The limits, as TensorFlow has them except for products and quotients of two infinities (NaN there), on the tape and in place.
    #[test]
    fn infinite_inputs_have_their_limits() {
        const INF: f32 = f32::INFINITY;
        for (kind, values, slopes) in [
            (Elu, [-1.0, INF], [0.0, 1.0]),
            (Linear, [-INF, INF], [1.0, 1.0]),
            (Relu, [0.0, INF], [0.0, 1.0]),
            (Sigmoid, [0.0, 1.0], [0.0, 0.0]),
            (Silu, [0.0, INF], [0.0, 1.0]),
            (Softmax, [0.0, 1.0], [0.0, 0.0]),
            (Celu, [-1.0, INF], [0.0, 1.0]),
            (Exponential, [0.0, INF], [0.0, INF]),
            (Gelu, [0.0, INF], [0.0, 1.0]),
            (GeluTanh, [0.0, INF], [0.0, 1.0]),
            (HardShrink, [-INF, INF], [1.0, 1.0]),
            (HardSigmoid, [0.0, 1.0], [0.0, 0.0]),
            (HardSilu, [0.0, INF], [0.0, 1.0]),
            (HardTanh, [-1.0, 1.0], [0.0, 0.0]),
            (LeakyRelu, [-INF, INF], [0.2, 1.0]),
            (LogSigmoid, [-INF, 0.0], [1.0, 0.0]),
            (LogSoftmax, [-INF, 0.0], [1.0, -1.0]),
            (Mish, [0.0, INF], [0.0, 1.0]),
            (Relu6, [0.0, 6.0], [0.0, 0.0]),
            (Selu, [-1.758_099_3, INF], [0.0, 1.050_701]),
            (SoftShrink, [-INF, INF], [1.0, 1.0]),
            (Softsign, [-1.0, 1.0], [0.0, 0.0]),
            (SparsePlus, [0.0, INF], [0.0, 1.0]),
            (SparseSigmoid, [0.0, 1.0], [0.0, 0.0]),
            (Sparsemax, [0.0, 1.0], [0.0, 0.0]),
            (Squareplus, [0.0, INF], [0.0, 1.0]),
            (TanhShrink, [-INF, INF], [1.0, 1.0]),
            (Softplus, [0.0, INF], [0.0, 1.0]),
            (Tanh, [-1.0, 1.0], [0.0, 0.0]),
        ] {
            let x = Tensor::from_slice([1, 2], &[-INF, INF]).unwrap();
            let on_tape = Tape::new().parameter(&x);
            let y = kind.apply(&on_tape).unwrap();
            assert_eq!(y.value().to_vec(), values, "{kind:?}");
            let gradients = y.sum().backward().unwrap();
            assert_eq!(gradients[&on_tape].to_vec(), slopes, "slope of {kind:?}");
            let mut in_place = x.to_vec();
            kind.apply_in_place(&mut in_place, 2);
            assert_eq!(in_place, values, "{kind:?} in place");
        }
    }

    #[test]
    fn on_the_tape_off_it_and_in_place_are_the_same_function() {
        let key = Seed(5).key(Stream::User(0), 0);
        let small = Tensor::normal([40, 7], 0.0, 2.0, key);
        let large = Tensor::normal([40, 7], 0.0, 60.0, key);
        let special = Tensor::from_fn([1, 4], |i| [0.0, -0.0, -1e-7, f32::NAN][i]);
        for row in all() {
            for x in [&small, &large, &special] {
                let wanted = row.kind.apply_to(x).unwrap();
                let tape = Tape::new();
                let on_tape = row.kind.apply(&tape.parameter(x)).unwrap();
                assert_eq!(on_tape.shape(), x.shape(), "{}", row.name);
                let mut in_place = x.to_vec();
                let width = *x.shape().last().unwrap();
                row.kind.apply_in_place(&mut in_place, width);
                for (i, &wanted) in wanted.to_vec().iter().enumerate() {
                    let same = |found: f32| {
                        found == wanted
                            || (found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0)
                            || found.is_nan() && wanted.is_nan()
                    };
                    let found = [on_tape.value().to_vec()[i], in_place[i]];
                    assert!(
                        found.into_iter().all(same),
                        "{} of {}: {found:?} and {wanted}",
                        row.name,
                        x.to_vec()[i]
                    );
                }
            }
            let last = row.kind.apply_to(&special).unwrap().to_vec()[3];
            assert!(last.is_nan(), "{} of NaN is {last}", row.name);
        }
    }
}
