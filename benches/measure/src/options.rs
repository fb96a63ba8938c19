//! The options of all measurements: one set, of which each command understands a part.

use std::path::PathBuf;

use anyhow::Result;

use crate::mode::Mode;
use crate::usage::wrong;

/// What a measurement is to do.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) model: String,
    pub(crate) mode: Mode,
    pub(crate) batch: usize,
    pub(crate) threads: usize,
    pub(crate) rounds: usize,
    /// Steps a round; 0: as many as take about a second.
    pub(crate) steps: usize,
    /// Time every step by itself; a round's figure is the median.
    pub(crate) latency: bool,
    /// The instruction set that Taper and PyTorch are held to.
    pub(crate) simd: Option<String>,
    /// Frameworks by name; empty: all that fit the mode.
    pub(crate) peers: Vec<String>,
    /// Images to train on; all when absent.
    pub(crate) train_size: Option<usize>,
    pub(crate) checkpoint: Option<PathBuf>,
    pub(crate) record: bool,
    pub(crate) venv: Option<PathBuf>,
    /// Measures by name; empty: all.
    pub(crate) only: Vec<String>,
    /// The command line, for the record.
    pub(crate) command: String,
}

/// What `bench peers` understands.
pub(crate) const PEERS: &[&str] = &[
    "--model",
    "--mode",
    "--batch",
    "--threads",
    "--steps",
    "--latency",
    "--simd",
    "--peers",
    "--venv",
];

/// What `bench all` understands.
pub(crate) const ALL: &[&str] = &[
    "--only",
    "--threads",
    "--train-size",
    "--venv",
    "--checkpoint",
];

pub(crate) const FRAMEWORKS: [&str; 6] = [
    "pytorch",
    "keras",
    "onnxruntime",
    "openvino",
    "burn",
    "candle",
];

/// The networks that Taper and its peers both have.
const NETS: [&str; 4] = ["cnn", "lenet5", "mlp", "vgg"];

impl Options {
    /// The options of one measure: its own settings, then the command line.
    pub(crate) fn of(
        name: &str,
        rounds: usize,
        settings: &[String],
        understood: &[&str],
        arguments: &[String],
    ) -> Result<Self> {
        let mut options = Options::parse(name, understood, &[])?;
        options.rounds = rounds;
        options.read(name, None, settings)?;
        options.read(name, Some(understood), arguments)?;
        options.command = command(name, arguments);
        Ok(options)
    }

    /// Reads the words after `bench <name>`; `--rounds` and `--record` belong to all.
    pub(crate) fn parse(name: &str, understood: &[&str], arguments: &[String]) -> Result<Self> {
        let mut options = Options {
            model: "cnn".to_owned(),
            mode: Mode::Train,
            batch: 64,
            threads: 2,
            rounds: 5,
            steps: 0,
            latency: false,
            simd: None,
            peers: Vec::new(),
            train_size: None,
            checkpoint: None,
            record: false,
            venv: None,
            only: Vec::new(),
            command: command(name, arguments),
        };
        options.read(name, Some(understood), arguments)?;
        Ok(options)
    }

    fn read(
        &mut self,
        name: &str,
        understood: Option<&[&str]>,
        arguments: &[String],
    ) -> Result<()> {
        let mut words = split(arguments);
        while let Some(option) = words.next() {
            let common = ["--rounds", "--record"].contains(&option.as_str());
            if !common && understood.is_some_and(|options| !options.contains(&option.as_str())) {
                return Err(wrong(format!("bench {name} does not know `{option}`")));
            }
            let mut value = || {
                let missing = || wrong(format!("{option} needs a value"));
                words.next().ok_or_else(missing)
            };
            match option.as_str() {
                "--record" => self.record = true,
                "--latency" => self.latency = true,
                "--model" => self.model = one_of(&option, &value()?, &NETS)?,
                "--mode" => {
                    let training = one_of(&option, &value()?, &["train", "infer"])? == "train";
                    self.mode = if training { Mode::Train } else { Mode::Infer };
                }
                "--batch" => self.batch = positive(&option, &value()?)?,
                "--threads" => self.threads = positive(&option, &value()?)?,
                "--rounds" => self.rounds = positive(&option, &value()?)?,
                "--steps" => self.steps = positive(&option, &value()?)?,
                "--train-size" => self.train_size = Some(positive(&option, &value()?)?),
                "--simd" => self.simd = Some(one_of(&option, &value()?, &["avx2"])?),
                "--peers" => {
                    let names = value()?;
                    let names = names
                        .split(',')
                        .map(|name| one_of(&option, name, &FRAMEWORKS));
                    self.peers = names.collect::<Result<_>>()?;
                }
                "--only" => {
                    let names = value()?;
                    self.only = names.split(',').map(str::to_owned).collect();
                }
                "--checkpoint" => self.checkpoint = Some(value()?.into()),
                "--venv" => self.venv = Some(value()?.into()),
                _ => {
                    return Err(wrong(format!("bench {name} does not know `{option}`")));
                }
            }
        }
        Ok(())
    }

