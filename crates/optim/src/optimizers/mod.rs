//! The optimizers, one file each, and the table of them.

mod adam;
mod adamw;
mod rmsprop;
mod sgd;

/// The optimizers alone, for `use taper_optim::optimizers::prelude::*`.
pub mod prelude {
    pub use super::adam::Adam;
    pub use super::adamw::AdamW;
    pub use super::rmsprop::RMSprop;
    pub use super::sgd::SGD;
}
pub use prelude::*;

use crate::schedules::LearningRate;
use crate::setting::{self, Checked};
use crate::{Clipping, Error, Optimizer, Result};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use taper_tensor::Element;

/// One kind of optimizer.
pub struct Row<E: Element = f32> {
    /// Keras's class name.
    pub class_name: &'static str,
    /// The rule, in one line.
    pub about: &'static str,
    /// The source file.
    pub file: &'static str,
    /// Reads a description; what is absent has Keras's default.
    pub from_config: fn(&Value) -> Result<Box<dyn Optimizer<E>>>,
    /// One for every way it computes, for the tests over the table.
    pub samples: fn() -> Vec<Box<dyn Optimizer<E>>>,
}

/// Every kind of optimizer.
pub fn all<E: Element>() -> Vec<Row<E>> {
    vec![adam::row(), adamw::row(), rmsprop::row(), sgd::row()]
}

/// The class names of all optimizers.
pub fn names() -> Vec<&'static str> {
    // Nothing here is left open, so that this crate compiles every optimizer's passes, at its own level of optimization;
    // crates above take them from here.
    all::<f32>().iter().map(|row| row.class_name).collect()
}

/// Reads the description of the optimizer called `class_name`.
///
/// ```
/// use serde_json::json;
/// let adam = taper_optim::optimizers::from_config::<f32>("Adam", &json!({"learning_rate": 0.002}))?;
/// assert_eq!(adam.learning_rate(), 0.002);
/// assert_eq!(adam.config()["beta_1"], 0.9);
/// # Ok::<(), taper_optim::Error>(())
/// ```
///
/// # Errors
/// An unknown class name, an unknown entry, or a value out of its range.
pub fn from_config<E: Element>(class_name: &str, config: &Value) -> Result<Box<dyn Optimizer<E>>> {
    let rows = all::<E>();
    let Some(row) = rows.iter().find(|row| row.class_name == class_name) else {
        let message = format!(
            "no optimizer is called {class_name:?}: there are {}",
            names().join(", ")
        );
        return Err(Error::Config(message));
    };
    (row.from_config)(config)
}

/// What all optimizers can be told. In JSON their entries stand beside the optimizer's own.
#[derive(Clone, Debug, PartialEq)]
struct Common {
    learning_rate: LearningRate,
    clipping: Option<Clipping>,
}

/// The settings of `class_name` in JSON: those of [`Common`], and for the rest a `T`.
fn parse<T: DeserializeOwned>(
    class_name: &str,
    config: &Value,
    learning_rate: f64,
) -> Result<(Common, T)> {
    let fail = |message: String| Error::Config(format!("{class_name}: {message}"));
    let mut entries = match config {
        Value::Null => Map::new(),
        Value::Object(entries) => entries.clone(),
        other => return Err(fail(format!("expected settings by name, found {other}"))),
    };
    let mut number = |name: &str| match entries.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(fail(format!("{name} is {value}, expected a number"))),
        },
    };
    let (norm, global_norm) = (number("clipnorm")?, number("global_clipnorm")?);
    let clipping = Clipping::from_settings(class_name, norm, global_norm, number("clipvalue")?)?;
    let learning_rate = match entries.remove("learning_rate") {
        None => learning_rate.into(),
        Some(rate) => {
            serde_json::from_value(rate).map_err(|error| fail(format!("learning_rate: {error}")))?
        }
    };
    let own = setting::read(Value::Object(entries)).map_err(fail)?;
    Ok((
        Common {
            learning_rate,
            clipping,
        },
        own,
    ))
}

/// The settings in JSON: the optimizer's `own`, and those of all.
fn unparse(common: &Common, own: Value) -> Value {
    let mut config = own;
    config["learning_rate"] = json!(common.learning_rate);
    if let Some((name, bound)) = common.clipping.map(Clipping::setting) {
        config[name] = json!(bound);
    }
    config
}

impl Common {
    /// The settings of all optimizers, and then `own`, those of one.
    fn check(&self, class_name: &str, own: impl FnOnce() -> Checked) -> Result<()> {
        let clipping = self.clipping.map_or(Ok(()), Clipping::check);
        let checked = self
            .learning_rate
            .check()
            .and(clipping)
            .and_then(|()| own());
        checked.map_err(|fault| Error::setting(class_name, fault))
    }
}

/// A row's `from_config`: one that was read, if its settings are possible.
fn checked<E: Element, O: Optimizer<E> + 'static>(optimizer: O) -> Result<Box<dyn Optimizer<E>>> {
    optimizer.check()?;
    Ok(Box::new(optimizer))
}

/// The settings that all optimizers share, under Keras's names.
macro_rules! common_settings {
    () => {
        /// The learning rate: a number or a schedule.
        pub fn learning_rate(mut self, rate: impl Into<$crate::schedules::LearningRate>) -> Self {
            self.common.learning_rate = rate.into();
            self
        }

        /// What is done to gradients first (default: nothing).
        pub fn clipping(mut self, clipping: $crate::Clipping) -> Self {
            self.common.clipping = Some(clipping);
            self
        }
    };
}
use common_settings;

#[cfg(test)]
mod tests;
