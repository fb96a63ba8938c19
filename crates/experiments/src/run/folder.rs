//! The folder of a run: what lies where, and how it survives a crash.
//!
//! ```text
//! runs/regularization-20260131-142530/
//!     study.toml                 the study as it was run, overrides included
//!     summary.json               settings, environment, final figures; rewritten after every job
//!     report.html
//!     l2/seed-0/
//!         history.jsonl          one line an epoch, appended and flushed
//!         last.taper             where to go on
//!         best.taper             the epoch of the highest validation accuracy
//!         predictions.npy        what the network says of the validation images; truths.npy: what they are
//!         result.json            confusion matrix and worst mistakes; there when the job is done
//!         settings.json          what the job was begun with, and what was changed when it was gone on with
//!         failure.json           why the job failed; there until it is tried again
//! ```
//!
//! Files that are rewritten go through a temporary file and a rename, so that they are whole or not there. Whoever trains
//! in the folder locks it, so that two processes never go on with one run; the system releases the lock of a process that
//! ends, however it ends.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use taper_files::lock::{Attempt, FolderLock};
use taper_files::{atomic, leftovers};
use taper_train::{EpochRecord, History};

use super::settings::JobSettings;
use super::{Environment, JobData, JobFailure, JobResult, RunData, Summary};
use crate::study::{Job, Study};
use crate::{Error, Result};

/// A line of a history is no longer than this (a thousand metrics): while one is read it takes a few times its length.
const LONGEST_LINE: usize = 1 << 16;
/// A summary, and what a training was begun with, is no longer than this: as long as that of thousands of variants.
const LONGEST_SUMMARY: u64 = 1 << 23;

/// The folder of a run. Clones share its lock, if it has one.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    lock: Option<Arc<FolderLock>>,
    /// What the user should know of it.
    notice: Option<String>,
}

/// Keeps other processes from training in a run's folder, until it is dropped.
#[derive(Debug)]
#[must_use = "the folder is locked as long as this lives"]
pub struct RunLock {
    /// `None` where there are no locks.
    _lock: Option<Arc<FolderLock>>,
}

impl RunFolder {
    /// Makes `<parent>/<study>-<time>` with `study.toml` in it, and locks it. A second run in the same second gets `-2`
    /// behind it.
    ///
    /// # Errors
    /// Folders or files that cannot be made; no run is left then.
    pub fn create(parent: &Path, study: &Study) -> Result<RunFolder> {
        let toml = study.to_toml()?;
        fs::create_dir_all(parent).map_err(Error::io("creating", parent))?;
        let stamp = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S");
        let base = format!("{}-{stamp}", study.name);
        let mut path = parent.join(&base);
        let mut number = 2;
        while let Err(error) = fs::create_dir(&path) {
            if error.kind() != std::io::ErrorKind::AlreadyExists || number > 1_000 {
                return Err(Error::io("creating", &path)(error));
            }
            path = parent.join(format!("{base}-{number}"));
            number += 1;
        }
        let mut folder = RunFolder {
            path,
            lock: None,
            notice: None,
        };
        let begun = folder
            .take_lock()
            .and_then(|()| folder.write(&folder.path.join("study.toml"), toml.as_bytes()));
        if let Err(error) = begun {
            // Nobody could go on with it.
            folder.lock = None;
            let _ = fs::remove_dir(&folder.path);
            return Err(error);
        }
        Ok(folder)
    }

    /// Opens the folder of an earlier run and reads its study. To train in it, [`resume`](RunFolder::resume).
    ///
    /// # Errors
    /// A folder that is not there or has no readable `study.toml`.
    pub fn open(path: impl Into<PathBuf>) -> Result<(RunFolder, Study)> {
        let path = path.into();
        if !path.is_dir() {
            return Err(Error::run(&path, "there is no such run folder"));
        }
        let file = path.join("study.toml");
        if !file.is_file() {
            return Err(Error::run(
                &path,
                "this is no run folder: it has no study.toml",
            ));
        }
        let study = Study::load(&file)?;
        let folder = RunFolder {
            path,
            lock: None,
            notice: None,
        };
        Ok((folder, study))
    }

