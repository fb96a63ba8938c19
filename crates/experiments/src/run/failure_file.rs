//! Where the reason of a failure lies: in the folder of its job, until that is tried again.

use std::fs;
use std::path::PathBuf;

use super::failure::JobFailure;
use super::folder::{RunFolder, read_json, to_json};
use crate::study::Job;
use crate::{Error, Result};

impl RunFolder {
    /// Why a job failed when it was last tried; `None` if it did not.
    ///
    /// # Errors
    /// A damaged file.
    pub fn failure(&self, job: &Job) -> Result<Option<JobFailure>> {
        read_json(&self.failure_file(job))
    }

    /// Records why a job failed.
    ///
    /// # Errors
    /// A file that cannot be written; a run folder that is gone is not made again.
    pub fn write_failure(&self, job: &Job, failure: &JobFailure) -> Result<()> {
        let path = self.failure_file(job);
        if self.path().is_dir() {
            let folder = self.job(job);
            fs::create_dir_all(&folder).map_err(Error::io("creating", &folder))?;
        }
        self.write(&path, &to_json(&path, failure)?)
    }

    /// Forgets why a job failed, as it is tried again.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn clear_failure(&self, job: &Job) -> Result<()> {
        let path = self.failure_file(job);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("removing", &path)(error))
            }
            _ => Ok(()),
        }
    }

    fn failure_file(&self, job: &Job) -> PathBuf {
        self.job(job).join("failure.json")
    }
}
