//! Cross-entropy of yes/no probabilities that counts what is sure already less.

use super::binary_crossentropy::check_labels;
use super::{Loss, Row, Sample, check_same, check_smoothing, clip, fit, means_of_samples, smooth};
use crate::{ActivationKind, Error, Result, config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor, setting};

/// (1 − p)^γ · binary cross-entropy, averaged over everything, where p = target · output + (1 − target) · (1 − output) is
/// the probability of what is true (Lin et al. 2018, Focal Loss for Dense Object Detection). With class balancing a yes
/// counts α and a no 1 − α. Labels and clipping as [`BinaryCrossentropy`](struct@super::BinaryCrossentropy); the logits
/// of a sigmoid are used.
///
/// ```
/// use taper_nn::losses::{BinaryFocalCrossentropy, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::from_vec([1, 1], vec![0.75])?);
/// let loss = BinaryFocalCrossentropy.forward(&output, &Tensor::ones([1, 1]))?;
/// assert!((loss.value().item()? - 0.0625 * -(0.75f32.ln())).abs() < 1e-7); // 0.25²
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BinaryFocalCrossentropy {
    /// Whether yes and no count α and 1 − α (default: false).
    pub apply_class_balancing: bool,
    /// What a yes counts, in [0, 1] (default: 0.25).
    pub alpha: f64,
    /// How much less a sure output counts, at least 0 (default: 2).
    pub gamma: f64,
    /// How much of the target is pulled to one half, in [0, 1] (default: 0).
    pub label_smoothing: f64,
}

/// The loss with Keras's defaults.
#[allow(non_upper_case_globals)]
pub const BinaryFocalCrossentropy: BinaryFocalCrossentropy = BinaryFocalCrossentropy {
    apply_class_balancing: false,
    alpha: 0.25,
    gamma: 2.0,
    label_smoothing: 0.0,
};

const NAME: &str = "binary_focal_crossentropy";

impl Default for BinaryFocalCrossentropy {
    fn default() -> Self {
        BinaryFocalCrossentropy
    }
}

impl BinaryFocalCrossentropy {
    /// How much less a sure output counts.
    #[must_use]
    pub fn gamma(mut self, gamma: f64) -> Self {
        self.gamma = gamma;
        self
    }

    /// A yes counts `alpha`, a no 1 − `alpha`.
    #[must_use]
    pub fn class_balancing(mut self, alpha: f64) -> Self {
        (self.apply_class_balancing, self.alpha) = (true, alpha);
        self
    }

    fn target<E: Element>(&self, output: &[usize], target: &Tensor<E>) -> Result<Tensor<E>> {
        let target = fit(NAME, output, target)?;
        check_labels(NAME, &target)?;
        Ok(smooth(&target, self.label_smoothing, 0.5))
    }

    /// Cross-entropies, each times what its probability and its class count.
    fn weighed<E: Element>(
        &self,
        entropies: &Var<E>,
        output: &Var<E>,
        target: &Tensor<E>,
    ) -> Result<Var<E>> {
        // 1 − p = target + output − 2 · target · output.
        let slope = target.scale(E::from_f64(-2.0)).shift(E::one());
        let tape = output.tape();
        let miss = output
            .mul(&tape.constant(&slope))?
            .add(&tape.constant(target))?;
        // Rounding must not make it negative: a power of that is NaN.
        let factor = miss
            .clip(E::zero(), E::infinity())
            .powf(E::from_f64(self.gamma));
        let mut costs = factor.mul(entropies)?;
        if self.apply_class_balancing {
            let (yes, no) = (self.alpha, 1.0 - self.alpha);
            let counts = target.scale(E::from_f64(yes - no)).shift(E::from_f64(no));
            costs = costs.mul(&tape.constant(&counts))?;
        }
        means_of_samples(&costs)
    }
}

