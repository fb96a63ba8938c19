//! The learning rate in steps at given places.

use super::{Row, Schedule, read};
use crate::setting::not_negative;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `values[0]` up to and including step `boundaries[0]`, then `values[1]` up to `boundaries[1]`, and so on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PiecewiseConstantDecay {
    /// Numbers of steps, ascending.
    pub boundaries: Vec<u64>,
    /// One more than there are boundaries.
    pub values: Vec<f64>,
}

impl PiecewiseConstantDecay {
    /// `values[i]` up to and including step `boundaries[i]`, the last value behind the last boundary.
    pub fn new(boundaries: impl Into<Vec<u64>>, values: impl Into<Vec<f64>>) -> Self {
        PiecewiseConstantDecay {
            boundaries: boundaries.into(),
            values: values.into(),
        }
    }
}

impl Schedule for PiecewiseConstantDecay {
    fn class_name(&self) -> &'static str {
        "PiecewiseConstantDecay"
    }

    fn config(&self) -> Value {
        json!(self)
    }

    fn at(&self, steps: u64) -> f64 {
        let passed = self
            .boundaries
            .iter()
            .filter(|&&boundary| boundary < steps)
            .count();
        self.values
            .get(passed)
            .or(self.values.last())
            .copied()
            .unwrap_or(0.0)
    }

    fn fault(&self) -> Option<String> {
        let (boundaries, values) = (&self.boundaries, &self.values);
        if !boundaries.is_sorted() {
            return Some(format!("boundaries is {boundaries:?}, it must ascend"));
        }
        if values.len() != boundaries.len() + 1 {
            return Some(format!(
                "values is {values:?}, it must have one entry more than there are boundaries, {boundaries:?}"
            ));
        }
        let mut values = values.iter();
        values.find_map(|&value| not_negative("values", value).err())
    }
}

pub(super) fn row() -> Row {
    Row {
        class_name: "PiecewiseConstantDecay",
        about: "steps at given places",
        file: file!(),
        from_config: read::<PiecewiseConstantDecay>,
        sample: || PiecewiseConstantDecay::new([3, 60], [0.3, 0.07, 0.0]).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let decay = PiecewiseConstantDecay::new([10, 20], [0.3, 0.2, 0.1]);
        let rates = [0, 10, 11, 20, 21].map(|steps| decay.at(steps));
        assert_eq!(rates, [0.3, 0.3, 0.2, 0.2, 0.1]);
    }
}
