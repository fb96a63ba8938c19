//! The learning rate in steps at given places.

use super::{Row, Schedule, read};
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
        let good = self.values.len() == self.boundaries.len() + 1
            && self.boundaries.is_sorted()
            && self.values.iter().all(|value| *value >= 0.0);
        (!good).then(|| {
            format!("{self:?}: boundaries must ascend, and there is one value more, none below 0")
        })
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