    /// Opens the folder of an earlier run to go on with it: locks it, and removes the half-written files that a process
    /// which was killed has left behind.
    ///
    /// # Errors
    /// As [`open`](RunFolder::open); another process is training in it.
    pub fn resume(path: impl Into<PathBuf>) -> Result<(RunFolder, Study)> {
        let (mut folder, study) = Self::open(path)?;
        folder.take_lock()?;
        leftovers::remove(&folder.path);
        Ok((folder, study))
    }

    /// Keeps other processes from training in the folder. One that was made or resumed is locked already; this is for
    /// those that were only opened.
    ///
    /// # Errors
    /// Another process is training in it; it cannot be written to.
    pub fn lock(&self) -> Result<RunLock> {
        let mut locked = self.clone();
        if locked.lock.is_none() {
            locked.take_lock()?;
        }
        Ok(RunLock { _lock: locked.lock })
    }

    /// What the user should know: that the file system has no locks.
    #[must_use]
    pub fn notice(&self) -> Option<&String> {
        self.notice.as_ref()
    }

    fn take_lock(&mut self) -> Result<()> {
        match FolderLock::attempt(&self.path) {
            Ok(Attempt::Held(lock)) => self.lock = Some(Arc::new(lock)),
            Ok(Attempt::Busy(holder)) => {
                let holder = holder.map_or_else(String::new, |id| format!(" ({id})"));
                let message = format!(
                    "another process{holder} is training in this folder; wait until it is done, or stop it"
                );
                return Err(Error::run(&self.path, message));
            }
            Ok(Attempt::Unsupported(reason)) => {
                self.notice = Some(format!(
                    "the run's file system has no locks ({reason}): see to it that no other process goes on with this run"
                ));
            }
            Err(error) => return Err(Error::io("locking", &self.path)(error.into_io())),
        }
        Ok(())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the page goes.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// The summary.
    #[must_use]
    pub fn summary(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// Checkpoint to go on from.
    #[must_use]
    pub fn last(&self, job: &Job) -> PathBuf {
        self.job(job).join("last.taper")
    }

    /// Checkpoint of the best epoch.
    #[must_use]
    pub fn best(&self, job: &Job) -> PathBuf {
        self.job(job).join("best.taper")
    }

    /// The folder of one job.
    #[must_use]
    pub fn job(&self, job: &Job) -> PathBuf {
        self.path
            .join(&job.variant)
            .join(format!("seed-{}", job.seed))
    }

    /// Makes the folder of a job, and takes away what an interrupted write left behind the last whole line of its
    /// history, and half-written files without a writer.
    ///
    /// # Errors
    /// A folder that cannot be made, a history that cannot be mended.
    pub fn prepare(&self, job: &Job) -> Result<()> {
        let folder = self.job(job);
        if !self.path.is_dir() {
            let message = "the folder of the run is gone; it is not made again";
            return Err(Error::run(&self.path, message));
        }
        fs::create_dir_all(&folder).map_err(Error::io("creating", &folder))?;
        leftovers::remove(&folder);
        let path = self.history_file(job);
        let Ok(bytes) = fs::read(&path) else {
            return Ok(());
        };
        let whole = bytes
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |end| end + 1);
        if whole < bytes.len() {
            let file = OpenOptions::new()
                .write(true)
                .open(&path)
                .map_err(Error::io("opening", &path))?;
            file.set_len(whole as u64)
                .map_err(Error::io("shortening", &path))?;
        }
        Ok(())
    }

    /// Appends one epoch to the history of a job and flushes it to the disk.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn append(&self, job: &Job, record: &EpochRecord) -> Result<()> {
        let path = self.history_file(job);
        let mut line = to_json(&path, record)?;
        line.push(b'\n');
        let appended = atomic::append(&path, &line);
        appended.map_err(|error| Error::io("writing", &path)(error.into_io()))
    }

