//! The training loop.

mod averages;
mod check;
mod decisions;
mod finite;
mod measure;
mod position;
mod tell;
mod warnings;

use crate::{
    Callback, CheckpointExt, Error, Event, History, Result, Swap,
    checkpoint::Snapshot,
    class_weight::ClassWeighted,
    conditions::{Conditions, Difference},
    control::Control,
    evaluate::in_memory_of,
    figures::Figures,
    goal::Goal,
    moments,
    running::{BatchResult, Running},
    settings::{Resumption, Settings},
};
use decisions::{Decisions, Order, States, Tensors};
use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeMap,
    ops::ControlFlow,
    ops::Deref,
    time::Instant,
};
use taper_checkpoint::{Checkpoint, OptimizerState, Position};
use taper_datasets::{Batch, Batches, Dataset};
use taper_nn::{Loss, Model};
use taper_optim::State;

/// How `fit` ended. Reads as its [`History`].
#[derive(Clone, Debug)]
pub struct Fit {
    /// The epochs that are complete, those before a resume included.
    pub history: History,
    /// Whether a callback broke training off before the last epoch was complete.
    pub stopped: bool,
    /// The next batch to run, if training were to go on.
    pub position: Position,
    /// The optimizer with its moments.
    pub optimizer: OptimizerState,
    provenance: BTreeMap<String, String>,
    /// What callbacks remember, as it stands in checkpoints.
    tensors: Tensors,
}

impl Fit {
    /// A checkpoint from which training can go on; `model` is the one that was trained.
    #[must_use]
    pub fn checkpoint(&self, model: &Model) -> Checkpoint {
        let mut optimizer = self.optimizer.clone();
        optimizer.slots.extend(self.tensors.iter().cloned());
        Checkpoint {
            optimizer: Some(optimizer),
            position: Some(self.position.clone()),
            provenance: self.provenance.clone(),
            ..Checkpoint::of(model).history(&self.history)
        }
    }
}

impl Deref for Fit {
    type Target = History;
    fn deref(&self) -> &History {
        &self.history
    }
}

/// Trains from the beginning, or from where a checkpoint was made. On an error the epochs that are complete are `kept`.
pub(crate) fn run<'a>(
    settings: &Settings<'a>,
    callbacks: &mut [Box<dyn Callback + 'a>],
    from: Option<Resumption>,
    model: &mut Model,
    data: &dyn Dataset,
    kept: &mut History,
) -> Result<Fit> {
    let mut run = Run::start(settings, from, model, data)?;
    let trained = run.prepare(callbacks).and_then(|()| run.train(callbacks));
    if let Err(error) = trained {
        if let Error::Data(_) = error {
            // The model is whole: a checkpoint that is made now can be gone on from when the data are there again.
            run.tell(callbacks, &Event::TrainingEnded { stopped: true });
        }
        *kept = run.history;
        return Err(error);
    }
    let stopped = run.epoch < settings.epochs;
    run.tell(callbacks, &Event::TrainingEnded { stopped });
    run.finish_with_averages();
    Ok(Fit {
        position: run.position(),
        optimizer: moments::save(&*settings.optimizer, &run.state, run.model),
        provenance: run.provenance(),
        tensors: run.tensors.take(),
        history: run.history,
        stopped,
    })
}

