//! Taper as one of the programs that take turns: this very program, started anew for every measurement.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};

use crate::json::number;
use crate::launch::root;
use crate::options::Options;

/// A measurement of Taper's own, in a process of its own.
pub(crate) struct Taper {
    program: PathBuf,
    arguments: Vec<String>,
    environment: &'static [(&'static str, &'static str)],
    /// The field of its answer that counts.
    figure: &'static str,
}

impl Taper {
    /// A step on so many threads: images per second.
    pub(crate) fn step(options: &Options, threads: usize) -> Result<Self> {
        let options = Options {
            threads,
            ..options.clone()
        };
        let mut arguments = vec!["step".to_owned()];
        arguments.extend(options.step_arguments());
        arguments.extend(["--chunks".to_owned(), "1".to_owned(), "--json".to_owned()]);
        Ok(Taper {
            program: this_program()?,
            arguments,
            environment: options.environment(),
            figure: "images_per_second",
        })
    }

    /// Training and validation of the study without anything else, all variants: seconds.
    pub(crate) fn epoch(arguments: Vec<String>) -> Result<Self> {
        let mut words = vec!["epoch".to_owned(), "--json".to_owned()];
        words.extend(arguments);
        Ok(Taper {
            program: this_program()?,
            arguments: words,
            environment: &[],
            figure: "seconds",
        })
    }

    /// Runs it; its figure.
    pub(crate) fn measure(&self) -> Result<f64> {
        let output = Command::new(&self.program)
            .current_dir(root())
            .args(&self.arguments)
            .envs(self.environment.iter().copied())
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("start {}", self.program.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = self.arguments.join(" ");
        if !output.status.success() {
            bail!("bench {line} failed: {}\n{text}", output.status);
        }
        let figure = self.figure;
        number(&text, figure).ok_or_else(|| anyhow!("bench {line} printed no {figure}:\n{text}"))
    }
}

/// The path of this very program.
pub(crate) fn this_program() -> Result<PathBuf> {
    let path = std::env::current_exe().context("find this program")?;
    // Where the file was replaced while this process ran, Linux says so behind the name.
    let name = path.to_string_lossy();
    Ok(match name.strip_suffix(" (deleted)") {
        Some(name) if !path.exists() => Path::new(name).to_owned(),
        _ => path,
    })
}
