//! `taper report`: the page of a run, again.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Done;
use crate::console::{complain, say};
use crate::report;
use crate::run::{Answers, RunFolder};

#[derive(Args)]
pub(super) struct Report {
    /// Folder of a run
    #[arg(value_name = "RUN_DIR")]
    run: PathBuf,
}

impl Report {
    pub(super) fn run(&self) -> Done {
        let (folder, _) = RunFolder::open(&self.run)?;
        let run = folder.read()?;
        let page = report::write_page(&folder, &run)?;
        say(page.display().to_string());
        let mut whole = true;
        for job in &run.jobs {
            if let Some(failure) = job.failure.as_ref().filter(|failure| failure.unreadable) {
                complain(format!("error: {}: {failure}", job.job));
                whole = false;
            }
            if let Answers::Unreadable(message) = &job.answers {
                complain(format!("error: {}: {message}", job.job));
                whole = false;
            }
        }
        Ok(if whole {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
