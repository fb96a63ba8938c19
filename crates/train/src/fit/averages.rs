//! Moving averages of the weights in their place, and back.

use super::Run;

impl Run<'_, '_> {
    /// Exchanges weights and averages, if the optimizer keeps any and has made a step; before that they are zeros.
    pub(super) fn swap(&mut self) {
        let extras = self.settings.optimizer.extras();
        let first_step = extras.gradient_accumulation_steps.unwrap_or(1);
        if extras.ema.is_none() || self.state.iterations < first_step {
            self.swapped = false;
            return;
        }
        let weights = self.model.parameters_mut().iter_mut();
        self.state.swap_averages(weights.map(|p| &mut p.value));
        self.swapped = !self.swapped;
    }

    /// Puts the weights back where they are not.
    pub(super) fn put_weights_back(&mut self) {
        if self.swapped {
            self.swap();
        }
    }

    /// At the end of training the model gets the averages, as in Keras. The weights stay in the optimizer's state, so that a
    /// checkpoint that is made then can be gone on from.
    pub(super) fn finish_with_averages(&mut self) {
        if !self.swapped {
            self.swap();
        }
    }
}
