//! All jobs of a study: checked before the first one starts, then run one after another or side by side.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::{ThreadPool, ThreadPoolBuilder};
use taper_datasets::Dataset;
use taper_nn::Seed;

use super::{Context, Listener, Outcome, StudyData, run_job};
use crate::study::{Job, Study};
use crate::{Error, Result};

/// Finds what would fail later: builds every variant's network, and compares it with the data.
///
/// # Errors
/// The first thing that does not fit, with its variant.
pub fn check(study: &Study, data: &StudyData) -> Result<()> {
    for (name, _) in study.variants.iter() {
        let fail = |message: String| {
            Error::Fit(format!(
                "study {}: `variants.{name}`: {message}",
                study.name
            ))
        };
        let model = study.build(name, Seed(0))?;
        let (input, output) = (data.train.input_shape(), data.train.target_shape());
        if model.input_shape() != input {
            let message = format!(
                "`network.input_shape` is {:?}, images of {} are {input:?}",
                model.input_shape(),
                data.title
            );
            return Err(fail(message));
        }
        let loss = study.plan(name)?.loss.build()?;
        if let Err(error) = loss.check_target(model.output_shape(), output) {
            let (given, title) = (model.output_shape(), &data.title);
            let flatten = match given.len() > output.len() {
                true => "; is a Flatten layer missing in front of its Dense layers?",
                false => "",
            };
            return Err(fail(match given == output {
                true => {
                    format!("the targets of {title} are {output:?}, one number a class: {error}")
                }
                false => {
                    format!(
                        "its last layer gives {given:?}, {title} needs {output:?}{flatten} ({error})"
                    )
                }
            }));
        }
    }
    Ok(())
}

/// Runs every job of the study, `side_by_side` at a time, each with its share of `threads`. A job that fails does not
/// keep the others from running; nothing new is begun once the stop flag is set.
///
/// # Errors
/// Another process is training in the folder; thread pools that cannot be made. What happens in jobs is in the list, in the order of [`Study::jobs`].
pub fn run_all(
    context: &Context<'_>,
    threads: usize,
    side_by_side: usize,
    listener: &dyn Listener,
) -> Result<Vec<(Job, Result<Outcome>)>> {
    let _lock = context.folder.lock()?;
    let jobs = context.study.jobs();
    let workers = side_by_side.clamp(1, jobs.len().max(1));
    let pools = (0..workers)
        .map(|worker| pool(share(threads, workers, worker)))
        .collect::<Result<Vec<_>>>()?;
    let next = AtomicUsize::new(0);
    let outcomes: Vec<Mutex<Option<Result<Outcome>>>> =
        jobs.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for pool in &pools {
            let (jobs, next, outcomes) = (&jobs, &next, &outcomes);
            scope.spawn(move || {
                while let Some((job, slot)) = take(jobs, outcomes, next) {
                    let outcome = pool.install(|| run_job(context, job, listener));
                    *slot.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(outcome);
                }
            });
        }
    });
    let outcomes = outcomes.into_iter().map(|slot| {
        slot.into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    });
    Ok(jobs
        .into_iter()
        .zip(outcomes.map(|outcome| outcome.unwrap_or(Ok(Outcome::Stopped))))
        .collect())
}

/// The next job that nobody has taken.
fn take<'a, S>(jobs: &'a [Job], slots: &'a [S], next: &AtomicUsize) -> Option<(&'a Job, &'a S)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    jobs.get(index).zip(slots.get(index))
}

/// Threads of one worker: an even share, the first ones taking what is left over, never none.
fn share(threads: usize, workers: usize, worker: usize) -> usize {
    (threads / workers + usize::from(worker < threads % workers)).max(1)
}

/// A pool of its own, named so that a debugger shows whose thread it is.
fn pool(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("taper-{index}"))
        .build()
        .map_err(|error| Error::Fit(format!("{threads} threads cannot be started: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_shared_out() {
        let shares = |threads, workers| {
            (0..workers)
                .map(|worker| share(threads, workers, worker))
                .collect::<Vec<_>>()
        };
        assert_eq!(shares(8, 3), [3, 3, 2]);
        assert_eq!(shares(2, 2), [1, 1]);
        assert_eq!(shares(1, 2), [1, 1]);
    }
}
