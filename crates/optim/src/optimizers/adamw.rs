//! Adam with decoupled weight decay (Loshchilov and Hutter 2019) in Keras's form.

use super::adam::{LEARNING_RATE, SLOTS, Settings};
use super::{Adam, Common, Row, checked, common_settings, parse, unparse};
use crate::schedules::LearningRate;
use crate::setting::not_negative;
use crate::{Clipping, Magnitudes, Optimizer, Penalty, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use taper_tensor::Element;
use taper_tensor::kernels::update::Rule;

/// [`Adam`], and before each step every weight shrinks: `w −= lr·weight_decay·w`.
///
/// Defaults as in Keras: weight decay 0.004, everything else as Adam.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamW {
    common: Common,
    settings: Settings,
    weight_decay: f64,
}

const WEIGHT_DECAY: f64 = 0.004;

impl Default for AdamW {
    fn default() -> Self {
        AdamW::new(LEARNING_RATE)
    }
}

impl AdamW {
    /// With this learning rate (a number or a schedule); everything else as Keras has it by default.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Self {
        Adam::new(learning_rate).into()
    }

    common_settings!();

    /// What fraction of a weight is taken off per step and learning rate, 0 or more (default: 0.004).
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }
}

/// Adam's settings with the default weight decay: `AdamW::from(Adam::new(0.01).beta_1(0.8))`.
impl From<Adam> for AdamW {
    fn from(Adam { common, settings }: Adam) -> Self {
        AdamW {
            common,
            settings,
            weight_decay: WEIGHT_DECAY,
        }
    }
}

impl<E: Element> Optimizer<E> for AdamW {
    fn class_name(&self) -> &'static str {
        "AdamW"
    }

    fn config(&self) -> Value {
        let mut config = unparse(&self.common, json!(self.settings));
        config["weight_decay"] = json!(self.weight_decay);
        config
    }

    fn check(&self) -> Result<()> {
        self.common.check("AdamW", || {
            let own = self.settings.check::<E>();
            own.and_then(|()| not_negative("weight_decay", self.weight_decay))
        })
    }

    fn learning_rate_at(&self, steps: u64) -> f64 {
        self.common.learning_rate.at(steps)
    }

    fn clipping(&self) -> Option<Clipping> {
        self.common.clipping
    }

    fn slots(&self) -> &'static [&'static str] {
        SLOTS
    }

    fn reach(&self, iteration: u64, learning_rate: f64, now: Magnitudes) -> Option<Magnitudes> {
        let decay = learning_rate * self.weight_decay;
        let step = self.settings.step(iteration, learning_rate, decay);
        step.reach(now)
    }

    fn update(
        &self,
        iteration: u64,
        learning_rate: f64,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
        penalty: Penalty,
    ) {
        let decay = learning_rate * self.weight_decay;
        let step = self.settings.step(iteration, learning_rate, decay);
        step.update(weight, gradient, slots, penalty);
    }
}

/// Adam's settings stand beside AdamW's own.
fn read(config: &Value) -> Result<AdamW> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Own {
        #[serde(default = "default_decay")]
        weight_decay: f64,
    }
    let mut entries = config.as_object().cloned().unwrap_or_default();
    let decay: Map<String, Value> = entries.remove_entry("weight_decay").into_iter().collect();
    let (_, Own { weight_decay }) = parse::<Own>("AdamW", &Value::Object(decay), LEARNING_RATE)?;
    let rest = if config.is_object() {
        Value::Object(entries)
    } else {
        config.clone()
    };
    let (common, settings) = parse::<Settings>("AdamW", &rest, LEARNING_RATE)?;
    Ok(AdamW {
        common,
        settings,
        weight_decay,
    })
}

fn default_decay() -> f64 {
    WEIGHT_DECAY
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "AdamW",
        about: "Adam, and before each step w −= lr·weight_decay·w",
        file: file!(),
        from_config: |config| checked(read(config)?),
        samples: || vec![Box::new(AdamW::default().weight_decay(0.3))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::adam::tests::textbook;
    use crate::optimizers::tests::{check_config, compare};
    use crate::schedules::ExponentialDecay;

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
