//! Sigmoid-weighted linear unit (Elfwing, Uchibe, Doya 2017), also called swish.

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::Save;
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// x · σ(x) of every element, with σ the sigmoid; any shape. At ±∞ the limits, ∞ and 0 (frameworks that compute the
    /// product have NaN at −∞, and slopes of NaN at both).
    ///
    /// Gradient: g · (σ(x) + x · σ(x) · (1 − σ(x))). Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![0.0, 100.0])?);
    /// let y = x.silu();
    /// assert_eq!(y.value().to_vec(), [0.0, 100.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.5, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn silu(&self) -> Var<E> {
        let value = self.value().map(|x| {
            if x == E::neg_infinity() {
                E::zero()
            } else {
                x * sigmoid(x)
            }
        });
        self.element_wise("silu", value, Save::Input, |g, x| {
            let sigmoid = sigmoid(x);
            if x.is_infinite() {
                return g * sigmoid;
            }
            g * sigmoid + g * x * sigmoid * (E::one() - sigmoid)
        })
    }
}

/// 1 / (1 + e⁻ˣ), without overflow for any x.
fn sigmoid<E: Element>(x: E) -> E {
    let small = (-x.abs()).exp(); // never above 1
    let numerator = if x < E::zero() { small } else { E::one() };
    numerator / (E::one() + small)
}

pub(super) const SPEC: Spec = Spec {
    name: "silu",
    formula: "x / (1 + e⁻ˣ)",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].silu()).input("x", s.tensor(&shape))
    },
};
