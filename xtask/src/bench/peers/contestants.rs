//! The programs that take turns: Taper, started anew for every round, and the peers, which are
//! kept running (compiling a network can take a minute) and time one chunk for every line sent.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::scripts::Script;
use super::venv;
use crate::bench::json::{number_field, text_field};
use crate::bench::options::Options;
use crate::failure::{Context, Failure, Result};
use crate::launch::build_taper;

/// A measurement by `taper bench`.
pub(in crate::bench) struct Taper {
    program: PathBuf,
    arguments: Vec<String>,
    environment: &'static [(&'static str, &'static str)],
}

impl Taper {
    /// `taper bench step` with so many threads.
    pub(in crate::bench) fn step(options: &Options, threads: usize) -> Result<Self> {
        let options = Options {
            threads,
            ..options.clone()
        };
        let mut arguments = vec!["bench".to_owned(), "step".to_owned()];
        arguments.extend(options.step_arguments());
        arguments.extend(["--chunks".to_owned(), "1".to_owned(), "--json".to_owned()]);
        Ok(Taper {
            program: build_taper()?,
            arguments,
            environment: options.environment(),
        })
    }

    /// Images per second.
    pub(in crate::bench) fn measure(&self) -> Result<f64> {
        let output = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().copied())
            .stderr(Stdio::inherit())
            .output()
            .context(format!("start {}", self.program.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = self.arguments.join(" ");
        if !output.status.success() {
            return Err(Failure::failed(format!(
                "taper {line} failed: {}",
                output.status
            )));
        }
        number_field(&text, "images_per_second").ok_or_else(|| {
            Failure::failed(format!(
                "taper {line} printed no images_per_second:\n{text}"
            ))
        })
    }
}

/// A running script.
pub(in crate::bench) struct Peer {
    pub(in crate::bench) name: String,
    pub(in crate::bench) version: String,
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts the script and waits until it is warm. An `Err` says why it cannot take part.
    pub(super) fn start(
        mut command: Command,
        script: &Script,
        options: &Options,
        arguments: &[String],
    ) -> Result<Self, String> {
        let (log, log_path) =
            venv::log(&script.name).map_err(|error| format!("its log: {error}"))?;
        let mut process = command
            .args(arguments)
            .args(["--on-demand", "--json"])
            .env("RAYON_NUM_THREADS", options.threads.to_string())
            .envs(options.environment().iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut peer = Peer {
            name: script.name.clone(),
            version: String::new(),
            process,
            orders,
            answers,
        };
        let ready = peer
            .answer("\"ready\"")
            .map_err(|_| format!("it ended before it was ready; see {}", log_path.display()))?;
        peer.version = text_field(&ready, "version").unwrap_or_default();
        Ok(peer)
    }

    /// One chunk's figure under `key`.
    pub(in crate::bench) fn measure(&mut self, key: &str) -> Result<f64> {
        let orders = self.orders.as_mut().expect("kept until drop");
        orders
            .write_all(b"\n")
            .and_then(|()| orders.flush())
            .context(&self.name)?;
        let line = self.answer(key)?;
        number_field(&line, key)
            .ok_or_else(|| Failure::failed(format!("{}: cannot read {line}", self.name)))
    }

    /// The next line with `mark` in it (frameworks print lines of their own).
    fn answer(&mut self, mark: &str) -> Result<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.answers.read_line(&mut line).context(&self.name)? == 0 {
                return Err(Failure::failed(format!("{} ended too early", self.name)));
            }
            if line.contains(mark) {
                return Ok(line);
            }
        }
    }
}

impl Drop for Peer {
    /// The end of its input ends the script; waiting leaves no process behind.
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}
