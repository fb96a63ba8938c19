//! One training: from a variant and a seed to checkpoints, a history and a result.
//!
//! Jobs share nothing but what they read, so they may run side by side, each in a rayon pool of its own; results do
//! not depend on it. After a crash the same call goes on at the last checkpoint.

use std::ops::ControlFlow;
use std::time::Duration;

use taper_checkpoint::Checkpoint;
use taper_nn::{Model, Seed};
use taper_train::{
    Accuracy, Callback, CheckpointExt, Event, Fit, ModelCheckpoint, StopFlag, Trainer, View,
};

use super::failure::{JobFailure, guarded};
use super::settings::JobSettings;
use super::{JobResult, Predictions, RunFolder, StudyData};
use crate::study::{Job, Study};
use crate::{Error, Result};

/// What all jobs of a run share.
pub struct Context<'a> {
    /// The study.
    pub study: &'a Study,
    /// Its images.
    pub data: &'a StudyData,
    /// Where results go.
    pub folder: &'a RunFolder,
    /// Set it to end all jobs after the batch in hand.
    pub stop: StopFlag,
    /// How much training a crash may cost: a checkpoint is written at the end of a batch when so much time has passed.
    pub checkpoint_every: Duration,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// It was done already.
    Skipped,
    /// The stop flag was set; the last checkpoint is where to go on.
    Stopped,
}

