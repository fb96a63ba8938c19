//! Adam with decoupled weight decay (Loshchilov and Hutter 2019) in Keras's form.

use super::adam::{Settings, betas};
use super::{Adam, Row, optimizer, row as row_of};
use crate::Magnitudes;
use crate::common::{Common, Own, Turn};
use crate::setting::Checked;
use serde::{Deserialize, Serialize};
use taper_tensor::Element;

/// [`Adam`], and before each step every weight shrinks: `w −= lr·weight_decay·w`.
///
/// Defaults as in Keras: weight decay 0.004, everything else as Adam.
///
/// ```
/// use taper_optim::{AdamW, Optimizer};
/// let adamw: &dyn Optimizer = &AdamW::new(0.01).weight_decay(0.1).exclude_from_weight_decay(["bias"]);
/// assert_eq!(adamw.weight_decay_of("dense/kernel", &[3, 2]), 0.1);
/// assert_eq!(adamw.weight_decay_of("dense/bias", &[2]), 0.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AdamW {
    common: Common,
    settings: Decoupled,
}

/// Adam's settings; that another default holds for weight decay is the whole difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Decoupled(Settings);

optimizer!(AdamW, Decoupled);
betas!(AdamW, settings.0);

impl AdamW {
    /// Whether the root is that of the largest mean of squares so far (default: no).
    pub fn amsgrad(mut self, on: bool) -> Self {
        self.settings.0.amsgrad = on;
        self
    }
}

/// Adam's settings, with the default weight decay where it has none: `AdamW::from(Adam::new(0.01).beta_1(0.8))`.
impl From<Adam> for AdamW {
    fn from(
        Adam {
            mut common,
            settings,
        }: Adam,
    ) -> Self {
        let decay = &mut common.around.weight_decay;
        *decay = decay.or(Decoupled::WEIGHT_DECAY);
        AdamW {
            common,
            settings: Decoupled(settings),
        }
    }
}

impl Own for Decoupled {
    const CLASS_NAME: &'static str = "AdamW";
    const WEIGHT_DECAY: Option<f64> = Some(0.004);

    fn check<E: Element>(&self) -> Checked {
        Own::check::<E>(&self.0)
    }

    fn slots(&self) -> &'static [&'static str] {
        self.0.slots()
    }

    fn reach(&self, turn: Turn, now: Magnitudes) -> Option<Magnitudes> {
        self.0.reach(turn, now)
    }

    fn step<E: Element>(
        &self,
        turn: Turn,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
    ) {
        self.0.step(turn, weight, gradient, slots);
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    row_of::<E, AdamW>(
        "Adam, and before each step w −= lr·weight_decay·w",
        file!(),
        || {
            let plain = AdamW::default().weight_decay(0.3);
            let largest = plain.clone().amsgrad(true);
            vec![Box::new(plain), Box::new(largest)]
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::adam::tests::textbook;
    use crate::optimizers::tests::{check_config, compare};
    use crate::schedules::ExponentialDecay;
    use serde_json::json;

    #[test]
    fn it_is_that_of_keras() {
        let fixed = AdamW::new(0.01).weight_decay(0.3);
        compare(&fixed, textbook(|_| 0.01, 0.3));
        // What is taken off follows the learning rate.
        let falling = AdamW::new(ExponentialDecay::new(0.1, 1.0, 0.5));
        compare(&falling, textbook(|t| 0.1 * 0.5f64.powi(t - 1), 0.004));
        let defaults = json!({"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7,
            "weight_decay": 0.004});
        check_config("AdamW", &AdamW::default(), defaults);
    }
}
