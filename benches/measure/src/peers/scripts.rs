//! Which programs the options ask for, and how they come to be: a Python environment, a cargo build.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::venv;
use crate::launch::{build, cargo, root};
use crate::mode::Mode;
use crate::options::Options;
use crate::usage::wrong;

/// One setting of one framework.
pub(crate) struct Script {
    pub(crate) name: String,
    program: Program,
    arguments: Vec<&'static str>,
}

#[derive(Clone, Copy)]
enum Program {
    /// A file in `benches/peers`.
    Python(&'static str),
    /// A framework in `benches/peers/rust`: its feature there, and the first half of its program's name.
    Rust(&'static str),
}

impl Script {
    pub(crate) fn python(name: &str, file: &'static str, arguments: &[&'static str]) -> Self {
        Script {
            name: name.to_owned(),
            program: Program::Python(file),
            arguments: arguments.to_vec(),
        }
    }

    fn rust(name: &str, framework: &'static str, arguments: &[&'static str]) -> Self {
        Script {
            name: name.to_owned(),
            program: Program::Rust(framework),
            arguments: arguments.to_vec(),
        }
    }
}

/// The programs to measure.
pub(crate) fn of(options: &Options) -> Result<Vec<Script>> {
    let mut scripts = Vec::new();
    if options.wants("pytorch") {
        for layout in ["default", "channels_last"] {
            for (compile, how) in [("0", "eager"), ("1", "compiled")] {
                let name = format!("pytorch {layout} {how}");
                let arguments = ["--layout", layout, "--compile", compile];
                scripts.push(Script::python(&name, "pytorch_step.py", &arguments));
            }
        }
    }
    if options.wants("jax") {
        scripts.push(Script::python("jax", "jax_step.py", &[]));
    }
    if options.wants("keras") && !options.latency {
        for (compile, how) in [("0", "graph"), ("1", "jit_compile")] {
            let name = format!("keras {how}");
            let arguments = ["--compile", compile];
            scripts.push(Script::python(&name, "keras_step.py", &arguments));
        }
    }
    if options.mode == Mode::Infer {
        if options.wants("onnxruntime") {
            scripts.push(Script::python("onnxruntime", "infer_onnx.py", &[]));
        }
        if options.wants("openvino") {
            // Several requests at once have no latency of their own.
            let hints: &[&'static str] = if options.latency {
                &["latency"]
            } else {
                &["latency", "throughput"]
            };
            for &hint in hints {
                let name = format!("openvino {hint}");
                scripts.push(Script::python(
                    &name,
                    "infer_openvino.py",
                    &["--hint", hint],
                ));
            }
        }
    }
    // Compiled for this machine's instructions, and written for one network only: when they are not
    // asked for by name, they take part where they can.
    let rust = !options.peers.is_empty() || (options.model == "cnn" && options.simd.is_none());
    if rust && options.wants("burn") {
        for backend in ["flex", "ndarray"] {
            scripts.push(Script::rust(
                &format!("burn {backend}"),
                "burn",
                &["--backend", backend],
            ));
        }
    }
    if rust && options.wants("candle") {
        scripts.push(Script::rust("candle", "candle", &[]));
    }
    refuse(options)?;
    if scripts.is_empty() {
        return Err(wrong(
            "ONNX Runtime and OpenVINO do not train: add --mode infer, or other peers",
        ));
    }
    Ok(scripts)
}

/// What would not measure what it says.
fn refuse(options: &Options) -> Result<()> {
    let named = |framework: &str| options.peers.iter().any(|name| name == framework);
    let message = if options.latency && options.mode == Mode::Train {
        "--latency is for inference: add --mode infer"
    } else if options.latency && named("keras") {
        "keras has no measurement with --latency"
    } else if options.simd.is_some() && (named("burn") || named("candle")) {
        "burn and candle cannot be held to an instruction set"
    } else {
        return Ok(());
    };
    Err(wrong(message))
}

/// Makes what the scripts run on, once each.
pub(crate) struct Programs<'a> {
    venv: Option<&'a Path>,
    python: Option<PathBuf>,
}

impl<'a> Programs<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        Programs {
            venv: options.venv.as_deref(),
            python: None,
        }
    }

    /// The command that runs a script, without what all of them understand.
    pub(crate) fn command(&mut self, script: &Script) -> Result<Command> {
        let mut command = match script.program {
            Program::Python(file) => {
                let python = match &self.python {
                    Some(python) => python.clone(),
                    None => self.python.insert(venv::python(self.venv)?).clone(),
                };
                let mut command = Command::new(python);
                command.arg(root().join("benches/peers").join(file));
                command
            }
            Program::Rust(framework) => Command::new(rust(framework)?),
        };
        command.args(&script.arguments);
        Ok(command)
    }
}

/// Builds a framework's program in its own project (so that cargo reads the settings there).
fn rust(framework: &str) -> Result<PathBuf> {
    let name = format!("{framework}_step");
    let mut command = cargo();
    command
        .current_dir(root().join("benches/peers/rust"))
        .args([
            "build",
            "--release",
            "--locked",
            "--features",
            framework,
            "--bin",
            &name,
        ]);
    build(&name, &mut command)
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::options::{Options, PEERS};
    use crate::usage::is_usage;

    fn names(line: &str) -> anyhow::Result<Vec<String>> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let options = Options::parse("peers", PEERS, "", &words)?;
        Ok(of(&options)?
            .into_iter()
            .map(|script| script.name)
            .collect())
    }

    #[test]
    fn every_setting_takes_part() {
        let names = |line: &str| names(line).unwrap();
        assert_eq!(names("--peers pytorch")[1], "pytorch default compiled");
        assert_eq!(
            names("--peers openvino --mode infer"),
            ["openvino latency", "openvino throughput"]
        );
        assert_eq!(
            names("--peers openvino --mode infer --latency"),
            ["openvino latency"]
        );
        assert_eq!(
            names("--peers burn,candle"),
            ["burn flex", "burn ndarray", "candle"]
        );
        assert_eq!(
            names("--peers jax,keras"),
            ["jax", "keras graph", "keras jit_compile"]
        );
        assert_eq!(names("").len(), 10);
        assert_eq!(names("--model vgg").len(), 7, "burn and candle have no vgg");
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        for line in [
            "--peers onnxruntime",
            "--latency",
            "--latency --mode infer --peers keras",
            "--simd avx2 --peers burn",
        ] {
            assert!(names(line).is_err_and(|error| is_usage(&error)), "{line}");
        }
    }
}
