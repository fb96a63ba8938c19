//! `taper report`: the page of a run, again.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Done, say};
use crate::report;
use crate::run::RunFolder;

#[derive(Args)]
pub(super) struct Report {
    /// Folder of a run
    #[arg(value_name = "RUN_DIR")]
    run: PathBuf,
}

impl Report {
    pub(super) fn run(&self) -> Done {
        let (folder, _) = RunFolder::open(&self.run)?;
        let page = report::write(&folder)?;
        say(page.display().to_string())?;
        Ok(ExitCode::SUCCESS)
    }
}
