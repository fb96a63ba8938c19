//! Callbacks: how progress bars, histories on disk, checkpoints and early stopping hang onto `fit`.

use crate::{
    EpochRecord, History, Mode, Result, checkpoint::Snapshot, control::Control, figures::Figures,
};
use std::ops::ControlFlow;
use taper_checkpoint::{Checkpoint, Position};
use taper_nn::Model;
use taper_tensor::Tensor;

/// What happened. The library itself prints nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// `fit` begins, or goes on.
    TrainingStarted {
        /// How many epochs there will be.
        epochs: u64,
        /// How many of them are already done (0 unless resumed).
        done: u64,
    },
    /// Something that is legal and hardly ever meant, such as a cross-entropy of values that are no probabilities: what, and
    /// what to do. Told after [`TrainingStarted`](Self::TrainingStarted), before the first batch. And why a loss that is
    /// measured at the end of an epoch is not finite, once a run, before [`EpochEnded`](Self::EpochEnded).
    Warning(&'a str),
    /// An epoch begins, or goes on.
    EpochStarted {
        /// The epoch, from 1.
        epoch: u64,
        /// How many epochs there will be.
        epochs: u64,
        /// Batches in an epoch.
        batches: usize,
        /// Batches of this epoch that are already done (0 unless resumed).
        first_batch: usize,
    },
    /// A batch is done and the weights are updated.
    BatchEnded {
        /// The epoch, from 1.
        epoch: u64,
        /// The batch, from 1: so many of this epoch are done.
        batch: usize,
        /// Batches in an epoch.
        batches: usize,
        /// Mean loss of the epoch so far, penalty included.
        loss: f64,
        /// Accuracy of the epoch so far, if it is measured.
        accuracy: Option<f64>,
        /// Samples in this batch.
        images: usize,
        /// Loss of this batch alone, penalty included.
        batch_loss: f64,
    },
    /// The batches of an epoch are done; measurements at its end begin.
    ValidationStarted {
        /// The epoch, from 1.
        epoch: u64,
    },
    /// An epoch is complete; its record is the last in [`View::history`].
    EpochEnded(&'a EpochRecord),
    /// `fit` is about to return without error.
    TrainingEnded {
        /// Whether a callback broke it off before the last epoch was complete.
        stopped: bool,
    },
}

/// An extension of `fit`: it is told every [`Event`], and may break training off.
///
/// ```
/// use std::ops::ControlFlow;
/// use taper_train::{Callback, Event, View};
///
/// /// Stops as soon as the training loss is small enough.
/// struct Until(f64);
/// impl Callback for Until {
///     fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
///         match event {
///             Event::EpochEnded(record) if record.loss < self.0 => ControlFlow::Break(()),
///             _ => ControlFlow::Continue(()),
///         }
///     }
/// }
/// ```
pub trait Callback: Send {
    /// Called during `fit`. `Break` ends training cleanly: after this batch, or, while an epoch is being measured, after
    /// its record is complete. Every callback is told of an event, whatever the others answer. A resumed run goes on after
    /// a `Break`, as after any interruption, unless the callback says it again: whoever means the end of training answers
    /// `Break` to [`Event::TrainingStarted`] if the [history](View::history) already calls for it.
    fn on_event(&mut self, event: &Event<'_>, trainer: &View<'_>) -> ControlFlow<()>;

    /// Called once before everything else, when it is known what will be measured: the place to refuse.
    ///
    /// # Errors
    /// Becomes the error of `fit`; no event is told then, and nothing has changed.
    fn prepare(&mut self, _trainer: &View<'_>) -> Result<()> {
        Ok(())
    }

    /// Whether [`View::gradient_norms`] is wanted at the end of every batch. It costs a pass over the gradients.
    fn wants_gradient_norms(&self) -> bool {
        false
    }

    /// Whether a batch that is not finite ends training cleanly, as a `Break` does, with an [`Event::Warning`] that says why;
    /// by default it is an [error](crate::Error::NotFinite) of `fit`.
    fn stops_where_not_finite(&self) -> bool {
        false
    }

    /// When the moving averages of the weights, which the optimizer keeps, take their place in the model; by default never.
    fn swaps_averages(&self) -> Swap {
        Swap::Never
    }

    /// What it is called in checkpoints, where it has a state there; by default the name of its type.
    fn name(&self) -> String {
        let name = std::any::type_name::<Self>();
        let name = name.split('<').next().unwrap_or(name);
        name.rsplit("::").next().unwrap_or(name).to_owned()
    }

    /// What it must remember to decide, after a resume, as it would have without: JSON, or any other text. It goes into
    /// checkpoints; `None` for callbacks that remember nothing, or nothing that matters.
    fn state(&self) -> Option<String> {
        None
    }

    /// Takes back what [`state`](Self::state) gave. Called after [`Event::TrainingStarted`], if the checkpoint has a state
    /// of this name (the first, second, … of them for the first, second, … callback of this name).
    ///
    /// # Errors
    /// It cannot be read; ends `fit` before the first batch.
    fn restore(&mut self, _state: &str) -> Result<()> {
        Ok(())
    }

    /// Tensors that it must remember beside its [`state`](Self::state), such as weights of an earlier epoch: names, each of
    /// which stands once, and values. They go into checkpoints, between the moments of the optimizer; asked only of a
    /// callback with a state.
    fn tensors(&self) -> Vec<(String, Tensor)> {
        Vec::new()
    }

    /// Takes back what [`tensors`](Self::tensors) gave, in the same order. Called after [`restore`](Self::restore), also
    /// with none: files of earlier versions hold none.
    ///
    /// # Errors
    /// They do not fit; ends `fit` before the first batch.
    fn restore_tensors(
        &mut self,
        _tensors: Vec<(String, Tensor)>,
        _trainer: &View<'_>,
    ) -> Result<()> {
        Ok(())
    }

    /// Whether it decides anything that a checkpoint must hold. Those that do are told of an event before all others, so
    /// that a checkpoint which one of the others makes at an event holds what they decided there. By default those with
    /// a [`state`](Self::state); say so for one that sets the learning rate by what it sees and remembers nothing.
    fn decides(&self) -> bool {
        self.state().is_some()
    }

    /// Called once when `fit` is over, also when it failed. The model may be changed (best weights restored). An error
    /// met in [`on_event`](Self::on_event) (a disk is full) is answered there by `Break` and returned here.
    ///
    /// # Errors
    /// Becomes the error of `fit`, unless that has one already.
    fn finish(&mut self, _model: &mut Model) -> Result<()> {
        Ok(())
    }
}

impl<C: Callback + ?Sized> Callback for &mut C {
    fn on_event(&mut self, event: &Event<'_>, trainer: &View<'_>) -> ControlFlow<()> {
        (**self).on_event(event, trainer)
    }
    fn prepare(&mut self, trainer: &View<'_>) -> Result<()> {
        (**self).prepare(trainer)
    }
    fn wants_gradient_norms(&self) -> bool {
        (**self).wants_gradient_norms()
    }
    fn stops_where_not_finite(&self) -> bool {
        (**self).stops_where_not_finite()
    }
    fn swaps_averages(&self) -> Swap {
        (**self).swaps_averages()
    }
    fn name(&self) -> String {
        (**self).name()
    }
    fn state(&self) -> Option<String> {
        (**self).state()
    }
    fn restore(&mut self, state: &str) -> Result<()> {
        (**self).restore(state)
    }
    fn tensors(&self) -> Vec<(String, Tensor)> {
        (**self).tensors()
    }
    fn restore_tensors(
        &mut self,
        tensors: Vec<(String, Tensor)>,
        trainer: &View<'_>,
    ) -> Result<()> {
        (**self).restore_tensors(tensors, trainer)
    }
    fn decides(&self) -> bool {
        (**self).decides()
    }
    fn finish(&mut self, model: &mut Model) -> Result<()> {
        (**self).finish(model)
    }
}

impl<C: Callback + ?Sized> Callback for Box<C> {
    fn on_event(&mut self, event: &Event<'_>, trainer: &View<'_>) -> ControlFlow<()> {
        (**self).on_event(event, trainer)
    }
    fn prepare(&mut self, trainer: &View<'_>) -> Result<()> {
        (**self).prepare(trainer)
    }
    fn wants_gradient_norms(&self) -> bool {
        (**self).wants_gradient_norms()
    }
    fn stops_where_not_finite(&self) -> bool {
        (**self).stops_where_not_finite()
    }
    fn swaps_averages(&self) -> Swap {
        (**self).swaps_averages()
    }
    fn name(&self) -> String {
        (**self).name()
    }
    fn state(&self) -> Option<String> {
        (**self).state()
    }
    fn restore(&mut self, state: &str) -> Result<()> {
        (**self).restore(state)
    }
    fn tensors(&self) -> Vec<(String, Tensor)> {
        (**self).tensors()
    }
    fn restore_tensors(
        &mut self,
        tensors: Vec<(String, Tensor)>,
        trainer: &View<'_>,
    ) -> Result<()> {
        (**self).restore_tensors(tensors, trainer)
    }
    fn decides(&self) -> bool {
        (**self).decides()
    }
    fn finish(&mut self, model: &mut Model) -> Result<()> {
        (**self).finish(model)
    }
}

/// When moving averages of the weights take their place; see [`Callback::swaps_averages`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Swap {
    /// Never.
    #[default]
    Never,
    /// While an epoch is measured.
    WhileMeasuring,
    /// From then until the next epoch begins.
    UntilNextEpoch,
}

