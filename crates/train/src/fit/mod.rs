//! The training loop.

mod measure;
mod position;

use crate::{
    Callback, CheckpointExt, Error, Event, History, Result, View,
    checkpoint::Snapshot,
    evaluate::in_memory_of,
    moments,
    running::{BatchResult, Running},
    shapes,
    trainer::{Resumption, Settings},
};
use std::{collections::BTreeMap, ops::ControlFlow, ops::Deref, time::Instant};
use taper_checkpoint::{Checkpoint, OptimizerState, Position};
use taper_datasets::{Batch, Batches, Dataset};
use taper_nn::Model;
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
}

impl Fit {
    /// A checkpoint from which training can go on; `model` is the one that was trained.
    #[must_use]
    pub fn checkpoint(&self, model: &Model) -> Checkpoint {
        Checkpoint {
            optimizer: Some(self.optimizer.clone()),
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

/// Trains from the beginning, or from where a checkpoint was made.
pub(crate) fn run<'a>(
    settings: &Settings<'a>,
    callbacks: &mut [Box<dyn Callback + 'a>],
    from: Option<Resumption>,
    model: &mut Model,
    data: &dyn Dataset,
) -> Result<Fit> {
    let mut run = Run::start(settings, from, model, data)?;
    run.train(callbacks)?;
    let stopped = run.epoch < settings.epochs;
    run.tell(callbacks, &Event::TrainingEnded { stopped });
    Ok(Fit {
        position: run.position(),
        optimizer: moments::save(&*settings.optimizer, &run.state, run.model),
        provenance: run.provenance(),
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
    /// Sums of the epoch that is running.
    running: Running,
    /// The epoch and the batch to run next, from 0.
    epoch: u64,
    batch: usize,
    /// Batches in an epoch.
    batches: usize,
    /// A callback said `Break`.
    stopping: bool,
}

impl<'r, 'a> Run<'r, 'a> {
    fn start(
        settings: &'r Settings<'a>,
        from: Option<Resumption>,
        model: &'r mut Model,
        data: &'r dyn Dataset,
    ) -> Result<Self> {
        shapes::check("fit", model, data, settings.batch_size)?;
        shapes::check_targets("fit", model, data)?;
        if let Some(validation) = settings.validation {
            shapes::check("validation", model, validation, settings.batch_size)?;
            shapes::check_targets("validation", model, validation)?;
        }
        let mut run = Run {
            state: moments::fresh(&*settings.optimizer, model),
            history: History::default(),
            running: Running::new(settings.metrics.len()),
            epoch: 0,
            batch: 0,
            batches: data.len().div_ceil(settings.batch_size),
            stopping: false,
            settings,
            model,
            data,
        };
        if let Some(from) = from {
            run.go_on_from(from)?;
        }
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
            let record = self.measure(started)?;
            self.history.epochs.push(record);
            self.epoch += 1;
            self.batch = 0;
            self.running = Running::new(self.settings.metrics.len());
            if let Some(record) = self.history.epochs.last() {
                let stop = tell(callbacks, &Event::EpochEnded(record), &self.view());
                self.stopping |= stop;
            }
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
        let Settings {
            optimizer,
            loss,
            seed,
            metrics,
            ..
        } = self.settings;
        let iteration = self.state.iterations;
        let step =
            self.model
                .train_batch(batch.input(), batch.target(), &**loss, *seed, iteration)?;
        let batch_loss = step.loss + step.penalty;
        if !batch_loss.is_finite() {
            return Err(Error::NotFinite {
                epoch: self.epoch + 1,
                batch: self.batch + 1,
                batches: self.batches,
                loss: step.loss,
                penalty: step.penalty,
                learning_rate: optimizer.learning_rate_at(iteration),
            });
        }
        moments::step(&**optimizer, &mut self.state, self.model, step.gradients)?;
        let result = BatchResult {
            cross_entropy: step.loss,
            penalty: step.penalty,
            output: &step.output,
            target: batch.target(),
        };
        self.running.add(&result, metrics)?;
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
            accuracy: self.running.accuracy(),
            images: batch.indices.len(),
            batch_loss,
        };
        self.tell(callbacks, &event);
    }

    fn tell(&mut self, callbacks: &mut [Box<dyn Callback + 'a>], event: &Event<'_>) {
        let stop = tell(callbacks, event, &self.view());
        self.stopping |= stop;
    }

    fn view(&self) -> View<'_> {
        View {
            model: self.model,
            history: &self.history,
            snapshot: self,
        }
    }
}

/// Tells every callback; whether any of them wants to stop.
fn tell<'a>(callbacks: &mut [Box<dyn Callback + 'a>], event: &Event<'_>, view: &View<'_>) -> bool {
    callbacks.iter_mut().fold(false, |stop, callback| {
        callback.on_event(event, view).is_break() | stop
    })
}
