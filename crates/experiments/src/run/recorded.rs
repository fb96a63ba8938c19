//! What a run has recorded, read into memory: the folder gives it, figures and pages are made of it.

use taper_train::EpochRecord;

use super::{Answers, Change, Environment, JobFailure, JobResult};
use crate::study::{Job, Study};

/// Everything that a run has recorded so far.
#[derive(Clone, Debug)]
pub struct RunData {
    /// The study, overrides included.
    pub study: Study,
    /// Where and when it ran.
    pub environment: Environment,
    /// One a job, in the order of [`Study::jobs`].
    pub jobs: Vec<JobData>,
}

/// What one job has recorded so far.
#[derive(Clone, Debug)]
pub struct JobData {
    /// Which job.
    pub job: Job,
    /// One record an epoch, from 1 on.
    pub history: Vec<EpochRecord>,
    /// What is measured at the end; `None` while the job is not done.
    pub result: Option<JobResult>,
    /// Which images its network has right.
    pub answers: Answers,
    /// What was changed when the run was gone on with; what was after the last epoch has no part in the result.
    pub changes: Vec<Change>,
    /// Why it has none, if it failed when it was last tried.
    pub failure: Option<JobFailure>,
}
