//! `taper bench start`: from the start of a process to its first prediction.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::bench::spread;
use super::{Done, positive, say};

#[derive(Args)]
pub(super) struct Start {
    /// A checkpoint
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// A PNG picture
    #[arg(value_name = "IMAGE.png")]
    image: PathBuf,
    /// Processes to start, of which the median counts
    #[arg(long, value_name = "N", default_value = "50", value_parser = positive)]
    starts: usize,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

impl Start {
    /// Runs `taper predict` again and again, and times each from start to end.
    pub(super) fn run(&self) -> Done {
        self.once()?; // the files are in the system's cache from here on
        let milliseconds = (0..self.starts)
            .map(|_| self.once())
            .collect::<anyhow::Result<Vec<f64>>>()?;
        let (lowest, median, highest) = spread(&milliseconds);
        say(if self.json {
            let version = env!("CARGO_PKG_VERSION");
            let line = json!({"peer": "taper", "version": version, "starts": self.starts, "milliseconds": median,
                "lowest": lowest, "highest": highest});
            line.to_string()
        } else {
            format!(
                "{median:.1} ms from process start to the end of `taper predict` (lowest {lowest:.1}, highest {highest:.1}, {} starts)",
                self.starts
            )
        })?;
        Ok(ExitCode::SUCCESS)
    }

    fn once(&self) -> anyhow::Result<f64> {
        let program = std::env::current_exe().context("this program's own file")?;
        let mut command = Command::new(program);
        command.arg("predict").arg("--no-picture");
        command.arg("--").arg(&self.checkpoint).arg(&self.image);
        command.stdout(Stdio::null());
        let started = Instant::now();
        let status = command.status().context("taper predict")?;
        let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
        anyhow::ensure!(status.success(), "taper predict has failed: {status}");
        Ok(milliseconds)
    }
}
