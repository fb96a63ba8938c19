//! Which way a figure becomes better.

/// Whether the larger or the smaller of two values is the better one; Keras's `mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Larger is better: accuracies, areas under curves.
    Max,
    /// Smaller is better: losses, errors.
    Min,
}

impl Mode {
    /// Whether `value` is better than `than` by more than `by`. NaN never is.
    #[must_use]
    pub fn is_better(self, value: f64, than: f64, by: f64) -> bool {
        match self {
            Mode::Max => value - by > than,
            Mode::Min => value + by < than,
        }
    }
}
