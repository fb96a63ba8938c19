//! Measures with the moving averages of the weights.

use crate::{Callback, Event, Swap, View};
use std::ops::ControlFlow;

/// Puts the moving averages of the weights in their place while an epoch is measured, as Keras's `SwapEMAWeights`: validation is
/// of the averages, training of the weights. The optimizer must keep averages (`use_ema`); one that keeps none is an error of
/// `fit` before its first batch.
///
/// At its end `fit` gives the model the averages whether or not there is this callback, as Keras does.
///
/// ```
/// use taper_train::prelude::*;
/// let trainer = Trainer::new(Adam::default().use_ema(true), CategoricalCrossentropy).callback(SwapEMAWeights::new());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SwapEMAWeights {
    swap_on_epoch: bool,
}

impl SwapEMAWeights {
    /// Swaps for measuring alone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the averages stay until the next epoch begins, so that what callbacks save at the end of an epoch are the
    /// averages (default: no). Training goes on from such a file as from any other.
    #[must_use]
    pub fn swap_on_epoch(mut self, on: bool) -> Self {
        self.swap_on_epoch = on;
        self
    }
}

impl Callback for SwapEMAWeights {
    fn on_event(&mut self, _event: &Event<'_>, _view: &View<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn swaps_averages(&self) -> Swap {
        match self.swap_on_epoch {
            true => Swap::UntilNextEpoch,
            false => Swap::WhileMeasuring,
        }
    }
}