/// What a job tells while it runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobEvent<'a> {
    /// It is done already, by an earlier run.
    Skipped,
    /// It failed when it was last tried, and is tried again.
    FailedBefore(&'a JobFailure),
    /// It begins with fresh weights, or goes on.
    Started {
        /// Epochs that are complete.
        epochs_done: u64,
        /// Batches of the next epoch that are done.
        batches_done: u64,
    },
    /// What `fit` says.
    Training(&'a Event<'a>),
    /// All is done.
    Finished(&'a JobResult),
    /// It ended early because it was asked to.
    Stopped,
    /// It failed.
    Failed(&'a Error),
}

/// Told what happens in jobs; calls may come from several threads at once.
pub trait Listener: Sync {
    /// Something happened in a job.
    fn on_event(&self, job: &Job, event: &JobEvent<'_>);
}

/// A listener that does not care.
impl Listener for () {
    fn on_event(&self, _job: &Job, _event: &JobEvent<'_>) {}
}

/// Runs one job to its end, in the current rayon pool. Why it failed is recorded in its folder, if that can be written;
/// a panic in it is such a failure, too, and ends no other job.
///
/// # Errors
/// A network that cannot be built, training that diverges, files that cannot be written or do not belong together.
pub fn run_job(context: &Context<'_>, job: &Job, listener: &dyn Listener) -> Result<Outcome> {
    let outcome = guarded(|| attempt(context, job, listener))
        .unwrap_or_else(|message| Err(failed(job, message)));
    let tell = |event: &JobEvent<'_>| listener.on_event(job, event);
    let told = guarded(|| match &outcome {
        Ok(Outcome::Skipped) => tell(&JobEvent::Skipped),
        Ok(Outcome::Stopped) => tell(&JobEvent::Stopped),
        Ok(Outcome::Finished) => {}
        Err(error) => {
            // Whoever asked hears of it in any case.
            let _ = context.folder.write_failure(job, &JobFailure::of(error));
            tell(&JobEvent::Failed(error));
        }
    });
    match told {
        Err(message) if outcome.is_ok() => Err(failed(job, message)),
        _ => outcome,
    }
}

pub(super) fn failed(job: &Job, message: String) -> Error {
    Error::Job {
        variant: job.variant.clone(),
        seed: job.seed,
        message,
    }
}

fn attempt(context: &Context<'_>, job: &Job, listener: &dyn Listener) -> Result<Outcome> {
    let Context {
        study,
        folder,
        data,
        ..
    } = context;
    if folder.result(job)?.is_some() {
        return Ok(Outcome::Skipped);
    }
    if context.stop.is_set() {
        return Ok(Outcome::Stopped);
    }
    // One that cannot be read is no reason not to try.
    if let Ok(Some(failure)) = folder.failure(job) {
        listener.on_event(job, &JobEvent::FailedBefore(&failure));
    }
    folder.prepare(job)?;
    let settings = settings(context, job)?;
    let (mut model, from) = start(context, job)?;
    folder.clear_failure(job)?;
    let position = from
        .as_ref()
        .and_then(|checkpoint| checkpoint.position.clone())
        .unwrap_or_default();
    let started = JobEvent::Started {
        epochs_done: position.epoch,
        batches_done: position.batch,
    };
    listener.on_event(job, &started);
    let fit = train(context, job, listener, &mut model, (from, &settings))?;
    if fit.stopped {
        return Ok(Outcome::Stopped);
    }
    // Batches as in training, so that their memory is there already.
    let batch_size = study.plan(&job.variant)?.batch_size;
    let predictions = Predictions::of(&model, &data.test, batch_size)?;
    let result = JobResult::of(&model, &data.test, &predictions)?;
    folder.write_predictions(job, &predictions)?;
    folder.write_result(job, &result)?;
    listener.on_event(job, &JobEvent::Finished(&result));
    Ok(Outcome::Finished)
}

/// What the job was begun with, which must be what holds now; a job that begins keeps it.
fn settings(context: &Context<'_>, job: &Job) -> Result<JobSettings> {
    let folder = context.folder;
    let now = JobSettings::of(context.study, context.data, job)?;
    let begun = folder.settings(job)?.filter(|_| folder.has_begun(job));
    if let Some(begun) = begun {
        let changes = begun.differences(&now);
        if changes.is_empty() {
            return Ok(begun);
        }
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        let message = format!("it was begun with other settings: {}", changes.join("; "));
        return Err(failed(job, message));
    }
    folder.write_settings(job, &now)?;
    Ok(now)
}

/// Fresh weights, or those of the last checkpoint.
fn start(context: &Context<'_>, job: &Job) -> Result<(Model, Option<Checkpoint>)> {
    let mut model = context.study.build(&job.variant, Seed(job.seed))?;
    let path = context.folder.last(job);
    if !path.exists() {
        return Ok((model, None));
    }
    let checkpoint = Checkpoint::load(&path)?;
    context.folder.catch_up(job, &checkpoint.read_history()?)?;
    checkpoint.load_into(&mut model)?;
    Ok((model, Some(checkpoint)))
}

fn train(
    context: &Context<'_>,
    job: &Job,
    listener: &dyn Listener,
    model: &mut Model,
    (from, settings): (Option<Checkpoint>, &JobSettings),
) -> Result<Fit> {
    let Context {
        study,
        folder,
        data,
        ..
    } = context;
    let plan = study.plan(&job.variant)?;
    let optimizer = plan.optimizer.build();
    let optimizer = optimizer.map_err(|error| failed(job, error.to_string()))?;
    let loss = plan.loss.build()?;
    let best = ModelCheckpoint::best(folder.best(job)).monitor("val_accuracy");
    let last = ModelCheckpoint::last(folder.last(job)).every(context.checkpoint_every);
    // In this order: a line of history that is written twice does no harm, one that is missing does.
    let mut trainer = Trainer::boxed(optimizer, loss)
        .epochs(plan.epochs)
        .batch_size(plan.batch_size)
        .seed(Seed(job.seed))
        .validation(&data.test)
        .measure_training_set(true)
        // Variants are compared by it, whatever the loss.
        .metric(Accuracy)
        .callback(HistoryFile {
            folder,
            job,
            settings,
            failed: None,
        })
        .callback(best)
        .callback(last)
        .callback(Tell { job, listener })
        .callback(context.stop.clone());
    for (key, value) in provenance(study, job) {
        trainer = trainer.provenance(key, value);
    }
    if let Some(checkpoint) = from {
        trainer = trainer.resume(&checkpoint)?;
        for change in settings.accepted() {
            trainer = trainer.accept(change);
        }
    }
    Ok(trainer.fit(model, &data.train)?)
}

/// What a checkpoint says about its making, beside what the trainer notes.
fn provenance(study: &Study, job: &Job) -> [(&'static str, String); 8] {
    let environment = super::Environment::here(rayon::current_num_threads(), 1);
    [
        ("study", study.name.clone()),
        ("variant", job.variant.clone()),
        ("seed", job.seed.to_string()),
        ("catalog_name", study.dataset.clone()),
        ("cpu", environment.cpu),
        ("system", environment.system),
        ("instruction_set", environment.instruction_set),
        ("started", environment.started),
    ]
}

/// Appends every finished epoch to the history.
struct HistoryFile<'a> {
    folder: &'a RunFolder,
    job: &'a Job,
    settings: &'a JobSettings,
    failed: Option<Error>,
}

impl Callback for HistoryFile<'_> {
    fn on_event(&mut self, event: &Event<'_>, _view: &View<'_>) -> ControlFlow<()> {
        let Event::EpochEnded(record) = event else {
            return ControlFlow::Continue(());
        };
        let record = self.settings.noted_in(record);
        match self.folder.append(self.job, &record) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn finish(&mut self, _model: &mut Model) -> taper_train::Result<()> {
        self.failed.take().map_or(Ok(()), |error| {
            Err(taper_train::Error::Other(error.to_string()))
        })
    }
}

/// Passes events on.
struct Tell<'a> {
    job: &'a Job,
    listener: &'a dyn Listener,
}

impl Callback for Tell<'_> {
    fn on_event(&mut self, event: &Event<'_>, _view: &View<'_>) -> ControlFlow<()> {
        self.listener.on_event(self.job, &JobEvent::Training(event));
        ControlFlow::Continue(())
    }
}
