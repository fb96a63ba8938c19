//! Scaled exponential linear unit (Klambauer, Unterthiner, Mayr, Hochreiter 2017).

use crate::Var;
use crate::gradcheck::{Sample, Spec};
use crate::support::Save;
use taper_tensor::Element;
use taper_tensor::kernels::math::{self, Function};

impl<E: Element> Var<E> {
    /// λx where x > 0, λα(eˣ − 1) elsewhere, of every element, with λ = 1.05070098… and α = 1.67326324…; any shape.
    ///
    /// Gradient: g · λ where x ≥ 0, g · (y + λα) elsewhere. Saves the output.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2], vec![0.0, f32::NEG_INFINITY])?);
    /// let y = x.selu();
    /// assert_eq!(y.value().to_vec(), [0.0, -1.7580993]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [1.050701, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn selu(&self) -> Var<E> {
        let (scale, least) = (E::from_f64(math::SELU[0]), E::from_f64(math::SELU[1]));
        let value = self.value().function(Function::Selu);
        self.element_wise(
            "selu",
            value,
            Save::Output,
            move |g, y| g * if y >= E::zero() { scale } else { y + least },
            move |g, y| {
                // `scale` above 0, and y + `least` below.
                let below = y
                    .value()
                    .map(|y| if y >= E::zero() { E::zero() } else { E::one() });
                let rest = below.map(|below| if below.is_zero() { scale } else { least });
                let slope = y.mul(&g.tape().constant(&below))?;
                g.mul(&slope.add(&g.tape().constant(&rest))?)
            },
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "selu",
    formula: "λx where x > 0, λα(eˣ − 1) elsewhere",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        Sample::new(|v| v[0].selu()).input("x", s.away_from_zero(&shape))
    },
};