    /// The arguments of a step that all programs understand.
    pub(crate) fn step_arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = vec!["--model".into(), self.model.clone()];
        arguments.extend(["--mode".into(), self.mode.name().into()]);
        arguments.extend(["--batch".into(), self.batch.to_string()]);
        arguments.extend(["--threads".into(), self.threads.to_string()]);
        if self.steps > 0 {
            arguments.extend(["--steps".into(), self.steps.to_string()]);
        }
        if self.latency {
            arguments.push("--latency".into());
        }
        arguments
    }

    /// The variables that hold Taper and PyTorch (and whatever else uses oneDNN) to an instruction set.
    pub(crate) fn environment(&self) -> &'static [(&'static str, &'static str)] {
        match self.simd.as_deref() {
            Some("avx2") => &[
                ("TAPER_SIMD", "avx2"),
                ("ATEN_CPU_CAPABILITY", "avx2"),
                ("ONEDNN_MAX_CPU_ISA", "AVX2"),
                ("MKL_ENABLE_INSTRUCTIONS", "AVX2"),
            ],
            _ => &[],
        }
    }

    pub(crate) fn wants(&self, framework: &str) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|name| name == framework)
    }
}

/// The command as others can repeat it: `--venv` names a folder of this machine, which says nothing elsewhere.
fn command(name: &str, arguments: &[String]) -> String {
    let mut line = format!("cargo xtask bench {name}");
    let mut words = split(arguments);
    while let Some(word) = words.next() {
        if word == "--venv" {
            words.next();
        } else {
            line = line + " " + &word;
        }
    }
    line
}

/// Both `--option value` and `--option=value`.
pub(crate) fn split(arguments: &[String]) -> impl Iterator<Item = String> {
    arguments
        .iter()
        .flat_map(|word| match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => {
                vec![option.to_owned(), value.to_owned()]
            }
            _ => vec![word.clone()],
        })
}

fn one_of(option: &str, value: &str, choices: &[&str]) -> Result<String> {
    if choices.contains(&value) {
        return Ok(value.to_owned());
    }
    let choices = choices.join(", ");
    Err(wrong(format!(
        "{option} {value}: it must be one of {choices}"
    )))
}

fn positive(option: &str, value: &str) -> Result<usize> {
    match value.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(wrong(format!(
            "{option} {value}: it must be a whole number above 0"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, PEERS};
    use crate::mode::Mode;
    use crate::usage::Usage;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn parse(line: &str) -> anyhow::Result<Options> {
        Options::parse("peers", PEERS, &words(line))
    }

    #[test]
    fn reads_options_in_both_spellings() {
        let options =
            parse("--mode infer --batch=256 --rounds 7 --latency --peers openvino,burn --record")
                .unwrap();
        assert_eq!(
            (options.mode, options.batch, options.rounds),
            (Mode::Infer, 256, 7)
        );
        assert!(options.record && options.latency);
        assert!(options.wants("burn") && !options.wants("pytorch"));
        assert!(
            options
                .step_arguments()
                .ends_with(&["--latency".to_owned()])
        );
    }

    #[test]
    fn wrong_usage_is_named() {
        for line in [
            "--batch",
            "--batch 0",
            "--batch x",
            "--mode sleep",
            "--model resnet",
            "--simd sse2",
            "--fast",
            "--peers jax",
            "--train-size 5",
        ] {
            assert!(
                parse(line).is_err_and(|error| error.is::<Usage>()),
                "{line}"
            );
        }
    }

    #[test]
    fn holding_to_an_instruction_set_reaches_taper_and_pytorch() {
        assert!(parse("").unwrap().environment().is_empty());
        let options = parse("--simd avx2").unwrap();
        let names: Vec<&str> = options
            .environment()
            .iter()
            .map(|(name, _)| *name)
            .collect();
        assert!(names.contains(&"TAPER_SIMD") && names.contains(&"ATEN_CPU_CAPABILITY"));
    }
}