    /// Appends what a checkpoint knows of a job's history and its file does not: the epochs whose line could not be
    /// written when they ended.
    ///
    /// # Errors
    /// A history that cannot be read or written.
    pub fn catch_up(&self, job: &Job, known: &History) -> Result<()> {
        let there = self.history(job)?;
        let last = there.last().map_or(0, |record| record.epoch);
        let missing = known.epochs.iter().filter(|record| record.epoch > last);
        missing
            .into_iter()
            .try_for_each(|record| self.append(job, record))
    }

    /// The history of a job: nothing if it has not begun. An epoch that was repeated after an interruption counts as
    /// its last line says; an unfinished last line is left out.
    ///
    /// # Errors
    /// A line that is no epoch record; the message has its number.
    pub fn history(&self, job: &Job) -> Result<Vec<EpochRecord>> {
        let path = self.history_file(job);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("reading", &path)(error)),
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut records: Vec<EpochRecord> = Vec::new();
        for (number, line) in text[..whole].lines().enumerate() {
            let wrong = |what: String| Error::run(&path, format!("line {}: {what}", number + 1));
            if line.len() > LONGEST_LINE {
                return Err(wrong(format!(
                    "it has {} bytes, which no epoch has",
                    line.len()
                )));
            }
            let record: EpochRecord =
                serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
            // They stand in ascending order, so that what is repeated stands at the end.
            while records
                .last()
                .is_some_and(|last| last.epoch >= record.epoch)
            {
                records.pop();
            }
            records.push(record);
        }
        Ok(records)
    }

    /// What was measured at the end of a job; `None` when it is not done.
    ///
    /// # Errors
    /// A damaged file.
    pub fn result(&self, job: &Job) -> Result<Option<JobResult>> {
        read_json(&self.job(job).join("result.json"))
    }

    /// Marks a job as done.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_result(&self, job: &Job, result: &JobResult) -> Result<()> {
        let path = self.job(job).join("result.json");
        self.write(&path, &to_json(&path, result)?)
    }

    /// What a job was begun with; `None` when it is not, or was by an earlier version.
    ///
    /// # Errors
    /// A damaged file.
    pub(super) fn settings(&self, job: &Job) -> Result<Option<JobSettings>> {
        read_short_json(&self.settings_file(job), "training")
    }

    /// Keeps what a job is begun or gone on with.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn write_settings(&self, job: &Job, settings: &JobSettings) -> Result<()> {
        let path = self.settings_file(job);
        self.write(&path, &to_json(&path, settings)?)
    }

    fn settings_file(&self, job: &Job) -> PathBuf {
        self.job(job).join("settings.json")
    }

    /// Writes the summary of what is there.
    ///
    /// # Errors
    /// A study that cannot be read, a summary that cannot be written.
    pub fn write_summary(&self, environment: &Environment) -> Result<Summary> {
        let (_, study) = RunFolder::open(&self.path)?;
        let summary = Summary::of(&self.records(&study, environment));
        self.save_summary(&summary)?;
        Ok(summary)
    }

    /// Writes a summary that is made already.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save_summary(&self, summary: &Summary) -> Result<()> {
        let path = self.summary();
        let text = serde_json::to_vec_pretty(summary)
            .map_err(|error| Error::run(&path, error.to_string()))?;
        self.write(&path, &text)
    }

    /// Where and when the run was started, from its summary.
    ///
    /// # Errors
    /// A missing or damaged `summary.json`.
    pub fn environment(&self) -> Result<Environment> {
        #[derive(serde::Deserialize)]
        struct Part {
            environment: Environment,
        }
        let path = self.summary();
        let part: Option<Part> = read_short_json(&path, "summary")?;
        part.map(|part| part.environment)
            .ok_or_else(|| Error::run(&path, "it is missing, so the run has not begun"))
    }

    /// Everything recorded so far. What a job has left and cannot be read is that job's
    /// [failure](JobData::failure), and keeps none of the others from being read.
    ///
    /// # Errors
    /// A study or a summary that cannot be read; the message has the file.
    pub fn read(&self) -> Result<RunData> {
        let (_, study) = RunFolder::open(&self.path)?;
        let environment = self.environment()?;
        Ok(self.records(&study, &environment))
    }

    /// What the jobs of `study` have recorded so far.
    #[must_use]
    pub fn records(&self, study: &Study, environment: &Environment) -> RunData {
        let of_job = |job: Job| {
            let read = || Ok((self.history(&job)?, self.result(&job)?, self.failure(&job)?));
            let (history, result, failure) = read().unwrap_or_else(|error: Error| {
                let message = error.to_string();
                let unreadable = true;
                (
                    Vec::new(),
                    None,
                    Some(JobFailure {
                        message,
                        unreadable,
                        diverged: false,
                    }),
                )
            });
            // Whoever goes on with the job is told if they cannot be read.
            let settings = self.settings(&job).ok().flatten();
            let changes = settings.map_or_else(Vec::new, JobSettings::into_changes);
            JobData {
                history,
                changes,
                failure: failure.filter(|_| result.is_none()),
                answers: self.answers(&job, result.as_ref()),
                result,
                job,
            }
        };
        RunData {
            study: study.clone(),
            environment: environment.clone(),
            jobs: study.jobs().into_iter().map(of_job).collect(),
        }
    }

    fn history_file(&self, job: &Job) -> PathBuf {
        self.job(job).join("history.jsonl")
    }

    /// Whole or not at all.
    pub(crate) fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let written = atomic::write(path, bytes);
        written.map_err(|error| Error::io("writing", path)(error.into_io()))
    }
}

