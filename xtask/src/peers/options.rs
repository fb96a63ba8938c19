//! The options of `bench peers`, and which programs they ask for.

use std::path::PathBuf;

use crate::failure::{Failure, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Train,
    Infer,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Mode::Train => "train",
            Mode::Infer => "infer",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) model: String,
    pub(crate) mode: Mode,
    pub(crate) batch: usize,
    pub(crate) threads: usize,
    pub(crate) rounds: usize,
    /// Steps a round; 0: as many as take about a second.
    pub(crate) steps: usize,
    /// Frameworks by name; empty: all that fit the mode.
    pub(crate) peers: Vec<String>,
    pub(crate) record: bool,
    pub(crate) venv: Option<PathBuf>,
    /// The command line, for the record.
    pub(crate) command: String,
}

/// One setting of one framework.
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) file: &'static str,
    pub(crate) arguments: Vec<&'static str>,
}

const FRAMEWORKS: [&str; 4] = ["pytorch", "keras", "onnxruntime", "openvino"];

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Options {
            model: "cnn".to_owned(),
            mode: Mode::Train,
            batch: 64,
            threads: 2,
            rounds: 5,
            steps: 0,
            peers: Vec::new(),
            record: false,
            venv: None,
            command: format!("cargo xtask bench peers {}", arguments.join(" "))
                .trim_end()
                .to_owned(),
        };
        // Both `--option value` and `--option=value`.
        let mut words = arguments
            .iter()
            .flat_map(|word| match word.split_once('=') {
                Some((option, value)) if option.starts_with("--") => {
                    vec![option.to_owned(), value.to_owned()]
                }
                _ => vec![word.clone()],
            });
        while let Some(option) = words.next() {
            if option == "--record" {
                options.record = true;
                continue;
            }
            let mut value = || {
                words
                    .next()
                    .ok_or_else(|| Failure::usage(format!("{option} needs a value")))
            };
            match option.as_str() {
                "--model" => options.model = value()?,
                "--mode" => {
                    let name = one_of(&option, value()?, &["train", "infer"])?;
                    options.mode = if name == "train" {
                        Mode::Train
                    } else {
                        Mode::Infer
                    };
                }
                "--batch" => options.batch = positive(&option, &value()?)?,
                "--threads" => options.threads = positive(&option, &value()?)?,
                "--rounds" => options.rounds = positive(&option, &value()?)?,
                "--steps" => options.steps = positive(&option, &value()?)?,
                "--peers" => {
                    for name in value()?.split(',') {
                        options
                            .peers
                            .push(one_of(&option, name.to_owned(), &FRAMEWORKS)?);
                    }
                }
                "--venv" => options.venv = Some(value()?.into()),
                _ => {
                    return Err(Failure::usage(format!(
                        "bench peers does not know `{option}`"
                    )));
                }
            }
        }
        if options.scripts().is_empty() {
            return Err(Failure::usage(
                "ONNX Runtime and OpenVINO do not train: add --mode infer, or other peers",
            ));
        }
        Ok(options)
    }

    /// The programs to measure.
    pub(crate) fn scripts(&self) -> Vec<Script> {
        let script = |name: &str, file, arguments| Script {
            name: name.to_owned(),
            file,
            arguments,
        };
        let mut scripts = Vec::new();
        if self.wants("pytorch") {
            for layout in ["default", "channels_last"] {
                for (compile, how) in [("0", "eager"), ("1", "compiled")] {
                    let name = format!("pytorch {layout} {how}");
                    scripts.push(script(
                        &name,
                        "pytorch_step.py",
                        vec!["--layout", layout, "--compile", compile],
                    ));
                }
            }
        }
        if self.wants("keras") {
            scripts.push(script("keras", "keras_step.py", vec![]));
        }
        if self.mode == Mode::Infer {
            if self.wants("onnxruntime") {
                scripts.push(script("onnxruntime", "infer_onnx.py", vec![]));
            }
            if self.wants("openvino") {
                for hint in ["latency", "throughput"] {
                    scripts.push(script(
                        &format!("openvino {hint}"),
                        "infer_openvino.py",
                        vec!["--hint", hint],
                    ));
                }
            }
        }
        scripts
    }

    /// The arguments that all programs understand.
    pub(crate) fn common_arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = vec!["--model".into(), self.model.clone()];
        arguments.extend(["--mode".into(), self.mode.name().into()]);
        arguments.extend(["--batch".into(), self.batch.to_string()]);
        arguments.extend(["--threads".into(), self.threads.to_string()]);
        if self.steps > 0 {
            arguments.extend(["--steps".into(), self.steps.to_string()]);
        }
        arguments
    }

    fn wants(&self, framework: &str) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|name| name == framework)
    }
}

fn one_of(option: &str, value: String, choices: &[&str]) -> Result<String> {
    if choices.contains(&value.as_str()) {
        return Ok(value);
    }
    Err(Failure::usage(format!(
        "{option} {value}: it must be one of {}",
        choices.join(", ")
    )))
}

fn positive(option: &str, value: &str) -> Result<usize> {
    match value.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(Failure::usage(format!(
            "{option} {value}: it must be a whole number above 0"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, Options};
    use crate::failure::Failure;

    fn parse(line: &str) -> Result<Options, Failure> {
        Options::parse(
            &line
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn reads_options_in_both_spellings() {
        let options =
            parse("--mode infer --batch=256 --rounds 7 --peers openvino,pytorch --record").unwrap();
        assert_eq!(
            (options.mode, options.batch, options.rounds),
            (Mode::Infer, 256, 7)
        );
        assert!(options.record);
        let names: Vec<String> = options.scripts().into_iter().map(|s| s.name).collect();
        assert_eq!(names.len(), 6, "{names:?}");
        assert_eq!(names[1], "pytorch default compiled");
    }

    #[test]
    fn training_leaves_out_the_inference_engines() {
        assert_eq!(parse("").unwrap().scripts().len(), 5);
        assert!(matches!(
            parse("--peers onnxruntime"),
            Err(Failure::Usage(_))
        ));
    }

    #[test]
    fn wrong_usage_is_named() {
        for line in [
            "--batch",
            "--batch 0",
            "--batch x",
            "--mode sleep",
            "--fast",
            "--peers jax",
        ] {
            assert!(matches!(parse(line), Err(Failure::Usage(_))), "{line}");
        }
    }
}
