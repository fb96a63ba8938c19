//! Activation functions: used inside layers (`.activation(Relu)`) and as a layer of their own
//! ([`Activation`](crate::layers::Activation)). One file each, and the table of them, which reading a name, prepared
//! inference and the gradient checks all go through: to add one, write its file and enter it in the table.

mod elu;
mod linear;
mod relu;
mod sigmoid;
mod silu;
mod softmax;
mod softplus;
mod tanh;

use crate::Result;
use serde::{Deserialize, Serialize};
use taper_autograd::{Tape, Var};
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
    in_place: fn(&mut [f32], usize),
}

/// What the file of an activation function says about it, for a type of the function's name.
trait Function {
    /// Where its slope jumps.
    const BENDS: &'static [f64] = &[];

    /// The function on the tape. Its value is the function off the tape, too.
    fn on_tape<E: Element>(x: &Var<E>) -> Result<Var<E>>;

    /// The function in place, without memory of its own, for prepared inference. The last axis is `width` long.
    fn in_place(x: &mut [f32], width: usize);
}

/// Makes [`ActivationKind`] and [`all`] of the rows of the table. A file's name is Keras's name of the function.
macro_rules! table {
    ($(#[doc = $about:literal] $Name:ident = $name:ident,)+) => {
        /// The activation functions; their names in JSON are Keras's (`"relu"`). The variants are re-exported, so
        /// that `.activation(Relu)` reads as in Keras.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ActivationKind {
            $(#[doc = $about] $Name,)+
        }

        static ROWS: &[Row] = &[$(Row {
            kind: $Name,
            name: stringify!($name),
            about: $about.trim_ascii(),
            file: concat!("crates/nn/src/activations/", stringify!($name), ".rs"),
            bends: $name::$Name::BENDS,
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
    /// x where x > 0, eˣ − 1 elsewhere
    Elu = elu,
    /// x
    Linear = linear,
    /// max(x, 0)
    Relu = relu,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid = sigmoid,
    /// x / (1 + e⁻ˣ)
    Silu = silu,
    /// eˣ / Σeˣ along the last axis
    Softmax = softmax,
    /// ln(1 + eˣ)
    Softplus = softplus,
    /// The hyperbolic tangent
    Tanh = tanh,
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

    /// The limits, as TensorFlow has them except for silu (NaN there), on the tape and in place.
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
                        (found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0)
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
