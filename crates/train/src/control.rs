//! What callbacks have decided and see of a step: the learning rate that they set, the norms of the gradients.

use std::cell::Cell;

/// A learning rate that is set by hand, and what a batch shows beside its figures.
#[derive(Debug, Default)]
pub(crate) struct Control {
    /// Instead of the optimizer's own.
    pub(crate) learning_rate: Cell<Option<f64>>,
    /// The optimizer's own for the next step.
    pub(crate) scheduled: Cell<f64>,
    /// One a parameter, while the end of a batch is told and a callback wants them.
    pub(crate) gradient_norms: Vec<f64>,
}

impl Control {
    /// The learning rate of the next step.
    pub(crate) fn rate(&self) -> f64 {
        self.learning_rate.get().unwrap_or(self.scheduled.get())
    }
}
