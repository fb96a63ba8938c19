//! How `taper train` ends: results first, then what failed, then how to go on, and the exit code.

use std::process::ExitCode;
use std::time::Duration;

use super::table;
use crate::console::{complain, say};
use crate::figures::{duration, megabytes};
use crate::run::{Outcome, RunData, RunFolder, Summary};
use crate::study::Job;
use crate::{Error, Result, report};

/// What is known when all jobs have ended.
pub(super) struct Ending<'a> {
    pub(super) outcomes: &'a [(Job, Result<Outcome>)],
    pub(super) run: &'a RunData,
    pub(super) folder: &'a RunFolder,
    pub(super) elapsed: Duration,
    /// The command that goes on with the run.
    pub(super) resume: String,
    /// The exit code, if a signal asked to stop.
    pub(super) interrupted: Option<u8>,
}

impl Ending<'_> {
    /// Writes summary and report, prints everything, and gives the exit code: 128 + the signal's number if one kept a
    /// training from being finished and nothing was lost, 1 if anything failed.
    pub(super) fn tell(&self) -> ExitCode {
        let summary = Summary::of(self.run);
        say(format!("\n{}", table::comparison(&summary)));
        let evidence = table::evidence(&summary);
        if !evidence.is_empty() {
            say(evidence);
        }
        let memory = self.run.environment.peak_memory;
        let memory = memory.map_or_else(String::new, |bytes| {
            format!(", peak memory {}", megabytes(bytes))
        });
        say(format!("{}{memory}", duration(self.elapsed)));
        let written = self.write(&summary);
        let failed = self.failed();
        if !failed.is_empty() {
            complain(format!(
                "error: {} of {} trainings failed\n{}",
                failed.len(),
                self.outcomes.len(),
                failed.join("\n")
            ));
        }
        let stopped = self.stopped();
        if stopped {
            say(format!(
                "\ninterrupted; to go on where it stopped:\n    {}",
                self.resume
            ));
        } else if !failed.is_empty() {
            say(format!(
                "\nto try again what failed, from its last checkpoint:\n    {}",
                self.resume
            ));
        }
        match self.interrupted {
            Some(code) if stopped && !self.lost() => ExitCode::from(code),
            _ if written && failed.is_empty() && !stopped => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }

    /// Whether summary and report could be written; what could not is told.
    fn write(&self, summary: &Summary) -> bool {
        let summary = self.folder.save_summary(summary);
        let page = report::write_page(self.folder, self.run);
        if let Ok(page) = &page {
            say(format!("report: {}", page.display()));
        }
        let faults = [summary.err(), page.err()];
        for fault in faults.iter().flatten() {
            complain(format!("error: {fault}"));
        }
        faults.iter().all(Option::is_none)
    }

    /// Whether a training ended early because it was asked to.
    fn stopped(&self) -> bool {
        let stopped = |outcome: &Result<Outcome>| matches!(outcome, Ok(Outcome::Stopped));
        self.outcomes.iter().any(|(_, outcome)| stopped(outcome))
    }

    fn failed(&self) -> Vec<String> {
        let failed = self.outcomes.iter().filter_map(|(job, outcome)| {
            let error = outcome.as_ref().err()?;
            Some(format!("{job}: {error}"))
        });
        failed.collect()
    }

    /// Whether a training failed because it could not write: then what was to be saved may not be there.
    fn lost(&self) -> bool {
        use taper_train::Error as Train;
        let lost = |error: &Error| {
            matches!(
                error,
                Error::Io { .. }
                    | Error::Checkpoint(_)
                    | Error::Train(Train::Checkpoint(_) | Train::Other(_))
            )
        };
        let errors = self.outcomes.iter();
        errors
            .filter_map(|(_, outcome)| outcome.as_ref().err())
            .any(lost)
    }
}
