//! Binary cross-entropy of a sigmoid, from logits.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Var};
use taper_tensor::{Element, Error, Result, Tensor};

impl<E: Element> Var<E> {
    /// The mean over all elements of −t · ln σ(x) − (1 − t) · ln(1 − σ(x)), for logits `self` and `targets` of the
    /// same shape, with σ the sigmoid. A scalar of shape `[]`.
    ///
    /// Computed as max(x, 0) − x · t + ln(1 + e^−|x|), it is exact for logits of any size.
    /// Gradient: g · (σ(x) − t) / count. Saves the input and the targets.
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
        const NAME: &str = "sigmoid_binary_cross_entropy";
        if self.shape() != targets.shape() {
            let message = format!(
                "logits {:?} and targets {:?} differ in shape",
                self.shape(),
                targets.shape()
            );
            return Err(Error::shape(NAME, message));
        }
        let cost = |x: E, t: E| x.max(E::zero()) - x * t + (-x.abs()).exp().ln_1p();
        let weight = E::from_f64(1.0 / self.value().len() as f64);
        let value = self.value().zip(NAME, targets, cost)?.sum().scale(weight);
        Ok(self.derive(value, || SigmoidBinaryCrossEntropy {
            logits: self.value().clone(),
            targets: targets.clone(),
            weight,
        }))
    }
}

struct SigmoidBinaryCrossEntropy<E: Element> {
    logits: Tensor<E>,
    targets: Tensor<E>,
    /// 1 / count.
    weight: E,
}

impl<E: Element> Op<E> for SigmoidBinaryCrossEntropy<E> {
    fn name(&self) -> &'static str {
        "sigmoid_binary_cross_entropy"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let factor = gradient.item()? * self.weight;
        let slope = move |sigmoid, t| (sigmoid - t) * factor;
        let gradient =
            self.logits
                .sigmoid()
                .zip("sigmoid_binary_cross_entropy", &self.targets, slope)?;
        Ok(vec![Some(gradient)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "sigmoid_binary_cross_entropy",
    formula: "mean of −t · ln σ(x) − (1 − t) · ln(1 − σ(x))",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let targets = s.uniform(&shape, 0.0, 1.0);
        Sample::new(move |v| v[0].sigmoid_binary_cross_entropy(&targets))
            .input("x", s.away_from_zero(&shape))
    },
};
