//! The table of measures: what Taper must show, and how it is measured. It feeds `cargo xtask bench
//! NAME`, `cargo xtask bench all`, their help and the page of results.

use super::finding::Finding;
use super::options::Options;
use super::{local, peers, study};
use crate::failure::Result;

/// Something that is measured against a bound.
#[derive(Debug)]
pub(crate) struct Measure {
    /// The word after `cargo xtask bench`.
    pub(crate) name: &'static str,
    /// One line on it.
    pub(crate) about: &'static str,
    pub(crate) unit: Unit,
    /// What has to be reached, if anything.
    pub(crate) must: Option<f64>,
    /// What it should become.
    pub(crate) goal: Option<f64>,
    /// Rounds unless told otherwise.
    pub(crate) rounds: usize,
    /// Options it understands beside `--rounds`, `--record` and `--help`.
    pub(crate) options: &'static [&'static str],
    /// Its own settings, as options; those of the command line come after them.
    pub(crate) settings: &'static str,
    pub(crate) run: fn(&Options) -> Result<Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Faster by so many times: more is better.
    Times,
    Seconds,
    Milliseconds,
    /// 10⁶ bytes.
    Megabytes,
}

impl Unit {
    pub(crate) fn text(self, value: f64) -> String {
        match self {
            Unit::Times => format!("{value:.2}×"),
            Unit::Seconds => format!("{value:.0} s"),
            Unit::Milliseconds => format!("{value:.1} ms"),
            Unit::Megabytes => format!("{value:.0} MB"),
        }
    }

    fn is_enough(self, value: f64, bound: f64) -> bool {
        match self {
            Unit::Times => value >= bound,
            _ => value <= bound,
        }
    }
}

impl Measure {
    /// `goal`, `must`, `**no**`, or nothing where there is no bound.
    pub(crate) fn reached(&self, value: f64) -> &'static str {
        let enough = |bound: Option<f64>| bound.map(|bound| self.unit.is_enough(value, bound));
        match (enough(self.goal), enough(self.must)) {
            (Some(true), _) => "goal",
            (_, Some(true)) => "must",
            (None, None) => "",
            _ => "**no**",
        }
    }
}

/// Options of a comparison with other frameworks.
const PEERS: &[&str] = &["--threads", "--steps", "--peers", "--venv"];

/// A comparison of steps; the rest of the row follows.
const STEP: Measure = Measure {
    name: "",
    about: "",
    unit: Unit::Times,
    must: Some(1.2),
    goal: Some(2.0),
    rounds: 5,
    options: PEERS,
    settings: "",
    run: peers::compare,
};

