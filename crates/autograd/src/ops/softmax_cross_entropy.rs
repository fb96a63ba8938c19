//! Categorical cross-entropy of a softmax, from logits.

use crate::gradcheck::{Sample, Spec};
use crate::support::weighted_sum;
use crate::{Op, Place, Var};
use taper_tensor::kernels::math::Function;
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
        let (log_softmax, costs) = costs(self.value(), targets)?;
        let shape = self.shape();
        let rows = shape[..shape.len() - 1].iter().product::<usize>();
        let weight = E::from_f64(1.0 / rows as f64);
        let value = weighted_sum(&costs, weight);
        Ok(self.derive(value, || SoftmaxCrossEntropy {
            log_softmax,
            targets: targets.clone(),
            weight,
        }))
    }

    /// The same for every row, in the shape of the logits without the last axis.
    ///
    /// # Errors
    /// When the shapes differ or are those of scalars.
    pub fn softmax_cross_entropies(&self, targets: &Tensor<E>) -> Result<Var<E>> {
        let (log_softmax, costs) = costs(self.value(), targets)?;
        let value = costs.sum_axes(&[self.shape().len() - 1], false)?;
        Ok(self.derive(value, || SoftmaxCrossEntropy {
            log_softmax,
            targets: targets.clone(),
            weight: E::one(),
        }))
    }
}

const NAME: &str = "softmax_cross_entropy";

/// The logarithm of the softmax, and what each class of each row costs.
fn costs<E: Element>(logits: &Tensor<E>, targets: &Tensor<E>) -> Result<(Tensor<E>, Tensor<E>)> {
    let shape = logits.shape();
    if shape.is_empty() || shape != targets.shape() {
        let message = format!(
            "logits {shape:?} and targets {:?} must both be [n, classes] (class numbers become rows by \
             `Tensor::one_hot`)",
            targets.shape()
        );
        return Err(Error::shape(NAME, message));
    }
    let log_softmax = logits.log_softmax(shape.len() - 1)?;
    let cost = |t: E, log: E| if t.is_zero() { E::zero() } else { -t * log };
    let costs = targets.zip(NAME, &log_softmax, cost)?;
    Ok((log_softmax, costs))
}

struct SoftmaxCrossEntropy<E: Element> {
    log_softmax: Tensor<E>,
    targets: Tensor<E>,
    /// What a row counts: 1 / rows in the mean, 1 by itself.
    weight: E,
}

impl<E: Element> Op<E> for SoftmaxCrossEntropy<E> {
    fn name(&self) -> &'static str {
        NAME
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
        let classes = targets.shape().last().copied().unwrap_or(1).max(1);
        // One number for the mean, one for each row otherwise.
        let gradient = gradient.contiguous();
        let of_rows = gradient.as_slice().unwrap_or_default();
        let factor = |row: usize| of_rows[if of_rows.len() == 1 { 0 } else { row }] * weight;
        let targets = targets.contiguous();
        let rows = targets.as_slice().unwrap_or_default().chunks_exact(classes);
        // In place: the logarithms become the gradient.
        let values = log_softmax.as_mut_slice().chunks_exact_mut(classes);
        for (i, (row, target)) in values.zip(rows).enumerate() {
            let factor = factor(i);
            let total: E = target.iter().copied().sum();
            E::apply_in_place(Function::Exp, row);
            for (x, &t) in row.iter_mut().zip(target) {
                *x = (*x * total - t) * factor;
            }
        }
        Ok(vec![Some(log_softmax)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        // Softmax is the same of the logits and of their logarithmic softmax, and so is its slope.
        let last = self.targets.rank() - 1;
        let softmax = place.input(0, &self.log_softmax).softmax(last)?;
        let total = place.constant(&self.targets.sum_axes(&[last], true)?);
        let rest = softmax.mul(&total)?.sub(&place.constant(&self.targets))?;
        // One number for the mean, one for each row otherwise.
        let gradient = match gradient.value().len() {
            1 => gradient.reshape(vec![1; last + 1])?,
            _ => gradient.reshape(total.shape())?,
        };
        Ok(vec![Some(rest.mul(&gradient.scale(self.weight))?)])
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
        let mean = s.coin();
        Sample::new(move |v| match mean {
            true => v[0].softmax_cross_entropy(&targets),
            false => v[0].softmax_cross_entropies(&targets),
        })
        .input("x", s.tensor(&shape))
    },
};
