//! Closures for single events.

use crate::{Callback, EpochRecord, Event, View};
use std::ops::ControlFlow;

type Told<'a> = Box<dyn FnMut(&Event<'_>, &View<'_>) -> ControlFlow<()> + Send + 'a>;

/// Calls closures at single events, as Keras's `LambdaCallback`; several of a kind are called in the order of adding. There is
/// no event before a batch. What they remember is not part of checkpoints.
///
/// ```
/// use std::ops::ControlFlow;
/// use taper_train::{Event, LambdaCallback};
/// let mut losses = Vec::new();
/// let callback = LambdaCallback::new()
///     .on_epoch_end(|record, view| {
///         losses.push(record.loss);
///         view.set_learning_rate(Some(0.9 * view.learning_rate()));
///     })
///     .on_event(|event, _| match event {
///         Event::BatchEnded { batch_loss, .. } if *batch_loss > 1e6 => ControlFlow::Break(()),
///         _ => ControlFlow::Continue(()),
///     });
/// ```
#[derive(Default)]
pub struct LambdaCallback<'a> {
    all: Vec<Told<'a>>,
}

impl<'a> LambdaCallback<'a> {
    /// One that does nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// At every event; `Break` ends training.
    #[must_use]
    pub fn on_event(
        mut self,
        told: impl FnMut(&Event<'_>, &View<'_>) -> ControlFlow<()> + Send + 'a,
    ) -> Self {
        self.all.push(Box::new(told));
        self
    }

    /// Before the first epoch.
    #[must_use]
    pub fn on_train_begin(self, mut told: impl FnMut(&View<'_>) + Send + 'a) -> Self {
        self.when(move |event, view| {
            if let Event::TrainingStarted { .. } = event {
                told(view);
            }
        })
    }

    /// Behind the last epoch, and where training was stopped.
    #[must_use]
    pub fn on_train_end(self, mut told: impl FnMut(&View<'_>) + Send + 'a) -> Self {
        self.when(move |event, view| {
            if let Event::TrainingEnded { .. } = event {
                told(view);
            }
        })
    }

    /// When an epoch begins, which is given from 1 (Keras counts from 0), or goes on after a resume.
    #[must_use]
    pub fn on_epoch_begin(self, mut told: impl FnMut(u64, &View<'_>) + Send + 'a) -> Self {
        self.when(move |event, view| {
            if let Event::EpochStarted { epoch, .. } = event {
                told(*epoch, view);
            }
        })
    }

    /// When an epoch is complete, with its figures.
    #[must_use]
    pub fn on_epoch_end(self, mut told: impl FnMut(&EpochRecord, &View<'_>) + Send + 'a) -> Self {
        self.when(move |event, view| {
            if let Event::EpochEnded(record) = event {
                told(record, view);
            }
        })
    }

    /// Behind a batch, which is given from 1 (Keras counts from 0), with its own loss, penalty included.
    #[must_use]
    pub fn on_train_batch_end(
        self,
        mut told: impl FnMut(usize, f64, &View<'_>) + Send + 'a,
    ) -> Self {
        self.when(move |event, view| {
            if let Event::BatchEnded {
                batch, batch_loss, ..
            } = event
            {
                told(*batch, *batch_loss, view);
            }
        })
    }

    fn when(self, mut told: impl FnMut(&Event<'_>, &View<'_>) + Send + 'a) -> Self {
        self.on_event(move |event, view| {
            told(event, view);
            ControlFlow::Continue(())
        })
    }
}

impl Callback for LambdaCallback<'_> {
    fn on_event(&mut self, event: &Event<'_>, view: &View<'_>) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        for told in &mut self.all {
            if told(event, view).is_break() {
                flow = ControlFlow::Break(());
            }
        }
        flow
    }
}
