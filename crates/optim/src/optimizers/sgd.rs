//! Gradient descent with momentum in Keras's form.

use super::{Common, Row, check_fractions, common_settings, parse, unparse};
use crate::schedules::LearningRate;
use crate::{Clipping, Optimizer, Penalty};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use taper_tensor::Element;
use taper_tensor::kernels::update;

/// `w −= lr·g`; with momentum `v = momentum·v − lr·g` and `w += v`, or with Nesterov's `w += momentum·v − lr·g`.
///
/// Defaults as in Keras: learning rate 0.01, no momentum.
#[derive(Clone, Debug, PartialEq)]
pub struct SGD {
    common: Common,
    settings: Settings,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    momentum: f64,
    nesterov: bool,
}

const LEARNING_RATE: f64 = 0.01;

impl Default for SGD {
    fn default() -> Self {
        SGD::new(LEARNING_RATE)
    }
}

impl SGD {
    /// With this learning rate (a number or a schedule) and no momentum.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Self {
        let common = Common {
            learning_rate: learning_rate.into(),
            clipping: None,
        };
        SGD {
            common,
            settings: Settings::default(),
        }
    }

    common_settings!();

    /// How much of the last step goes on (default: 0).
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.settings.momentum = momentum;
        self
    }

    /// Whether the step looks ahead along the momentum (default: no).
    pub fn nesterov(mut self, on: bool) -> Self {
        self.settings.nesterov = on;
        self
    }
}

impl<E: Element> Optimizer<E> for SGD {
    fn class_name(&self) -> &'static str {
        "SGD"
    }

    fn config(&self) -> Value {
        unparse(&self.common, serde_json::json!(self.settings))
    }

    fn learning_rate_at(&self, steps: u64) -> f64 {
        self.common.learning_rate.at(steps)
    }

    fn clipping(&self) -> Option<Clipping> {
        self.common.clipping
    }

    fn slots(&self) -> &'static [&'static str] {
        // Without momentum there is nothing to keep.
        if self.settings.momentum == 0.0 {
            &[]
        } else {
            &["momentum"]
        }
    }

    fn update(
        &self,
        _iteration: u64,
        learning_rate: f64,
        weight: &mut [E],
        gradient: &[E],
        slots: &mut [&mut [E]],
        penalty: Penalty,
    ) {
        let Settings { momentum, nesterov } = self.settings;
        let how = update::Sgd {
            learning_rate,
            momentum,
            nesterov,
        };
        let velocity = slots.first_mut().map(|slot| &mut **slot);
        update::sgd(weight, gradient, velocity, &how, penalty);
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "SGD",
        about: "w −= lr·g, with momentum or Nesterov's momentum",
        file: file!(),
        from_config: |config| {
            let (common, settings) = parse::<Settings>("SGD", config, LEARNING_RATE)?;
            check_fractions("SGD", &[("momentum", settings.momentum)])?;
            Ok(Box::new(SGD { common, settings }))
        },
    }
}
