//! The table of measures: what Taper must show, and how it is measured. It feeds `cargo xtask bench
//! NAME`, `cargo xtask bench all`, their help and the page of results.

use anyhow::Result;

use crate::measure::{Measure, Unit};
use crate::usage::wrong;
use crate::{local, peers, study};

/// Options of a comparison with other frameworks.
const PEERS: &[&str] = &["--threads", "--steps", "--apart", "--peers", "--venv"];

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
        about: "training step of 784-512-512-10, batch 64, against the best of PyTorch and JAX",
        must: Some(2.2),
        goal: Some(3.0),
        settings: "--model mlp --mode train --batch 64 --peers pytorch,jax",
        ..STEP
    },
    Measure {
        name: "train-vgg",
        about: "training step of a small VGG with BatchNormalization, batch 64, against PyTorch's best",
        settings: "--model vgg --mode train --batch 64 --peers pytorch",
        ..STEP
    },
    Measure {
        name: "train-tanh",
        about: "training step of convolutions with tanh and average pooling, batch 64, against the best of PyTorch and JAX",
        must: Some(1.5),
        goal: Some(3.0),
        settings: "--model tanh --mode train --batch 64 --peers pytorch,jax",
        ..STEP
    },
    Measure {
        name: "train-digits",
        about: "training step of a small network on 8×8 images, batch 64, against PyTorch's best",
        must: Some(4.0),
        goal: Some(8.0),
        settings: "--model digits --mode train --batch 64 --peers pytorch",
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

/// The measures of these names, all for none.
///
/// # Errors
/// An unknown name; the message lists those there are.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<&'static Measure>> {
    if names.is_empty() {
        return Ok(ALL.iter().collect());
    }
    let named = |name: &String| {
        find(name).ok_or_else(|| {
            let known: Vec<&str> = ALL.iter().map(|m| m.name).collect();
            wrong(format!(
                "--only {name}: it must be one of {}",
                known.join(", ")
            ))
        })
    };
    names.iter().map(named).collect()
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
    use super::{ALL, chosen, find};
    use crate::mode::Mode;
    use crate::options::{ALL as OPTIONS_OF_ALL, Options};
    use crate::usage::is_usage;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn names_are_unique_and_settings_can_be_read() {
        for (number, measure) in ALL.iter().enumerate() {
            assert!(
                ALL[..number].iter().all(|other| other.name != measure.name),
                "{}",
                measure.name
            );
            let options = measure.read(&[]).unwrap();
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
    fn a_command_line_comes_after_a_measures_own_settings() {
        let measure = find("infer-1").expect("a measure");
        let options = measure
            .read(&words("--steps 9 --rounds 2 --peers pytorch"))
            .unwrap();
        let Options { batch, rounds, .. } = options;
        assert_eq!((batch, options.steps, rounds), (1, Some(9), 2));
        assert_eq!(options.peers, ["pytorch"]);
        assert_eq!(measure.read(&[]).unwrap().peers.len(), 3);
        assert!(options.latency && options.mode == Mode::Infer);
        let error = measure.read(&words("--batch 2")).expect_err("its own");
        assert!(is_usage(&error), "{error}");
    }

    #[test]
    fn a_recorded_command_names_no_folder_of_this_machine() {
        let measure = find("train-cnn").expect("a measure");
        for line in [
            "--rounds 9 --venv /somewhere/venv --record",
            "--rounds=9 --venv=/somewhere/venv --record",
        ] {
            assert_eq!(
                measure.read(&words(line)).unwrap().command,
                "cargo xtask bench train-cnn --rounds 9 --record"
            );
        }
    }

    #[test]
    fn all_passes_on_what_a_measure_understands() {
        let line = words("--rounds=2 --venv X --record --train-size 5 --only build,start");
        let passed = |name: &str| find(name).expect("a measure").passed_on(&line).join(" ");
        assert_eq!(passed("study"), "--rounds 2 --venv X --train-size 5");
        assert_eq!(passed("build"), "--rounds 2");
        let options = Options::parse("all", OPTIONS_OF_ALL, "", &line).unwrap();
        let names: Vec<&str> = chosen(&options.only)
            .unwrap()
            .iter()
            .map(|measure| measure.name)
            .collect();
        assert_eq!(names, ["build", "start"]);
    }

    #[test]
    fn what_is_chosen_must_exist() {
        assert_eq!(chosen(&[]).unwrap().len(), ALL.len());
        let error = chosen(&words("build nothing")).expect_err("no such measure");
        assert!(is_usage(&error), "{error}");
        assert!(error.to_string().contains("--only nothing"), "{error}");
    }
}