/// Every measure, in the order in which `bench all` takes them.
pub(crate) const ALL: &[Measure] = &[
    Measure {
        name: "train-cnn",
        about: "training step of the study's network, batch 64, against PyTorch's best",
        must: Some(4.0),
        goal: Some(6.0),
        settings: "--model cnn --mode train --batch 64 --peers pytorch",
        ..STEP
    },
    Measure {
        name: "train-lenet5",
        about: "training step of LeNet-5, batch 64, against PyTorch's best",
        settings: "--model lenet5 --mode train --batch 64 --peers pytorch",
        ..STEP
    },
    Measure {
        name: "train-mlp",
        about: "training step of 784-512-512-10, batch 64, against PyTorch's best",
        settings: "--model mlp --mode train --batch 64 --peers pytorch",
        ..STEP
    },
    Measure {
        name: "train-vgg",
        about: "training step of a small VGG with BatchNormalization, batch 64, against PyTorch's best",
        settings: "--model vgg --mode train --batch 64 --peers pytorch",
        ..STEP
    },
    Measure {
        name: "train-avx2",
        about: "training step of the study's network, both held to AVX2, against PyTorch's best",
        must: Some(2.0),
        goal: None,
        settings: "--model cnn --mode train --batch 64 --peers pytorch --simd avx2",
        ..STEP
    },
    Measure {
        name: "train-rust",
        about: "training step of the study's network, batch 64, against the better of burn and candle",
        must: Some(20.0),
        goal: Some(40.0),
        settings: "--model cnn --mode train --batch 64 --peers burn,candle",
        ..STEP
    },
    Measure {
        name: "infer-256",
        about: "inference, batch 256, against the best of ONNX Runtime, OpenVINO and PyTorch",
        settings: "--model cnn --mode infer --batch 256 --peers onnxruntime,openvino,pytorch",
        ..STEP
    },
    Measure {
        name: "infer-1",
        about: "inference, one image, median latency, against the same",
        must: Some(1.0),
        goal: Some(1.5),
        settings: "--model cnn --mode infer --batch 1 --latency --steps 2000 --peers onnxruntime,openvino,pytorch",
        ..STEP
    },
    Measure {
        name: "threads",
        about: "second core's gain in training",
        must: Some(1.6),
        goal: Some(1.75),
        options: &["--model", "--batch", "--steps"],
        run: local::threads,
        ..STEP
    },
    Measure {
        name: "study",
        about: "the whole study (4 variants × 8 epochs) against Keras, from one epoch of each",
        must: Some(4.0),
        goal: Some(7.0),
        options: &["--threads", "--train-size", "--venv"],
        run: study::against_keras,
        ..STEP
    },
    Measure {
        name: "jobs",
        about: "gain of two trainings side by side in the study (decides the default of --jobs)",
        must: None,
        goal: None,
        rounds: 3,
        options: &["--threads", "--train-size"],
        run: study::side_by_side,
        ..STEP
    },
    Measure {
        name: "memory",
        about: "peak memory of cargo xtask train",
        unit: Unit::Megabytes,
        must: Some(150.0),
        goal: Some(80.0),
        rounds: 3,
        options: &["--threads", "--train-size"],
        run: study::memory,
        ..STEP
    },
    Measure {
        name: "start",
        about: "process start to first prediction",
        unit: Unit::Milliseconds,
        must: Some(50.0),
        goal: Some(15.0),
        rounds: 20,
        options: &["--checkpoint"],
        run: local::start,
        ..STEP
    },
    Measure {
        name: "build",
        about: "clean release build of taper",
        unit: Unit::Seconds,
        must: Some(120.0),
        goal: Some(60.0),
        rounds: 1,
        options: &[],
        run: local::build,
        ..STEP
    },
];

/// The measure of this name.
pub(crate) fn find(name: &str) -> Option<&'static Measure> {
    ALL.iter().find(|measure| measure.name == name)
}

/// The table for `cargo xtask bench --help`.
pub(crate) fn help() -> String {
    let width = ALL.iter().map(|m| m.name.len()).max().unwrap_or(0);
    let bound =
        |unit: Unit, bound: Option<f64>| bound.map_or("–".to_owned(), |value| unit.text(value));
    ALL.iter()
        .map(|m| {
            let (must, goal) = (bound(m.unit, m.must), bound(m.unit, m.goal));
            let mut options = m.options.to_vec();
            options.insert(0, "--rounds");
            format!(
                "  {:<width$}  {}\n  {:<width$}  must {must}, goal {goal}; {}\n",
                m.name,
                m.about,
                "",
                options.join(" ")
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{ALL, Unit, find};
    use crate::bench::options::Options;

    #[test]
    fn names_are_unique_and_settings_can_be_read() {
        for (number, measure) in ALL.iter().enumerate() {
            assert!(
                ALL[..number].iter().all(|other| other.name != measure.name),
                "{}",
                measure.name
            );
            let options = Options::of(measure, &[]).unwrap();
            assert_eq!(options.rounds, measure.rounds, "{}", measure.name);
            if let (Some(must), Some(goal)) = (measure.must, measure.goal) {
                assert!(
                    measure.unit.is_enough(goal, must),
                    "{}: the goal is beyond the must",
                    measure.name
                );
            }
        }
        assert!(find("nothing").is_none());
    }

    #[test]
    fn bounds_hold_in_their_direction() {
        assert!(Unit::Times.is_enough(4.0, 4.0) && !Unit::Times.is_enough(3.99, 4.0));
        assert!(Unit::Seconds.is_enough(59.0, 60.0) && !Unit::Seconds.is_enough(61.0, 60.0));
        assert!(!Unit::Times.is_enough(f64::NAN, 4.0) && !Unit::Seconds.is_enough(f64::NAN, 60.0));
    }

    #[test]
    fn units_are_written() {
        assert_eq!(Unit::Times.text(4.0), "4.00×");
        assert_eq!(Unit::Times.text(1.75), "1.75×");
        assert_eq!(Unit::Times.text(5.123), "5.12×");
        assert_eq!(Unit::Milliseconds.text(14.26), "14.3 ms");
        assert_eq!(Unit::Megabytes.text(136.8), "137 MB");
    }
}
