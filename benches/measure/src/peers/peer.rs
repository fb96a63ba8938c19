//! A peer in the running: kept alive between its turns (compiling a network can take a minute), it
//! times one chunk for every line sent.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};

use super::scripts::Script;
use super::venv;
use crate::json::{number, string};
use crate::options::Options;

/// A running script.
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) version: String,
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts the script and waits until it is warm. An `Err` says why it cannot take part.
    pub(crate) fn start(
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
        peer.version = string(&ready, "version").unwrap_or_default();
        Ok(peer)
    }

    /// One chunk's figure under `key`.
    pub(crate) fn measure(&mut self, key: &str) -> Result<f64> {
        let line = self.ask("", key)?;
        number(&line, key).ok_or_else(|| anyhow!("{}: cannot read {line}", self.name))
    }

    /// Sends a line; the next one with `mark` in it that comes back.
    pub(crate) fn ask(&mut self, order: &str, mark: &str) -> Result<String> {
        let orders = self.orders.as_mut().expect("kept until drop");
        orders
            .write_all(format!("{order}\n").as_bytes())
            .and_then(|()| orders.flush())
            .with_context(|| self.name.clone())?;
        self.answer(mark)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The next line with `mark` in it (frameworks print lines of their own).
    fn answer(&mut self, mark: &str) -> Result<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self
                .answers
                .read_line(&mut line)
                .with_context(|| self.name.clone())?
                == 0
            {
                bail!("{} ended too early", self.name);
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