/// What a callback may look at, and the learning rate, which it may set.
pub struct View<'a> {
    /// The model with the weights of this moment.
    pub model: &'a Model,
    /// The epochs that are complete (also those before a resume).
    pub history: &'a History,
    pub(crate) snapshot: &'a dyn Snapshot,
    pub(crate) figures: &'a Figures,
    pub(crate) control: &'a Control,
}

impl View<'_> {
    /// Everything needed to go on from here, or to predict. Takes no copies: the tensors are shared until training
    /// changes them, so save it and drop it within the callback. What callbacks that [decide](Callback::decides) remember
    /// is in it as of this event, unless it is one of them that asks.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        self.snapshot.checkpoint()
    }

    /// The learning rate of the next step: what was set by hand, or what the optimizer's schedule says.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.control.rate()
    }

    /// What the optimizer's schedule says for the next step, whether or not it is in force.
    #[must_use]
    pub fn scheduled_learning_rate(&self) -> f64 {
        self.control.scheduled.get()
    }

    /// Sets the learning rate of all further steps, or gives it back to the optimizer's schedule (`None`). It is part of
    /// checkpoints. A rate that is negative or not finite ends `fit` with an error at the next step.
    pub fn set_learning_rate(&self, rate: Option<f64>) {
        self.control.learning_rate.set(rate);
    }

    /// The Euclidean norm of the gradient of each of the model's parameters in the batch that ends, without penalties of
    /// weights and before clipping; 0 for those that are not trained. Only at [`Event::BatchEnded`], and only if a callback
    /// [wants them](Callback::wants_gradient_norms).
    #[must_use]
    pub fn gradient_norms(&self) -> Option<&[f64]> {
        let norms = &self.control.gradient_norms;
        (!norms.is_empty()).then_some(norms.as_slice())
    }

    /// The norm of all gradients together.
    #[must_use]
    pub fn gradient_norm(&self) -> Option<f64> {
        let squares = self.gradient_norms()?.iter().map(|norm| norm * norm);
        Some(squares.sum::<f64>().sqrt())
    }

    /// A figure of the epoch so far, by the name that it will have in the record: `loss`, `accuracy`, a metric's, of
    /// several outputs `<output>_loss` and `<output>_<metric>`. `None` for what is measured only when the epoch ends.
    #[must_use]
    pub fn running(&self, figure: &str) -> Option<f64> {
        let mut all = self.snapshot.running().into_iter();
        let figure = self.figures.own_name(figure);
        all.find(|(name, _)| name == figure).map(|(_, value)| value)
    }

    /// Names of the figures that every epoch of this run will have, known before its first batch.
    pub fn figures(&self) -> impl Iterator<Item = &str> {
        self.figures.names()
    }

    /// Which way a figure becomes better: losses, penalties and errors fall, accuracies rise, a metric says it of itself
    /// ([`Metric::mode`](crate::Metric::mode)). `None` for what is not measured, and for what is not known to have a
    /// better way (`learning_rate`).
    #[must_use]
    pub fn mode(&self, figure: &str) -> Option<Mode> {
        self.figures.find(figure).flatten()
    }

    /// Where training stands: the next batch to run.
    #[must_use]
    pub fn position(&self) -> Position {
        self.snapshot.position()
    }
}
