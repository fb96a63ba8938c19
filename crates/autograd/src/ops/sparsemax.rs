//! Sparsemax along an axis (Martins, Astudillo 2016).

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// The point of the probability simplex that is nearest to x along `axis`: max(xᵢ − τ, 0) with the τ for which the sum
    /// is 1; the shape stays.
    ///
    /// Gradient: g less its mean over the support (where y > 0), 0 elsewhere. Saves the output.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([3], vec![1.0, 0.5, -1.0])?);
    /// assert_eq!(x.sparsemax(0)?.value().to_vec(), [0.75, 0.25, 0.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis.
    pub fn sparsemax(&self, axis: usize) -> Result<Var<E>> {
        let output = self.value().sparsemax(axis)?;
        Ok(self.derive(output.clone(), || Sparsemax { output, axis }))
    }
}

struct Sparsemax<E: Element> {
    output: Tensor<E>,
    axis: usize,
}

impl<E: Element> Op<E> for Sparsemax<E> {
    fn name(&self) -> &'static str {
        "sparsemax"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        // Outside of the support y is 0; NaN stays, and makes its gradients NaN.
        let (zero, one) = (E::zero(), E::one());
        let support = self.output.map(|y| if y > zero { one } else { y });
        let inside = gradient.mul(&support)?;
        let axes = [self.axis];
        let mean = inside
            .sum_axes(&axes, true)?
            .div(&support.sum_axes(&axes, true)?)?;
        Ok(vec![Some(gradient.sub(&mean)?.mul(&support)?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "sparsemax",
    formula: "max(xᵢ − τ, 0), Σ = 1",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let axis = s.integer(0, shape.len() - 1);
        // The support changes where a value meets τ, which is the largest x − y.
        let clear = |x: &Tensor<f64>| -> Result<bool> {
            let threshold = x.sub(&x.sparsemax(axis)?)?.max_axes(&[axis], true)?;
            let gaps = x.sub(&threshold)?.to_vec();
            Ok(gaps.iter().all(|gap| gap.abs() >= 1e-3))
        };
        let x = s.until(|s| s.tensor(&shape), |x| clear(x).unwrap_or(false));
        Sample::new(move |v| v[0].sparsemax(axis)).input("x", x)
    },
};