struct Run<'r, 'a> {
    settings: &'r Settings<'a>,
    model: &'r mut Model,
    data: &'r dyn Dataset,
    state: State,
    history: History,
    /// What the model is trained for.
    goal: Goal<'r>,
    /// The loss with the weights of classes, if there are any.
    class_weighted: Option<ClassWeighted<'r>>,
    figures: Figures,
    /// Sums of the epoch that is running.
    running: Running,
    /// The epoch and the batch to run next, from 0.
    epoch: u64,
    batch: usize,
    /// Batches in an epoch.
    batches: usize,
    /// A callback said `Break`.
    stopping: bool,
    /// Moving averages stand in the place of weights, and weights in theirs.
    swapped: bool,
    /// What callbacks set, and what they are shown.
    control: Control,
    /// Which callbacks are told first, and whether one wants the gradients' norms.
    order: Order,
    /// What callbacks remember, as of the latest event: names and states.
    states: RefCell<States>,
    /// The tensors among it, as they are called in checkpoints.
    tensors: RefCell<Tensors>,
    /// The same from a checkpoint, until they are given back.
    saved: Option<Decisions>,
    /// The notes of the checkpoint that was gone on from.
    first_notes: BTreeMap<String, String>,
    /// What was changed when going on, and the note of this and all earlier changes.
    changes: Vec<Difference>,
    changes_noted: Option<String>,
    /// What the result depends on, when it was asked for.
    conditions: OnceCell<Conditions>,
    /// Whether it was told that a measured loss is not finite.
    warned: bool,
}

impl<'r, 'a> Run<'r, 'a> {
    fn start(
        settings: &'r Settings<'a>,
        from: Option<Resumption>,
        model: &'r mut Model,
        data: &'r dyn Dataset,
    ) -> Result<Self> {
        check::settings(settings, data)?;
        let (wishes, size) = (settings.wishes(), settings.batch_size);
        let goal = Goal::new("fit", model, data, size, &wishes)?;
        let on_validation = |data| Goal::new("validation", model, data, size, &wishes);
        let validation = settings.validation.map(on_validation).transpose()?;
        let figures = Figures::new(
            goal.kind(),
            &goal.measured,
            validation.as_ref().map(|goal| &goal.measured),
            settings.measure_training_set.then_some(&goal.measured),
        );
        figures.check()?;
        let mut run = Run {
            state: moments::fresh(&*settings.optimizer, model),
            history: History::default(),
            running: Running::new(&goal.measured),
            class_weighted: ClassWeighted::new(&settings.class_weight, &goal.terms)?,
            goal,
            figures,
            epoch: 0,
            batch: 0,
            batches: data.len().div_ceil(settings.batch_size),
            stopping: false,
            swapped: false,
            control: Control::default(),
            order: Order::default(),
            states: RefCell::default(),
            tensors: RefCell::default(),
            saved: None,
            first_notes: BTreeMap::new(),
            changes: Vec::new(),
            changes_noted: None,
            conditions: OnceCell::new(),
            warned: false,
            settings,
            model,
            data,
        };
        if let Some(from) = from {
            run.go_on_from(from)?;
        }
        run.reschedule();
        Ok(run)
    }

