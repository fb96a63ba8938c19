//! What callbacks decided, remember and want: the loop keeps it, checkpoints carry it.

use crate::number::Number;
use serde::{Deserialize, Serialize};

/// What callbacks decided and remember; in files of earlier versions, nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Decisions {
    /// Set by hand, instead of the schedule's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) learning_rate: Option<Number>,
    /// Names and states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) callbacks: States,
}

impl Decisions {
    pub(super) fn learning_rate(&self) -> Option<f64> {
        self.learning_rate.map(|rate| rate.0)
    }
}

/// Names and states of the callbacks that have one, in the trainer's order.
pub(super) type States = Vec<(String, String)>;

/// What is asked of callbacks once.
#[derive(Default)]
pub(super) struct Order {
    /// Of each callback: whether it is told before those that do not decide.
    pub(super) decides: Vec<bool>,
    pub(super) wants_gradient_norms: bool,
}