pub(super) fn to_json(path: &Path, value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::run(path, error.to_string()))
}

/// Of a file that has no reason to be longer than a summary.
fn read_short_json<T: DeserializeOwned>(path: &Path, what: &str) -> Result<Option<T>> {
    let length = fs::metadata(path).map_or(0, |file| file.len());
    if length > LONGEST_SUMMARY {
        let message = format!("it has {length} bytes, which no {what} has");
        return Err(Error::run(path, message));
    }
    read_json(path)
}

pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| Error::run(path, error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("reading", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a look at all earlier ones for every epoch, a long history took minutes.
    #[test]
    fn a_history_is_read_in_order_and_repeated_epochs_count_once() {
        let home = tempfile::tempdir().expect("a folder");
        let study = crate::study::Study::regularization();
        let folder = RunFolder {
            path: home.path().to_path_buf(),
            lock: None,
            notice: None,
        };
        let job = study.jobs().swap_remove(0);
        folder.prepare(&job).expect("a folder");
        let line = |epoch: u64, loss: f64| {
            let record = EpochRecord {
                epoch,
                loss,
                ..EpochRecord::default()
            };
            serde_json::to_string(&record).expect("a line") + "\n"
        };
        let write = |text: String| fs::write(folder.history_file(&job), text).expect("written");
        let many: String = (1..=20_000).map(|epoch| line(epoch, 1.0)).collect();
        write(many + &line(19_999, 2.0));
        let history = folder.history(&job).expect("a history");
        assert_eq!(history.len(), 19_999);
        assert_eq!(
            history.last().map(|last| (last.epoch, last.loss)),
            Some((19_999, 2.0))
        );
        write(line(1, 1.0) + &"x".repeat(LONGEST_LINE + 1) + "\n");
        let error = folder.history(&job).expect_err("no epoch").to_string();
        assert!(error.contains("line 2: it has 65537 bytes"), "{error}");
    }
}
