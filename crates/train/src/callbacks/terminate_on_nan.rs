//! Ends training without an error where it diverges.

use crate::{Callback, Event, View};
use std::ops::ControlFlow;

/// Ends training cleanly at a batch that is not finite, as Keras's `TerminateOnNaN`: `fit` returns what it had reached, says so
/// by [`Fit::stopped`](crate::Fit), and tells why in an [`Event::Warning`]. Without it such a batch is an
/// [error](crate::Error::NotFinite) of `fit`. Either way nothing was learnt from that batch: where Keras leaves weights of
/// NaN, these are those before it.
///
/// ```
/// use taper_train::prelude::*;
/// let trainer = Trainer::new(SGD::new(1e6), MeanSquaredError).callback(TerminateOnNaN::new());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminateOnNaN {
    raise_error: bool,
}

impl TerminateOnNaN {
    /// Ends training without an error.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it is an error all the same (default: no).
    #[must_use]
    pub fn raise_error(mut self, on: bool) -> Self {
        self.raise_error = on;
        self
    }
}

impl Callback for TerminateOnNaN {
    fn on_event(&mut self, _event: &Event<'_>, _view: &View<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn stops_where_not_finite(&self) -> bool {
        !self.raise_error
    }
}
