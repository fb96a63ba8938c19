//! Categorical cross-entropy of a softmax, from logits.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Var};
use taper_tensor::{Element, Error, Result, Tensor};

impl<E: Element> Var<E> {
    /// The cross-entropy −Σ t · ln softmax(x) of logits `self` and `targets`, both `[n, …, classes]`: softmax and sum
    /// along the last axis, mean over all the others. A scalar of shape `[]`.
    ///
    /// Computed by the log-sum-exp, it is exact for logits of any size. Targets are one-hot rows or any
    /// distribution; rows need not sum to one (smoothed or weighted targets). Where a target is 0, an infinitely
    /// improbable class costs nothing.
    /// Gradient: g · (softmax(x) · Σt − t) / rows. Saves the logarithm of the softmax and the targets.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let logits = tape.parameter(&Tensor::<f64>::zeros([1, 4]));
    /// let loss = logits.softmax_cross_entropy(&Tensor::one_hot(&[2], 4)?)?;
    /// assert!((loss.value().item()? - 4f64.ln()).abs() < 1e-12);
    /// let gradient = &loss.backward()?[&logits];
    /// for (found, expected) in gradient.to_vec().iter().zip([0.25, 0.25, -0.75, 0.25]) {
    ///     assert!((found - expected).abs() < 1e-12);
    /// }
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes differ or are those of scalars.
    pub fn softmax_cross_entropy(&self, targets: &Tensor<E>) -> Result<Var<E>> {
        const NAME: &str = "softmax_cross_entropy";
        let shape = self.shape();
        if shape.is_empty() || shape != targets.shape() {
            let message = format!(
                "logits {shape:?} and targets {:?} must both be [n, classes] (class numbers become rows by \
                 `Tensor::one_hot`)",
                targets.shape()
            );
            return Err(Error::shape(NAME, message));
        }
        let log_softmax = self.value().log_softmax(shape.len() - 1)?;
        let cost = |t: E, log: E| if t.is_zero() { E::zero() } else { -t * log };
        let rows = shape[..shape.len() - 1].iter().product::<usize>();
        let weight = E::from_f64(1.0 / rows as f64);
        let value = targets.zip(NAME, &log_softmax, cost)?.sum().scale(weight);
        Ok(self.derive(value, || SoftmaxCrossEntropy {
            log_softmax,
            targets: targets.clone(),
            weight,
        }))
    }
}

struct SoftmaxCrossEntropy<E: Element> {
    log_softmax: Tensor<E>,
    targets: Tensor<E>,
    /// 1 / rows.
    weight: E,
}

impl<E: Element> Op<E> for SoftmaxCrossEntropy<E> {
    fn name(&self) -> &'static str {
        "softmax_cross_entropy"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let SoftmaxCrossEntropy {
            mut log_softmax,
            targets,
            weight,
        } = *self;
        let factor = gradient.item()? * weight;
        let classes = targets.shape().last().copied().unwrap_or(1).max(1);
        let targets = targets.contiguous();
        let rows = targets.as_slice().unwrap_or_default().chunks_exact(classes);
        // In place: the logarithms become the gradient.
        for (row, target) in log_softmax
            .as_mut_slice()
            .chunks_exact_mut(classes)
            .zip(rows)
        {
            let total: E = target.iter().copied().sum();
            for (x, &t) in row.iter_mut().zip(target) {
                *x = (x.exp() * total - t) * factor;
            }
        }
        Ok(vec![Some(log_softmax)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "softmax_cross_entropy",
    formula: "mean of −Σ t · ln softmax(x)",
    sample: |s| {
        let shape = s.shape(1, 3, 4);
        let targets = s
            .uniform(&shape, 0.0, 1.0)
            .map(|t| if t < 0.3 { 0.0 } else { t });
        Sample::new(move |v| v[0].softmax_cross_entropy(&targets)).input("x", s.tensor(&shape))
    },
};
