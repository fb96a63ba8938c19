//! What a weight must be after every step of an optimizer: Keras's constraints, one file each, and the table of them. The step
//! applies them (`taper-train`), so that no layer knows more of one than that it has it.

mod axes;
mod max_norm;
mod min_max_norm;
mod non_neg;
mod unit_norm;

pub use axes::Axes;
pub use max_norm::MaxNorm;
pub use min_max_norm::MinMaxNorm;
pub use non_neg::NonNeg;
pub use unit_norm::UnitNorm;

use crate::setting::{self, Checked};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::{Element, Tensor};

/// What a weight is made to be after every step. [`MaxNorm`], [`MinMaxNorm`], [`NonNeg`] and [`UnitNorm`] convert into it. In
/// JSON and TOML `"non_neg"`, `{"max_norm": {"max_value": 3}}`; what is absent has Keras's default, and Keras's own way of
/// writing it is read, too.
///
/// ```
/// use taper_nn::{Constraint, MaxNorm};
/// use taper_tensor::Tensor;
/// let mut w = Tensor::<f64>::from_vec([2, 1], vec![3.0, -4.0])?;
/// Constraint::from(MaxNorm::new(1.0)).apply(&mut w);
/// assert!((w.to_vec()[0] - 0.6).abs() < 1e-7);
/// # Ok::<(), taper_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Constraint {
    /// Norms of at most a bound.
    MaxNorm(MaxNorm),
    /// Norms between two bounds.
    MinMaxNorm(MinMaxNorm),
    /// No number below 0.
    NonNeg,
    /// Norms of 1.
    UnitNorm(UnitNorm),
}

impl Constraint {
    /// Makes the weight what it must be. A number that is none stays so, and so does everything of its norm.
    pub fn apply<E: Element>(&self, weight: &mut Tensor<E>) {
        match self {
            Constraint::MaxNorm(bound) => bound.apply(weight),
            Constraint::MinMaxNorm(bounds) => bounds.apply(weight),
            Constraint::NonNeg => NonNeg.apply(weight),
            Constraint::UnitNorm(unit) => unit.apply(weight),
        }
    }

    /// Whether a number of the weight may become larger by it.
    pub fn may_enlarge(&self) -> bool {
        matches!(self, Constraint::MinMaxNorm(_) | Constraint::UnitNorm(_))
    }

    /// What makes it no constraint of a weight of this shape, with the setting's name.
    ///
    /// # Errors
    /// Names the setting, its value and what is allowed.
    pub fn check(&self, shape: &[usize]) -> Checked {
        match self {
            Constraint::MaxNorm(bound) => bound.check(shape),
            Constraint::MinMaxNorm(bounds) => bounds.check(shape),
            Constraint::NonNeg => Ok(()),
            Constraint::UnitNorm(unit) => unit.check(shape),
        }
    }
}

/// What keeps quotients finite where a norm is 0: Keras's `epsilon()`.
const EPSILON: f64 = 1e-7;

/// One kind of constraint.
#[derive(Clone, Copy)]
pub struct Row {
    /// Keras's class name.
    pub class_name: &'static str,
    /// What the weight must be, in one line.
    pub about: &'static str,
    /// The source file.
    pub file: &'static str,
    /// Reads Keras's config; what is absent has Keras's default.
    pub from_config: fn(Value) -> Result<Constraint, String>,
    /// A random one, for the tests over the table.
    pub sample: fn(&mut Sampler) -> Constraint,
}

/// Every kind of constraint.
pub fn all() -> Vec<Row> {
    vec![
        max_norm::row(),
        min_max_norm::row(),
        non_neg::row(),
        unit_norm::row(),
    ]
}

impl<'de> Deserialize<'de> for Constraint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let example = r#""non_neg" or {"max_norm": {"max_value": 3}}"#;
        let read = |(name, settings): (String, Value)| {
            let rows = all();
            let row = setting::row(&name, rows.iter().map(|row| row.class_name))?;
            (rows[row].from_config)(settings).map_err(|fault| format!("{name}: {fault}"))
        };
        let named = setting::named(&value, "a constraint", example);
        named.and_then(read).map_err(D::Error::custom)
    }
}

/// The constraints of kernel and bias of a layer, under Keras's names.
macro_rules! constraint_settings {
    () => {
        /// What the kernel must be after every step, e.g. `MaxNorm::new(2.0)` (default: anything).
        pub fn kernel_constraint(mut self, constraint: impl Into<$crate::Constraint>) -> Self {
            self.kernel_constraint = Some(constraint.into());
            self
        }

        $crate::constraints::bias_constraint_setting!();

        fn constraint_of(&self, weight: &str) -> Option<$crate::Constraint> {
            match weight {
                "kernel" => self.kernel_constraint.clone(),
                "bias" => self.bias_constraint.clone(),
                _ => None,
            }
        }
    };
}
pub(crate) use constraint_settings;

/// That of the bias alone.
macro_rules! bias_constraint_setting {
    () => {
        /// What the bias must be after every step, e.g. `NonNeg` (default: anything).
        pub fn bias_constraint(mut self, constraint: impl Into<$crate::Constraint>) -> Self {
            self.bias_constraint = Some(constraint.into());
            self
        }
    };
}
pub(crate) use bias_constraint_setting;

#[cfg(test)]
mod tests;
