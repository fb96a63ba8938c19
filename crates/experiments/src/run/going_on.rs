//! Going on with a run whose study is not what it was: what changed, in words, and what was asked for.

use std::collections::HashMap;
use std::fmt::Write;

use taper_checkpoint::Checkpoint;
use taper_nn::Seed;
use taper_train::CheckpointExt;

use super::settings::{Change, JobSettings};
use super::{RunFolder, StudyData};
use crate::study::{Job, Study};
use crate::{Error, Result};

/// The most lines that are told of changes.
const MOST_LINES: usize = 40;

/// Changes with the jobs that have them.
type Changes = Vec<(Change, Vec<Job>)>;

impl RunFolder {
    /// Compares what is trained already with the study as it is now. What the results of a job depend on may differ only
    /// where `accept` names it ([`is_asked_for`](taper_train::is_asked_for)); that is noted in the job's `settings.json`,
    /// in its later checkpoints and in the line of its next epoch. Returns what to tell the user, a line each. A job that
    /// has neither a checkpoint nor a result is free to change; of runs that earlier versions began only what their
    /// checkpoints say is compared, when they are gone on with.
    ///
    /// # Errors
    /// Every change that was not asked for, by variant and name with what was and is; one that cannot be made within an epoch, with the job that
    /// stands in one; files that cannot be read or written. Nothing is changed then.
    pub fn go_on_with(
        &self,
        study: &Study,
        data: &StudyData,
        accept: &[String],
    ) -> Result<Vec<String>> {
        let mut all = Changes::new();
        let mut new = Vec::new();
        let mut compared: HashMap<String, (JobSettings, Vec<Change>)> = HashMap::new();
        for job in study.jobs() {
            // A job that begins keeps them by itself.
            if !self.has_begun(&job) {
                continue;
            }
            let now = JobSettings::of(study, data, &job)?;
            let begun = match self.settings(&job) {
                Ok(Some(begun)) => begun,
                Ok(None) => {
                    new.push((job, now.accepting(accept)));
                    continue;
                }
                // It fails by itself, and keeps no other from going on.
                Err(_) => continue,
            };
            let known = compared.get(&job.variant);
            let known = known.filter(|(of, _)| of.is_like(&begun));
            let changes = known.map_or_else(|| begun.differences(&now), |(_, same)| same.clone());
            compared.insert(job.variant.clone(), (begun.clone(), changes.clone()));
            for change in &changes {
                match all.iter_mut().find(|(other, _)| other == change) {
                    Some((_, jobs)) => jobs.push(job.clone()),
                    None => all.push((change.clone(), vec![job.clone()])),
                }
            }
            let epochs = match changes.is_empty() {
                true => 0,
                false => {
                    let history = self.history(&job).unwrap_or_default();
                    history.last().map_or(0, |last| last.epoch)
                }
            };
            let changed = begun.clone().changed_to(now, changes, epochs);
            let changed = changed.accepting(accept);
            if changed != begun {
                new.push((job, changed));
            }
        }
        let (asked, refused): (Changes, Changes) = all
            .into_iter()
            .partition(|(change, _)| change.is_asked_for(accept));
        if !refused.is_empty() {
            return Err(self.refusal(study, &refused));
        }
        for (change, jobs) in &asked {
            for job in jobs.iter().filter(|job| !self.is_done(job)) {
                self.can_be_made(change, job, study)?;
            }
        }
        for (job, settings) in new {
            self.write_settings(&job, &settings)?;
        }
        Ok(self.told(study, &asked))
    }

    /// Whether there is something that depends on what the job was begun with.
    pub(super) fn has_begun(&self, job: &Job) -> bool {
        self.last(job).exists() || self.is_done(job)
    }

    fn is_done(&self, job: &Job) -> bool {
        self.job(job).join("result.json").exists()
    }

    fn refusal(&self, study: &Study, changes: &Changes) -> Error {
        let mut message =
            "results that are there depend on what was changed in the study:\n".to_owned();
        for line in in_words(study, changes) {
            let _ = writeln!(message, "    {line}");
        }
        let names = short_names(changes);
        let _ = write!(
            message,
            "put back what was there, or ask for the change by name, to train the rest of the run with it: --accept {}",
            names.join(",")
        );
        Error::run(&self.path().join("study.toml"), message)
    }

    /// Whether the checkpoint of a job can be gone on from with this change.
    fn can_be_made(&self, change: &Change, job: &Job, study: &Study) -> Result<()> {
        let fail = |why: String| {
            let message = format!("{job}: {change}: {why}; put back what was there");
            Err(Error::run(&self.path().join("study.toml"), message))
        };
        if !change.is_between_epochs() && !change.is_of_network() {
            return Ok(());
        }
        let checkpoint = Checkpoint::load(self.last(job))?;
        let batch = checkpoint.position.as_ref().map_or(0, |at| at.batch);
        if change.is_between_epochs() && batch > 0 {
            return fail("it stands within an epoch, in which this cannot change".into());
        }
        if change.is_of_network() {
            let mut model = study.build(&job.variant, Seed(job.seed))?;
            return match checkpoint.load_into(&mut model) {
                Ok(()) => Ok(()),
                Err(error) => fail(format!("its weights do not fit ({error})")),
            };
        }
        Ok(())
    }

    /// What was asked for and changed.
    fn told(&self, study: &Study, changes: &Changes) -> Vec<String> {
        let mut told: Vec<String> = in_words(study, changes)
            .into_iter()
            .map(|line| format!("changed for {line}"))
            .collect();
        let jobs = || changes.iter().flat_map(|(_, jobs)| jobs);
        if jobs().any(|job| self.is_done(job)) {
            told.push("trainings that are done stay as they were trained".into());
        }
        told
    }
}

/// A line for each change.
fn in_words(study: &Study, changes: &Changes) -> Vec<String> {
    let mut lines: Vec<String> = changes
        .iter()
        .take(MOST_LINES)
        .map(|(change, jobs)| {
            let mut variants: Vec<&str> = jobs.iter().map(|job| &*job.variant).collect();
            variants.dedup();
            variants.sort_unstable();
            variants.dedup();
            match variants.len() {
                1 => format!("variant {}: {change}", variants[0]),
                n if n == study.variants.len() => format!("all variants: {change}"),
                _ => format!("variants {}: {change}", variants.join(", ")),
            }
        })
        .collect();
    if let Some(more) = changes.len().checked_sub(MOST_LINES).filter(|n| *n > 0) {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// What the user can write: the last words of the names, each once.
fn short_names(changes: &Changes) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for (change, _) in changes {
        let last = change.name.rsplit('.').next().unwrap_or(&change.name);
        if !names.contains(&last) {
            names.push(last);
        }
    }
    names
}
