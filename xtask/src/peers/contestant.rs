//! The programs that take turns: Taper, started anew for every round, and the peers, which are
//! kept running (compiling a network can take a minute) and time one chunk for every line sent.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::options::{Options, Script};
use super::venv;
use crate::failure::{Context, Failure, Result};
use crate::launch::root;

pub(crate) struct Taper {
    program: PathBuf,
    arguments: Vec<String>,
}

impl Taper {
    pub(crate) fn new(program: PathBuf, options: &Options) -> Self {
        let mut arguments = vec!["bench".to_owned(), "step".to_owned()];
        arguments.extend(options.common_arguments());
        arguments.push("--json".to_owned());
        Taper { program, arguments }
    }

    /// Images per second.
    pub(crate) fn measure(&self) -> Result<f64> {
        let output = Command::new(&self.program)
            .args(&self.arguments)
            .stderr(Stdio::inherit())
            .output()
            .context(format!("start {}", self.program.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(Failure::failed(format!(
                "taper {} failed: {}",
                self.arguments.join(" "),
                output.status
            )));
        }
        number_field(&text, "images_per_second").ok_or_else(|| {
            Failure::failed(format!(
                "taper {} printed no images_per_second:\n{text}",
                self.arguments.join(" ")
            ))
        })
    }
}

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
    pub(crate) fn start(python: &Path, script: &Script, options: &Options) -> Result<Self, String> {
        let log_path = venv::log_folder().join(format!("{}.log", script.name.replace(' ', "-")));
        let log =
            File::create(&log_path).map_err(|error| format!("{}: {error}", log_path.display()))?;
        let mut process = Command::new(python)
            .arg(root().join("benches/peers").join(script.file))
            .args(options.common_arguments())
            .args(&script.arguments)
            .args(["--on-demand", "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{}: {error}", python.display()))?;
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut peer = Peer {
            name: script.name.clone(),
            version: String::new(),
            process,
            orders,
            answers,
        };
        let ready = peer.answer("\"ready\"");
        let ready = ready
            .map_err(|_| format!("it ended before it was ready; see {}", log_path.display()))?;
        peer.version = text_field(&ready, "version").unwrap_or_default();
        Ok(peer)
    }

    /// Images per second in one chunk.
    pub(crate) fn measure(&mut self) -> Result<f64> {
        let orders = self.orders.as_mut().expect("kept until drop");
        orders
            .write_all(b"\n")
            .and_then(|()| orders.flush())
            .context(&self.name)?;
        let line = self.answer("images_per_second")?;
        number_field(&line, "images_per_second")
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

/// The number under `key` in a JSON text that holds the key once.
fn number_field(text: &str, key: &str) -> Option<f64> {
    let rest = after_key(text, key)?;
    let end = rest.find([',', '}', '\n']).unwrap_or(rest.len());
    rest[..end]
        .trim()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number > 0.0)
}

/// The string (without escapes) under `key`.
fn text_field(text: &str, key: &str) -> Option<String> {
    let rest = after_key(text, key)?.strip_prefix('"')?;
    Some(rest[..rest.find('"')?].to_owned())
}

fn after_key<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let quoted = format!("\"{key}\"");
    let rest = text[text.find(&quoted)? + quoted.len()..].trim_start();
    Some(rest.strip_prefix(':')?.trim_start())
}

#[cfg(test)]
mod tests {
    use super::{number_field, text_field};

    #[test]
    fn reads_fields_of_json() {
        let line = r#"{"version": "2.15.0", "images_per_second": 1234.5, "steps":3}"#;
        assert_eq!(number_field(line, "images_per_second"), Some(1234.5));
        assert_eq!(number_field(line, "steps"), Some(3.0));
        assert_eq!(number_field(line, "version"), None);
        assert_eq!(number_field(r#"{"steps":NaN}"#, "steps"), None);
        assert_eq!(text_field(line, "version").as_deref(), Some("2.15.0"));
        assert_eq!(text_field(line, "absent"), None);
    }
}
