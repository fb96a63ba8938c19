//! Trainings inside this process, whose steps of writing fail when they are told to; and whether anything was lost that
//! they had said was done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use taper_experiments::report;
use taper_experiments::run::{
    Context, Environment, JobEvent, Listener, Outcome, RunFolder, StudyData, run_all,
};
use taper_experiments::study::{Job, Study};
use taper_files::Action;
use taper_files::faults::{Fail, Faults};
use taper_train::{Event, StopFlag};

use super::ends::{Ends, differences, digest, ends, leftovers, unreadable};
use super::place::{Place, Whole, copy};

/// Among so many steps of a run that is gone on with are its summary, a line of history and a checkpoint.
const FIRST: usize = 16;

/// A study that writes a checkpoint after every batch, and what it comes to.
pub(super) struct Lab {
    study: Study,
    data: StudyData,
    folder: PathBuf,
    environment: Environment,
    whole: Ends,
    /// All that every checkpoint's file was, in order.
    versions: BTreeMap<PathBuf, Vec<String>>,
    /// The steps of writing of a whole run.
    pub(super) steps: Vec<Action>,
    /// A run that was broken off in its second training, to go on with.
    broken: PathBuf,
    /// The steps of writing of what is left of it.
    pub(super) steps_left: Vec<Action>,
}

impl Lab {
    /// Trains once with nothing failing, and breaks another training off. That the program has trained without being
    /// disturbed shows that the data set is unpacked.
    pub(super) fn new(place: &Place, _whole: &Whole, name: &str) -> Result<Lab> {
        let study = place.study(64)?;
        place.clear(name)?;
        let mut lab = Lab {
            data: StudyData::open(&study, Some(&place.path("data")))?,
            study,
            folder: place.path(name),
            environment: Environment::here(1, 1),
            whole: Ends::new(),
            versions: BTreeMap::new(),
            steps: Vec::new(),
            broken: PathBuf::new(),
            steps_left: Vec::new(),
        };
        let folder = RunFolder::create(&lab.folder.join("whole"), &lab.study)?;
        let faults = Faults::below(folder.path(), Fail::Never);
        let witness = Witness::new(&folder, &faults, Fail::Never)?;
        lab.go(&folder, &witness)?;
        lab.versions = witness.heard().versions.clone();
        lab.steps = faults.seen();
        drop(faults);
        let path = folder.path().to_owned();
        drop(folder);
        lab.whole = ends(&path)?;

        let folder = RunFolder::create(&lab.folder.join("broken"), &lab.study)?;
        let faults = Faults::below(folder.path(), Fail::From(lab.steps.len() * 3 / 4));
        if lab.go(&folder, &()).is_ok() {
            bail!("a full disk has broken nothing off");
        }
        drop(faults);
        lab.broken = folder.path().to_owned();
        drop(folder);
        let folder = lab.begin("counted", true)?;
        let faults = Faults::below(folder.path(), Fail::Never);
        lab.go(&folder, &())?;
        lab.steps_left = faults.seen();
        Ok(lab)
    }

    /// A run in which a step fails, or all from it on; and in `left`, not a new run but what is left of the broken one.
    /// What is wrong with it.
    pub(super) fn attempt(&self, name: &str, fail: Fail, left: bool) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        let folder = self.begin(name, left)?;
        let path = folder.path().to_owned();
        let faults = Faults::below(&path, fail);
        let witness = Witness::new(&folder, &faults, fail)?;
        let ended = self.go(&folder, &witness);
        let reached = passed(fail, faults.seen().len());
        if ended.is_ok() && reached {
            wrong.push("it was passed over".to_owned());
        }
        if let Err(error) = &ended
            && !reached
        {
            wrong.push(format!("without a fault: {error:#}"));
        }
        // Who tries again before there is space loses nothing more.
        if matches!(fail, Fail::From(_)) && reached && self.go(&folder, &witness).is_ok() {
            wrong.push("a full disk was enough at the second attempt".to_owned());
        }
        let heard = std::mem::take(&mut *witness.heard());
        drop(faults);
        wrong.extend(self.lost(&folder, &heard)?);
        drop(folder);
        wrong.extend(unreadable(&path)?);
        wrong.extend(leftovers(&path)?);

