//! Clipping to an interval.

use crate::Var;
use crate::gradcheck::{Sample, Sampler, Spec};
use crate::support::Save;
use taper_tensor::Element;

impl<E: Element> Var<E> {
    /// Every element, moved to `low` or `high` if it lies outside of them; any shape.
    ///
    /// Gradient: g where low ≤ x ≤ high, 0 elsewhere (so at NaN, which stays NaN itself). Saves the input.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([3], vec![-3.0, 0.5, 7.0])?);
    /// let y = x.clip(0.0, 1.0);
    /// assert_eq!(y.value().to_vec(), [0.0, 0.5, 1.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.0, 1.0, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    pub fn clip(&self, low: E, high: E) -> Var<E> {
        let slope = move |g: E, x: E| if low <= x && x <= high { g } else { E::zero() };
        self.element_wise(
            "clip",
            self.value().clip(low, high),
            Save::Input,
            slope,
            move |g, x| {
                g.mul(
                    &g.tape()
                        .constant(&x.value().map(move |x| slope(E::one(), x))),
                )
            },
        )
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "clip",
    formula: "min(max(x, low), high)",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        // Distinct values keep away from the multiples of their spacing.
        let low = -(s.integer(0, 4) as f64) * Sampler::SPACING;
        let high = s.integer(1, 4) as f64 * Sampler::SPACING;
        Sample::new(move |v| v[0].clip(low, high)).input("x", s.distinct(&shape))
    },
};
