//! The optimizers, one file each, and the table of them.

mod adadelta;
mod adafactor;
mod adagrad;
mod adam;
mod adamax;
mod adamw;
mod ftrl;
mod lamb;
mod lion;
mod muon;
mod nadam;
mod rmsprop;
mod sgd;

/// The optimizers alone, for `use taper_optim::optimizers::prelude::*`.
pub mod prelude {
    pub use super::adadelta::Adadelta;
    pub use super::adafactor::Adafactor;
    pub use super::adagrad::Adagrad;
    pub use super::adam::Adam;
    pub use super::adamax::Adamax;
    pub use super::adamw::AdamW;
    pub use super::ftrl::Ftrl;
    pub use super::lamb::Lamb;
    pub use super::lion::Lion;
    pub use super::muon::Muon;
    pub use super::nadam::Nadam;
    pub use super::rmsprop::RMSprop;
    pub use super::sgd::SGD;
}
pub use prelude::*;

use crate::common::{Described, Own, optimizer, parse};
use crate::{Error, Optimizer, Result};
use serde_json::Value;
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
    vec![
        adadelta::row(),
        adafactor::row(),
        adagrad::row(),
        adam::row(),
        adamax::row(),
        adamw::row(),
        ftrl::row(),
        lamb::row(),
        lion::row(),
        muon::row(),
        nadam::row(),
        rmsprop::row(),
        sgd::row(),
    ]
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

/// The row of one of the table's optimizers, but for its file and its rule in words.
fn row<E: Element, T: Described>(
    about: &'static str,
    file: &'static str,
    samples: Samples<E>,
) -> Row<E> {
    Row {
        class_name: T::Own::CLASS_NAME,
        about,
        file,
        from_config: |config| {
            let optimizer: T = parse(config)?;
            Optimizer::<E>::check(&optimizer)?;
            Ok(Box::new(optimizer))
        },
        samples,
    }
}

type Samples<E> = fn() -> Vec<Box<dyn Optimizer<E>>>;

#[cfg(test)]
mod tests;