    fn train(&mut self, callbacks: &mut [Box<dyn Callback + 'a>]) -> Result<()> {
        let (epochs, batches) = (self.settings.epochs, self.batches);
        self.tell(
            callbacks,
            &Event::TrainingStarted {
                epochs,
                done: self.epoch,
            },
        );
        self.give_back(callbacks)?;
        self.warn(callbacks);
        while self.epoch < epochs && !self.stopping {
            let (epoch, first_batch) = (self.epoch + 1, self.batch);
            self.tell(
                callbacks,
                &Event::EpochStarted {
                    epoch,
                    epochs,
                    batches,
                    first_batch,
                },
            );
            self.run_batches(callbacks)?;
            if self.stopping {
                return Ok(());
            }
            let started = Instant::now();
            self.tell(callbacks, &Event::ValidationStarted { epoch });
            if self.order.swap != Swap::Never {
                self.swap();
            }
            let record = self.measure(started);
            if self.order.swap == Swap::WhileMeasuring || record.is_err() {
                self.put_weights_back();
            }
            let record = record?;
            self.warn_of_figures(callbacks, &record);
            self.history.epochs.push(record);
            self.epoch += 1;
            self.batch = 0;
            self.running = Running::new(&self.goal.measured);
            if let Some(record) = self.history.epochs.last() {
                let stop = self.announce(callbacks, &Event::EpochEnded(record));
                self.stopping |= stop;
            }
            self.put_weights_back();
        }
        Ok(())
    }

    /// The rest of the epoch's batches, or as many as the callbacks let pass.
    fn run_batches(&mut self, callbacks: &mut [Box<dyn Callback + 'a>]) -> Result<()> {
        if self.stopping || self.batch >= self.batches {
            return Ok(());
        }
        let (started, seconds_before) = (Instant::now(), self.running.seconds);
        let batches = Batches {
            dataset: self.data,
            batch_size: self.settings.batch_size,
            epoch: self.epoch,
            shuffle: self.settings.shuffle.then_some(self.settings.seed),
            first_batch: self.batch,
        };
        let size = self.settings.batch_size;
        let flow = batches.for_each(|batch| {
            let step = in_memory_of(size, &batch, || self.run_batch(&batch));
            self.running.seconds = seconds_before + started.elapsed().as_secs_f64();
            match step {
                Ok(batch_loss) => {
                    self.tell_batch(callbacks, &batch, batch_loss);
                    if self.stopping {
                        ControlFlow::Break(Ok(()))
                    } else {
                        ControlFlow::Continue(())
                    }
                }
                Err(error @ Error::NotFinite { .. }) if self.order.stops_where_not_finite => {
                    self.tell(callbacks, &Event::Warning(&error.to_string()));
                    self.stopping = true;
                    ControlFlow::Break(Ok(()))
                }
                Err(error) => ControlFlow::Break(Err(error)),
            }
        })?;
        match flow {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(result) => result,
        }
    }

    /// One training step; returns its loss, penalty included.
    fn run_batch(&mut self, batch: &Batch) -> Result<f64> {
        let Settings { seed, .. } = self.settings;
        let (iteration, rate) = (self.state.iterations, self.control.rate());
        if self.control.learning_rate.get().is_some() && !(0.0..f64::INFINITY).contains(&rate) {
            let message = format!("a callback set the learning rate to {rate}");
            return Err(Error::Setting(message));
        }
        let (inputs, targets) = (self.goal.inputs(batch), self.goal.targets(batch));
        let losses = match &self.class_weighted {
            Some(loss) => vec![(loss as &dyn Loss, self.goal.terms[0].weight)].into(),
            None => self.goal.losses(),
        };
        let losses = losses.sample_weights(batch.sample_weights.as_ref());
        let statistics = self.statistics();
        let step = self
            .model
            .train_batch(&*inputs, &*targets, losses, *seed, iteration);
        let mut step = step.map_err(|error| self.not_run(error, batch, rate))?;
        let batch_loss = step.loss + step.penalty;
        if self.order.wants_gradient_norms {
            self.control.gradient_norms = moments::norms(&step.gradients);
        }
        let gradients = std::mem::take(&mut step.gradients);
        if let Err(fault) = self.learn(step.loss, step.penalty, gradients, rate) {
            self.put_back(statistics);
            return Err(self.refusal(fault, batch, (step.loss, step.penalty), rate));
        }
        self.reschedule();
        let own_weights = batch.sample_weights.as_ref();
        let by_class = self.class_weighted.as_ref().map(|loss| {
            let output = step.outputs[0].shape();
            loss.weights(output, targets[0], own_weights)
        });
        let by_class = by_class.transpose()?;
        let result = BatchResult {
            data_loss: step.loss,
            penalty: step.penalty,
            losses: &step.losses,
            outputs: &step.outputs,
            targets: &targets,
            sample_weights: by_class.as_ref().or(own_weights),
        };
        self.running.add(&result, &self.goal.measured)?;
        self.running.learning_rate = Some(rate);
        self.batch += 1;
        Ok(batch_loss)
    }

    fn tell_batch(
        &mut self,
        callbacks: &mut [Box<dyn Callback + 'a>],
        batch: &Batch,
        batch_loss: f64,
    ) {
        let event = Event::BatchEnded {
            epoch: self.epoch + 1,
            batch: self.batch,
            batches: self.batches,
            loss: self.running.loss(),
            accuracy: self.running.accuracy(&self.goal.measured),
            images: batch.indices.len(),
            batch_loss,
        };
        self.tell(callbacks, &event);
        self.control.gradient_norms.clear();
    }
}
