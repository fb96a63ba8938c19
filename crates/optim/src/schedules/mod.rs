//! Learning-rate schedules in Keras's form, one file each: pure functions of the number of steps done.

mod cosine_decay;
mod cosine_decay_restarts;
mod exponential_decay;
mod inverse_time_decay;
mod one_cycle;
mod piecewise_constant_decay;
mod polynomial_decay;
mod warm_up;

pub use cosine_decay::CosineDecay;
pub use cosine_decay_restarts::CosineDecayRestarts;
pub use exponential_decay::ExponentialDecay;
pub use inverse_time_decay::InverseTimeDecay;
pub use one_cycle::OneCycle;
pub use piecewise_constant_decay::PiecewiseConstantDecay;
pub use polynomial_decay::PolynomialDecay;
pub use warm_up::WarmUp;

use crate::setting::{self, Checked};
use crate::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use std::fmt::Debug;
use std::sync::Arc;

/// A learning rate that is a pure function of the number of steps done.
///
/// To add one: a file in `schedules/` with its struct, this trait, its row and its test, and the row's name in [`all`]. One
/// of your own works with every optimizer, too; only reading it back from a description needs the table.
///
/// ```
/// use serde_json::{Value, json};
/// use taper_optim::{Adam, LearningRate, Schedule};
///
/// #[derive(Debug)]
/// struct InverseRoot { initial: f64 }
///
/// impl Schedule for InverseRoot {
///     fn class_name(&self) -> &'static str { "InverseRoot" }
///     fn config(&self) -> Value { json!({"initial": self.initial}) }
///     fn at(&self, steps: u64) -> f64 { self.initial / (1.0 + steps as f64).sqrt() }
/// }
///
/// let adam = Adam::new(InverseRoot { initial: 0.01 });
/// assert_eq!(LearningRate::from(InverseRoot { initial: 0.01 }).at(3), 0.005);
/// ```
pub trait Schedule: Debug + Send + Sync {
    /// Keras's class name, e.g. `ExponentialDecay`.
    fn class_name(&self) -> &'static str;

    /// JSON with Keras's names, which the row's `from_config` reads back.
    fn config(&self) -> Value;

    /// The learning rate after `steps` steps.
    fn at(&self, steps: u64) -> f64;

    /// What makes it no learning rate, e.g. a number below 0, with the setting's name, its value and what is allowed; asked
    /// when an optimizer's description is read, and when training begins.
    fn fault(&self) -> Option<String> {
        None
    }
}

/// One kind of schedule.
pub struct Row {
    /// Keras's class name.
    pub class_name: &'static str,
    /// How the learning rate goes, in one line.
    pub about: &'static str,
    /// The source file.
    pub file: &'static str,
    /// Reads a description; what is absent has Keras's default.
    pub from_config: fn(&Value) -> Result<LearningRate>,
    /// One whose settings are not the defaults, for the tests over the table.
    pub sample: fn() -> LearningRate,
}

/// Every kind of schedule.
pub fn all() -> Vec<Row> {
    vec![
        cosine_decay::row(),
        cosine_decay_restarts::row(),
        exponential_decay::row(),
        inverse_time_decay::row(),
        one_cycle::row(),
        piecewise_constant_decay::row(),
        polynomial_decay::row(),
        warm_up::row(),
    ]
}

/// Reads the description of the schedule called `class_name`.
///
/// ```
/// use serde_json::json;
/// let settings = json!({"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5});
/// let halved = taper_optim::schedules::from_config("ExponentialDecay", &settings)?;
/// assert_eq!(halved.at(20), 0.025);
/// # Ok::<(), taper_optim::Error>(())
/// ```
///
/// # Errors
/// An unknown class name, an entry that is unknown or missing, or a value of the wrong kind.
pub fn from_config(class_name: &str, config: &Value) -> Result<LearningRate> {
    let rows = all();
    match rows.iter().find(|row| row.class_name == class_name) {
        Some(row) => (row.from_config)(config)
            .map_err(|error| Error::Config(format!("{class_name}: {error}"))),
        None => Err(Error::Config(format!(
            "no schedule is called {class_name:?}: there are {}",
            names(&rows)
        ))),
    }
}

/// `from_config` of a schedule that serde can read.
fn read<S: Schedule + DeserializeOwned + 'static>(config: &Value) -> Result<LearningRate> {
    let mut config = config.clone();
    if let Some(entries) = config.as_object_mut()
        && entries
            .get("name")
            .is_none_or(|name| name.is_string() || name.is_null())
    {
        entries.remove("name"); // which Keras writes beside them
    }
    let schedule: S = setting::read(config).map_err(Error::Config)?;
    match schedule.fault() {
        Some(fault) => Err(Error::Config(fault)),
        None => Ok(schedule.into()),
    }
}

fn names(rows: &[Row]) -> String {
    let names: Vec<_> = rows.iter().map(|row| row.class_name).collect();
    names.join(", ")
}

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
#[derive(Clone, Debug)]
pub enum LearningRate {
    /// Always the same.
    Constant(f64),
    /// A function of the number of steps done.
    Schedule(Arc<dyn Schedule>),
}

impl LearningRate {
    /// The learning rate after `steps` steps.
    pub fn at(&self, steps: u64) -> f64 {
        match self {
            LearningRate::Constant(rate) => *rate,
            LearningRate::Schedule(schedule) => schedule.at(steps),
        }
    }

    /// What makes it no learning rate.
    pub(crate) fn check(&self) -> Checked {
        let LearningRate::Schedule(schedule) = self else {
            return setting::not_negative("learning_rate", self.at(0));
        };
        let class_name = schedule.class_name();
        match schedule.fault() {
            Some(fault) => Err(format!("learning_rate: {class_name}: {fault}")),
            None => setting::not_negative("learning_rate", self.at(0))
                .map_err(|fault| format!("{class_name}: {fault}")),
        }
    }
}

/// Schedules are equal when their descriptions are.
impl PartialEq for LearningRate {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (LearningRate::Constant(a), LearningRate::Constant(b)) => a == b,
            (LearningRate::Schedule(a), LearningRate::Schedule(b)) => {
                a.class_name() == b.class_name() && a.config() == b.config()
            }
            _ => false,
        }
    }
}

impl From<f64> for LearningRate {
    fn from(rate: f64) -> Self {
        LearningRate::Constant(rate)
    }
}

impl<S: Schedule + 'static> From<S> for LearningRate {
    fn from(schedule: S) -> Self {
        LearningRate::Schedule(Arc::new(schedule))
    }
}

impl Serialize for LearningRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            LearningRate::Constant(rate) => rate.serialize(serializer),
            LearningRate::Schedule(schedule) => {
                let (class_name, config) = (schedule.class_name(), schedule.config());
                json!({"class_name": class_name, "config": config}).serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for LearningRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Named {
            class_name: String,
            config: Value,
            /// Where Keras has the class.
            #[serde(default, rename = "module")]
            _module: Value,
            #[serde(default, rename = "registered_name")]
            _registered_name: Value,
        }
        let value = Value::deserialize(deserializer)?;
        if let Some(rate) = value.as_f64() {
            return Ok(rate.into());
        }
        let Named {
            class_name, config, ..
        } = serde_json::from_value(value).map_err(|error| {
            D::Error::custom(format!(
                "expected a learning rate: a number, or {{\"class_name\": …, \"config\": {{…}}}} of {} ({error})",
                names(&all())
            ))
        })?;
        from_config(&class_name, &config).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