        // What goes on with it may meet the next fault: at one of its first steps.
        if let Fail::Once(step) = fail {
            let (folder, _) = RunFolder::resume(&path)?;
            let faults = Faults::below(&path, Fail::Once(step % FIRST));
            let met = self.go(&folder, &()).is_err() || faults.seen().len() <= step % FIRST;
            drop(faults);
            drop(folder);
            if !met {
                wrong.push("the next fault was passed over".to_owned());
            }
            wrong.extend(unreadable(&path)?);
            wrong.extend(leftovers(&path)?);
        }
        let gone_on = RunFolder::resume(&path).map_err(anyhow::Error::from);
        if let Err(error) = gone_on.and_then(|(folder, _)| self.go(&folder, &())) {
            wrong.push(format!("going on with it: {error:#}"));
        }
        match ends(&path) {
            Ok(found) => wrong.extend(differences(&found, &self.whole)),
            Err(error) => wrong.push(format!("{error:#}")),
        }
        if wrong.is_empty() {
            std::fs::remove_dir_all(self.folder.join(name))?;
        }
        Ok(wrong)
    }

    /// A new run, or a copy of the broken one.
    fn begin(&self, name: &str, left: bool) -> Result<RunFolder> {
        let parent = self.folder.join(name);
        if !left {
            return Ok(RunFolder::create(&parent, &self.study)?);
        }
        let to = parent.join("run");
        copy(&self.broken, &to)?;
        Ok(RunFolder::resume(to)?.0)
    }

    /// What `taper train` does.
    fn go(&self, folder: &RunFolder, listener: &dyn Listener) -> Result<()> {
        let context = Context {
            study: &self.study,
            data: &self.data,
            folder,
            stop: StopFlag::new(),
            checkpoint_every: Duration::ZERO,
        };
        folder.write_summary(&self.environment)?;
        let outcomes = run_all(&context, 1, 1, listener)?;
        let summary = folder.write_summary(&self.environment).map(drop);
        let run = folder.records(&self.study, &self.environment);
        let page = report::write_page(folder, &run).map(drop);
        for (job, outcome) in outcomes {
            if outcome? == Outcome::Stopped {
                bail!("{job} was stopped by nobody");
            }
        }
        Ok(summary.and(page)?)
    }

    /// What was said to be done and is not there.
    fn lost(&self, folder: &RunFolder, heard: &Heard) -> Result<Vec<String>> {
        let mut lost = Vec::new();
        for job in self.study.jobs() {
            let done = heard.epochs.get(&job).copied().unwrap_or(0);
            let there = folder
                .history(&job)?
                .last()
                .map_or(0, |record| record.epoch);
            if there < done {
                lost.push(format!(
                    "{job}: the history has {there} epochs, and {done} were done"
                ));
            }
            if heard.finished.contains(&job) && folder.result(&job)?.is_none() {
                lost.push(format!("{job}: its result is not there"));
            }
        }
        for (name, versions) in &self.versions {
            let place = |digest: &String| versions.iter().position(|version| version == digest);
            let before = heard.versions.get(name).and_then(|heard| heard.last());
            let before = before.map(|digest| {
                place(digest).ok_or_else(|| anyhow!("{} was never so", name.display()))
            });
            let path = folder.path().join(name);
            let after = path.exists().then(|| digest(&path)).transpose()?;
            match (before.transpose()?, after.as_ref().map(place)) {
                (_, Some(None)) => lost.push(format!("{} is neither old nor new", name.display())),
                (Some(before), Some(Some(after))) if after < before => {
                    lost.push(format!("{} is older than it was", name.display()));
                }
                (Some(_), None) => lost.push(format!("{} is gone", name.display())),
                _ => {}
            }
        }
        Ok(lost)
    }
}

/// Whether a step has failed, after so many.
fn passed(fail: Fail, steps: usize) -> bool {
    match fail {
        Fail::Never => false,
        Fail::Once(at) | Fail::From(at) => steps > at,
    }
}

/// Hears what is said to be done, as long as nothing has failed: of the training that it fails in; of the others, always.
struct Witness<'a> {
    folder: &'a RunFolder,
    faults: &'a Faults,
    fail: Fail,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    epochs: BTreeMap<Job, u64>,
    finished: BTreeSet<Job>,
    /// Of every checkpoint's file.
    versions: BTreeMap<PathBuf, Vec<String>>,
    /// Trainings that began after the fault.
    later: BTreeSet<Job>,
}

impl<'a> Witness<'a> {
    /// What is there already was done before.
    fn new(folder: &'a RunFolder, faults: &'a Faults, fail: Fail) -> Result<Self> {
        let witness = Witness {
            folder,
            faults,
            fail,
            heard: Mutex::default(),
        };
        let (_, study) = RunFolder::open(folder.path())?;
        for job in study.jobs() {
            witness.look(&mut witness.heard(), &job)?;
        }
        Ok(witness)
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how a training's checkpoints are now.
    fn look(&self, heard: &mut Heard, job: &Job) -> Result<()> {
        for path in [self.folder.last(job), self.folder.best(job)] {
            if path.exists() {
                let name = path.strip_prefix(self.folder.path())?.to_owned();
                let versions = heard.versions.entry(name).or_default();
                let now = digest(&path)?;
                if versions.last() != Some(&now) {
                    versions.push(now);
                }
            }
        }
        Ok(())
    }
}

impl Listener for Witness<'_> {
    fn on_event(&self, job: &Job, event: &JobEvent<'_>) {
        let mut heard = self.heard();
        if passed(self.fail, self.faults.seen().len()) {
            if matches!(
                (event, self.fail),
                (JobEvent::Started { .. }, Fail::Once(_))
            ) {
                heard.later.insert(job.clone());
            }
            if !heard.later.contains(job) {
                return;
            }
        }
        match event {
            JobEvent::Training(Event::EpochEnded(record)) => {
                heard.epochs.insert(job.clone(), record.epoch);
            }
            JobEvent::Finished(_) => {
                heard.finished.insert(job.clone());
            }
            _ => {}
        }
        // A file that cannot be read is found when all is over.
        let _ = self.look(&mut heard, job);
    }
}
