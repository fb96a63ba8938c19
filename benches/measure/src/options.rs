//! The options of all measurements: one set, of which each command understands a part.

use std::path::PathBuf;

use anyhow::Result;
use clap::{ArgAction, Args, FromArgMatches};

use crate::mode::Mode;
use crate::usage::{positive, wrong};

/// What a measurement is to do.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[arg(long, default_value = "cnn", value_parser = NETS)]
    pub(crate) model: String,
    #[arg(long, value_enum, default_value = "train")]
    pub(crate) mode: Mode,
    #[arg(long, default_value = "64", value_parser = positive)]
    pub(crate) batch: usize,
    #[arg(long, default_value = "2", value_parser = positive)]
    pub(crate) threads: usize,
    #[arg(long, default_value = "5", value_parser = positive)]
    pub(crate) rounds: usize,
    /// Steps a round; when absent, as many as take about a second.
    #[arg(long, value_parser = positive)]
    pub(crate) steps: Option<usize>,
    /// Time every step by itself; a round's figure is the median.
    #[arg(long)]
    pub(crate) latency: bool,
    /// Measure everybody without turns as well.
    #[arg(long)]
    pub(crate) apart: bool,
    /// The instruction set that Taper and PyTorch are held to.
    #[arg(long, value_parser = ["avx2"])]
    pub(crate) simd: Option<String>,
    /// Frameworks by name; empty: all that fit the mode.
    #[arg(long, value_delimiter = ',', action = ArgAction::Set, value_parser = FRAMEWORKS)]
    pub(crate) peers: Vec<String>,
    /// Images to train on; all when absent.
    #[arg(long, value_parser = positive)]
    pub(crate) train_size: Option<usize>,
    #[arg(long)]
    pub(crate) checkpoint: Option<PathBuf>,
    #[arg(long)]
    pub(crate) record: bool,
    #[arg(long)]
    pub(crate) venv: Option<PathBuf>,
    /// Measures by name; empty: all.
    #[arg(long, value_delimiter = ',', action = ArgAction::Set)]
    pub(crate) only: Vec<String>,
    /// The command line, for the record.
    #[arg(skip)]
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
    "--apart",
    "--simd",
    "--peers",
    "--venv",
];

/// What `bench check` understands.
pub(crate) const CHECK: &[&str] = &["--venv"];

/// What `bench all` understands.
pub(crate) const ALL: &[&str] = &[
    "--only",
    "--threads",
    "--train-size",
    "--venv",
    "--checkpoint",
];

pub(crate) const FRAMEWORKS: [&str; 7] = [
    "pytorch",
    "jax",
    "keras",
    "onnxruntime",
    "openvino",
    "burn",
    "candle",
];

/// The networks that Taper and its peers both have.
pub(crate) const NETS: [&str; 11] = [
    "cnn",
    "lenet5",
    "mlp",
    "vgg",
    "tanh",
    "digits",
    "lstm",
    "gru",
    "separable",
    "resnet8",
    "transformer",
];

impl Options {
    /// Reads the words after `bench <name>`, which come after `settings`, the measure's own. `--rounds` and
    /// `--record` are understood by all.
    ///
    /// # Errors
    /// Wrong usage: an option that is not understood, or a value that makes no sense.
    pub(crate) fn parse(
        name: &str,
        understood: &[&str],
        settings: &str,
        arguments: &[String],
    ) -> Result<Self> {
        let known = |option: &str| {
            ["--rounds", "--record"].contains(&option) || understood.contains(&option)
        };
        if let Some(option) = split(arguments).find(|word| word.starts_with("--") && !known(word)) {
            return Err(wrong(format!("bench {name} does not know `{option}`")));
        }
        let settings = settings.split_whitespace().map(str::to_owned);
        let matches = Options::augment_args(clap::Command::new("bench"))
            .bin_name(format!("cargo xtask bench {name}"))
            .no_binary_name(true)
            .args_override_self(true)
            .try_get_matches_from(settings.chain(arguments.iter().cloned()))?;
        Ok(Options {
            command: command(name, arguments),
            ..Options::from_arg_matches(&matches)?
        })
    }

    /// The arguments of a step that all programs understand.
    pub(crate) fn step_arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = vec!["--model".into(), self.model.clone()];
        arguments.extend(["--mode".into(), self.mode.name().into()]);
        arguments.extend(["--batch".into(), self.batch.to_string()]);
        arguments.extend(["--threads".into(), self.threads.to_string()]);
        if let Some(steps) = self.steps {
            arguments.extend(["--steps".into(), steps.to_string()]);
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
pub(crate) fn command(name: &str, arguments: &[String]) -> String {
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

#[cfg(test)]
mod tests {
    use super::{Options, PEERS};
    use crate::mode::Mode;
    use crate::usage::is_usage;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn parse(line: &str) -> anyhow::Result<Options> {
        Options::parse("peers", PEERS, "", &words(line))
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
            "extra",
            "--batch",
            "--batch 0",
            "--batch x",
            "--mode sleep",
            "--model resnet",
            "--simd sse2",
            "--fast",
            "--version",
            "--peers theano",
            "--train-size 5",
        ] {
            let error = parse(line).expect_err(line);
            assert!(is_usage(&error), "{line}: {error}");
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
