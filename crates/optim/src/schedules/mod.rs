//! Learning-rate schedules in Keras's form, one file each: pure functions of the number of steps done.

mod cosine_decay;
mod exponential_decay;
mod piecewise_constant_decay;

pub use cosine_decay::CosineDecay;
pub use exponential_decay::ExponentialDecay;
pub use piecewise_constant_decay::PiecewiseConstantDecay;

use serde::{Deserialize, Serialize};

/// A learning rate: a number, or a function of the number of steps done. Numbers and schedules convert into it; in
/// JSON and TOML `0.001` or `{"class_name": "ExponentialDecay", "config": {…}}`.
///
/// ```
/// use taper_optim::{Adam, schedules::{ExponentialDecay, LearningRate}};
/// let halved = ExponentialDecay::new(0.01, 1000.0, 0.5).staircase(true);
/// let rate = LearningRate::from(halved);
/// assert_eq!((rate.at(999), rate.at(1000)), (0.01, 0.005));
/// let adam = Adam::default().learning_rate(rate);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a learning rate: a number, or {\"class_name\": …, \"config\": {…}} of ExponentialDecay, CosineDecay or PiecewiseConstantDecay"
)]
pub enum LearningRate {
    /// Always the same.
    Constant(f64),
    /// A function of the number of steps done.
    Schedule(Schedule),
}

/// The schedules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "class_name", content = "config", deny_unknown_fields)]
pub enum Schedule {
    /// Multiplied by a factor every so many steps.
    ExponentialDecay(ExponentialDecay),
    /// Down along half a cosine, perhaps after a linear way up.
    CosineDecay(CosineDecay),
    /// Steps at given places.
    PiecewiseConstantDecay(PiecewiseConstantDecay),
}

impl LearningRate {
    /// The learning rate after `steps` steps.
    pub fn at(&self, steps: u64) -> f64 {
        match self {
            LearningRate::Constant(rate) => *rate,
            LearningRate::Schedule(Schedule::ExponentialDecay(decay)) => decay.at(steps),
            LearningRate::Schedule(Schedule::CosineDecay(decay)) => decay.at(steps),
            LearningRate::Schedule(Schedule::PiecewiseConstantDecay(decay)) => decay.at(steps),
        }
    }

    /// What makes it no learning rate.
    pub(crate) fn check(&self) -> Result<(), String> {
        let fault = match self {
            LearningRate::Constant(rate) => {
                (!(*rate >= 0.0 && rate.is_finite())).then(|| format!("{rate}"))
            }
            LearningRate::Schedule(Schedule::ExponentialDecay(decay)) => decay.fault(),
            LearningRate::Schedule(Schedule::CosineDecay(decay)) => decay.fault(),
            LearningRate::Schedule(Schedule::PiecewiseConstantDecay(decay)) => decay.fault(),
        };
        fault.map_or(Ok(()), |fault| {
            Err(format!("no learning rate comes of {fault}"))
        })
    }
}

impl From<f64> for LearningRate {
    fn from(rate: f64) -> Self {
        LearningRate::Constant(rate)
    }
}

impl From<ExponentialDecay> for LearningRate {
    fn from(decay: ExponentialDecay) -> Self {
        LearningRate::Schedule(Schedule::ExponentialDecay(decay))
    }
}

impl From<CosineDecay> for LearningRate {
    fn from(decay: CosineDecay) -> Self {
        LearningRate::Schedule(Schedule::CosineDecay(decay))
    }
}

impl From<PiecewiseConstantDecay> for LearningRate {
    fn from(decay: PiecewiseConstantDecay) -> Self {
        LearningRate::Schedule(Schedule::PiecewiseConstantDecay(decay))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-12, "{a} is not {b}");
    }

    #[test]
    fn json_is_that_of_keras() {
        let exponential = json!({"class_name": "ExponentialDecay", "config":
            {"initial_learning_rate": 0.1, "decay_steps": 10.0, "decay_rate": 0.5, "staircase": false}});
        for value in [json!(0.001), exponential] {
            let rate: LearningRate = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(&rate).unwrap(), value);
        }
        let error = serde_json::from_value::<LearningRate>(json!({"class_name": "Steps"}))
            .unwrap_err()
            .to_string();
        assert!(error.contains("CosineDecay"), "{error}");
    }

    #[test]
    fn nonsense_is_found() {
        let nonsense: [LearningRate; 6] = [
            (-0.1).into(),
            f64::NAN.into(),
            ExponentialDecay::new(0.1, 0.0, 0.5).into(),
            CosineDecay::new(0.1, -1.0).into(),
            PiecewiseConstantDecay::new([5, 3], [0.1, 0.2, 0.3]).into(),
            PiecewiseConstantDecay::new([5], [0.1]).into(),
        ];
        for rate in nonsense {
            assert!(rate.check().is_err(), "{rate:?}");
        }
    }
}
