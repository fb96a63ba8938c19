//! Binary cross-entropy of a sigmoid, from logits.

use crate::gradcheck::{Sample, Spec};
use crate::support::weighted_sum;
use crate::{Op, Place, Var};
use taper_tensor::{Element, Error, Result, Tensor};

impl<E: Element> Var<E> {
    /// The mean over all elements of −t · ln σ(x) − (1 − t) · ln(1 − σ(x)), for logits `self` and `targets` of the
    /// same shape, with σ the sigmoid. A scalar of shape `[]`.
    ///
    /// Computed as max(x, 0) − x · t + ln(1 + e^−|x|), it is exact for logits of any size. Infinite logits have the
    /// limit: 0 where t is the 1 or 0 that they are sure of, ∞ for every other t.
    /// Gradient: g · (σ(x) − t) / count, finite for every x. Saves the input and the targets.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let logits = tape.parameter(&Tensor::from_vec([2], vec![0.0, 1000.0])?);
    /// let loss = logits.sigmoid_binary_cross_entropy(&Tensor::from_vec([2], vec![1.0, 0.0])?)?;
    /// assert!((loss.value().item()? - (2f64.ln() + 1000.0) / 2.0).abs() < 1e-9);
    /// assert_eq!(loss.backward()?[&logits].to_vec(), [-0.25, 0.5]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn sigmoid_binary_cross_entropy(&self, targets: &Tensor<E>) -> Result<Var<E>> {
        let weight = E::from_f64(1.0 / self.value().len() as f64);
        let value = weighted_sum(&costs(self.value(), targets)?, weight);
        Ok(self.derive(value, || SigmoidBinaryCrossEntropy {
            logits: self.value().clone(),
            targets: targets.clone(),
            weight,
        }))
    }

    /// The same for every element, in the shape of the logits.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn sigmoid_binary_cross_entropies(&self, targets: &Tensor<E>) -> Result<Var<E>> {
        Ok(self.derive(costs(self.value(), targets)?, || {
            SigmoidBinaryCrossEntropy {
                logits: self.value().clone(),
                targets: targets.clone(),
                weight: E::one(),
            }
        }))
    }
}

const NAME: &str = "sigmoid_binary_cross_entropy";

fn costs<E: Element>(logits: &Tensor<E>, targets: &Tensor<E>) -> Result<Tensor<E>> {
    let (x, t) = (logits.shape(), targets.shape());
    if x != t {
        let message = format!("logits {x:?} and targets {t:?} differ in shape");
        return Err(Error::shape(NAME, message));
    }
    let line = logits.zip(NAME, targets, |x, t| {
        if x.is_infinite() {
            let sure = if x > E::zero() { E::one() } else { E::zero() };
            // A target that is NaN stays one.
            return if t == sure {
                E::zero()
            } else {
                E::infinity() + t.abs()
            };
        }
        // NaN comes through the second part.
        x.max(E::zero()) - x * t
    })?;
    // ln(1 + e^−|x|): what the line lacks, most of it at 0.
    let bend = logits.map(|x| -x.abs()).softplus();
    Tensor::zip_owned(NAME, line, bend, |line, bend| line + bend)
}

struct SigmoidBinaryCrossEntropy<E: Element> {
    logits: Tensor<E>,
    targets: Tensor<E>,
    /// What a cost counts: 1 / count in the mean, 1 by itself.
    weight: E,
}

impl<E: Element> Op<E> for SigmoidBinaryCrossEntropy<E> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let slopes = |weight: E| {
            let slope = move |sigmoid, t| (sigmoid - t) * weight;
            self.logits.sigmoid().zip(NAME, &self.targets, slope)
        };
        // Of the mean the gradient is one number.
        let gradient = if gradient.shape() == self.logits.shape() {
            slopes(self.weight)?.mul(&gradient)?
        } else {
            slopes(gradient.item()? * self.weight)?
        };
        Ok(vec![Some(gradient)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let sigmoid = place.input(0, &self.logits).sigmoid();
        let rest = sigmoid.sub(&place.constant(&self.targets))?;
        Ok(vec![Some(rest.mul(gradient)?.scale(self.weight))])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "sigmoid_binary_cross_entropy",
    formula: "mean of −t · ln σ(x) − (1 − t) · ln(1 − σ(x))",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let (targets, mean) = (s.uniform(&shape, 0.0, 1.0), s.coin());
        Sample::new(move |v| match mean {
            true => v[0].sigmoid_binary_cross_entropy(&targets),
            false => v[0].sigmoid_binary_cross_entropies(&targets),
        })
        .input("x", s.away_from_zero(&shape))
    },
};
