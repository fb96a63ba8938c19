//! How callbacks are told what happens, and how what they remember goes into checkpoints and back.

use super::Run;
use super::decisions::{Order, of_state, slot};
use crate::{Callback, Error, Event, Result, Swap, View};

impl<'a> Run<'_, 'a> {
    /// Lets callbacks refuse, and asks them what they want.
    pub(super) fn prepare(&mut self, callbacks: &mut [Box<dyn Callback + 'a>]) -> Result<()> {
        for callback in callbacks.iter_mut() {
            callback.prepare(&self.view())?;
        }
        self.order = Order {
            decides: callbacks.iter().map(|c| c.decides()).collect(),
            wants_gradient_norms: callbacks.iter().any(|c| c.wants_gradient_norms()),
            stops_where_not_finite: callbacks.iter().any(|c| c.stops_where_not_finite()),
            swap: callbacks
                .iter()
                .map(|c| c.swaps_averages())
                .max()
                .unwrap_or_default(),
        };
        if self.order.swap != Swap::Never && self.settings.optimizer.extras().ema.is_none() {
            let message = "SwapEMAWeights: the optimizer keeps no moving averages of the weights; .use_ema(true) makes it";
            return Err(Error::Setting(message.into()));
        }
        Ok(())
    }

    /// After the beginning of training was told: what callbacks had decided when the checkpoint was made holds.
    pub(super) fn give_back(&mut self, callbacks: &mut [Box<dyn Callback + 'a>]) -> Result<()> {
        let Some(saved) = self.saved.take() else {
            return Ok(());
        };
        self.control.learning_rate.set(saved.learning_rate());
        let mut states: Vec<_> = saved.callbacks.into_iter().enumerate().collect();
        for callback in callbacks.iter_mut() {
            let name = callback.name();
            let Some(place) = states.iter().position(|(_, (saved, _))| *saved == name) else {
                continue;
            };
            let (place, (_, state)) = states.remove(place);
            let tensors = of_state(&saved.tensors, place);
            let restored = callback.restore(&state);
            let restored = restored.and_then(|()| callback.restore_tensors(tensors, &self.view()));
            restored.map_err(|error| Error::Resume(format!("the state of {name}: {error}")))?;
        }
        self.collect(callbacks);
        Ok(())
    }

    pub(super) fn tell(&mut self, callbacks: &mut [Box<dyn Callback + 'a>], event: &Event<'_>) {
        let stop = self.announce(callbacks, event);
        self.stopping |= stop;
    }

    /// Tells every callback, first those that decide; whether any of them wants to stop.
    pub(super) fn announce(
        &self,
        callbacks: &mut [Box<dyn Callback + 'a>],
        event: &Event<'_>,
    ) -> bool {
        let view = self.view();
        let mut stop = false;
        for first in [true, false] {
            for (callback, decides) in callbacks.iter_mut().zip(&self.order.decides) {
                if *decides == first {
                    stop |= callback.on_event(event, &view).is_break();
                }
            }
            // Until states from a checkpoint are given back, those count.
            if first && self.saved.is_none() {
                self.collect(callbacks);
            }
        }
        stop
    }

    /// Notes what callbacks remember, for a checkpoint that one of them may make.
    fn collect(&self, callbacks: &[Box<dyn Callback + 'a>]) {
        let (mut states, mut tensors) = (self.states.borrow_mut(), self.tensors.borrow_mut());
        states.clear();
        tensors.clear();
        for callback in callbacks {
            if let Some(state) = callback.state() {
                let own = callback.tensors().into_iter();
                tensors.extend(own.map(|(name, tensor)| (slot(states.len(), &name), tensor)));
                states.push((callback.name(), state));
            }
        }
    }

    /// The schedule's learning rate of the next step.
    pub(super) fn reschedule(&mut self) {
        let rate = self
            .settings
            .optimizer
            .learning_rate_at(self.state.iterations);
        self.control.scheduled.set(rate);
    }

    fn view(&self) -> View<'_> {
        View {
            model: self.model,
            history: &self.history,
            snapshot: self,
            figures: &self.figures,
            control: &self.control,
        }
    }
}