impl<E: Element> Loss<E> for BinaryFocalCrossentropy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config(&self) -> Value {
        config::unparse(self)
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        let target = self.target(output.shape(), target)?;
        let tape = output.tape();
        let (yes, no) = (clip(output), clip(output).neg().shift(E::one()));
        let of_yes = tape.constant(&target.neg()).mul(&yes.ln())?;
        let of_no = tape.constant(&target.shift(-E::one())).mul(&no.ln())?;
        self.weighed(&of_yes.add(&of_no)?, output, &target)
    }

    fn per_sample_from_logits(
        &self,
        logits: &Var<E>,
        target: &Tensor<E>,
        activation: ActivationKind,
    ) -> Option<Result<Var<E>>> {
        let losses = || {
            let target = self.target(logits.shape(), target)?;
            let entropies = logits.sigmoid_binary_cross_entropies(&target)?;
            self.weighed(&entropies, &logits.sigmoid(), &target)
        };
        (activation == ActivationKind::Sigmoid).then(losses)
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }

    fn is_cross_entropy(&self) -> bool {
        true
    }

    fn activation_of_logits(&self) -> Option<ActivationKind> {
        Some(ActivationKind::Sigmoid)
    }

    fn compares_rows(&self) -> bool {
        true
    }

    fn check(&self) -> Result<()> {
        let checked = setting::fraction("alpha", self.alpha)
            .and_then(|()| setting::not_negative("gamma", self.gamma));
        checked.map_err(|fault| Error::Config(format!("BinaryFocalCrossentropy: {fault}")))?;
        check_smoothing("BinaryFocalCrossentropy", self.label_smoothing)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "BinaryFocalCrossentropy",
        name: NAME,
        about: "(1 − p)^γ · binary cross-entropy, p the probability of what is true",
        file: file!(),
        from_config: |config| {
            let loss: BinaryFocalCrossentropy = config::parse("BinaryFocalCrossentropy", config)?;
            Loss::<E>::check(&loss)?;
            Ok(Box::new(loss))
        },
        sample: |sampler| {
            let shape = sampler.shape(1, 3, 4);
            Sample {
                config: json!({
                    "apply_class_balancing": sampler.coin(),
                    "alpha": 0.25,
                    "gamma": sampler.one_of(&[0.5, 2.0]),
                    "label_smoothing": sampler.one_of(&[0.0, 0.1]),
                }),
                output: sampler.uniform(&shape, 0.05, 0.95),
                target: sampler.uniform(&shape, 0.0, 1.0),
                activation: Some(ActivationKind::Sigmoid),
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, value};
    use super::*;
    use taper_autograd::Tape;

    #[test]
    fn values() {
        // The example of Keras's documentation.
        let output = (&[2, 2][..], &[0.6, 0.4, 0.4, 0.6][..]);
        let target = (&[2, 2][..], &[0.0, 1.0, 0.0, 0.0][..]);
        let (a, b) = (0.36 * -(0.4f64.ln()), 0.16 * -(0.6f64.ln()));
        close(
            value(&BinaryFocalCrossentropy, output, target),
            (3.0 * a + b) / 4.0,
        );
        let balanced = BinaryFocalCrossentropy.class_balancing(0.25);
        let wanted = (0.75 * a + 0.25 * a + 0.75 * b + 0.75 * a) / 4.0;
        close(value(&balanced, output, target), wanted);
    }

    #[test]
    fn logits_of_any_size_have_finite_gradients() {
        for gamma in [0.0, 1.0, 2.0] {
            let x = Tape::new()
                .parameter(&Tensor::<f32>::from_slice([2, 1], &[200.0, -200.0]).unwrap());
            let target = Tensor::from_slice([2, 1], &[0.0, 0.0]).unwrap();
            let loss = BinaryFocalCrossentropy.gamma(gamma);
            let loss = loss
                .from_logits(&x, &target, ActivationKind::Sigmoid)
                .unwrap()
                .unwrap();
            assert_eq!(loss.value().item().unwrap(), 100.0);
            let gradient = loss.backward().unwrap()[&x].to_vec();
            assert_eq!(gradient, [0.5, 0.0], "γ = {gamma}");
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        for wrong in [
            json!({"alpha": 1.5}),
            json!({"gamma": -1.0}),
            json!({"label_smoothing": 2.0}),
        ] {
            assert!((row::<f32>().from_config)(&wrong).is_err(), "{wrong}");
        }
    }
}
