//! Running a study: independent jobs, a folder that survives a crash, figures at the end.
//!
//! [`run_all`] hands jobs out, [`run_job`] is one training, [`RunFolder`] keeps what it leaves behind, and
//! [`Summary`] makes figures of it.

mod data;
mod environment;
mod evidence;
mod failure;
mod failure_file;
mod folder;
mod going_on;
mod job;
mod npy;
mod predictions;
mod predictions_file;
mod recorded;
mod result;
mod schedule;
mod settings;
mod summary;

pub use data::{StudyData, open};
pub use environment::{Environment, peak_memory};
pub use evidence::{Accuracy, Count, Difference, Evidence, Scope, Silence, VariantEvidence};
pub use failure::JobFailure;
pub use folder::{RunFolder, RunLock};
pub use job::{Context, JobEvent, Listener, Outcome, run_job};
pub use predictions::{Answers, Predictions};
pub use recorded::{JobData, RunData};
pub use result::{JobResult, Mistake};
pub use schedule::{check, run_all};
pub use settings::Change;
pub use summary::{Figures, Stat, Summary, VariantSummary, curve, diverged, reference};
