//! Measures of the whole study: against Keras, two trainings side by side, memory.

use crate::output::murmur;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};

use crate::finding::{Finding, Sample};
use crate::launch::{build_taper, root};
use crate::options::Options;
use crate::peers;
use crate::scratch::Scratch;
use crate::statistics::{median, ratios};
use crate::taper::Taper;

/// Epochs of the study.
const EPOCHS: f64 = 8.0;

/// One epoch of all four variants: the whole of `taper train`; the same without what the notebook does
/// not do (measuring the training set again, checkpoints, the report); Keras's fit.
pub(crate) fn against_keras(options: &Options) -> Result<Finding> {
    let program = build_taper()?;
    warm_up(&program)?;
    let sizes = sizes(options);
    let mut keras = sizes.clone();
    keras.extend(["--threads".to_owned(), options.threads.to_string()]);
    keras.extend([
        "--data".to_owned(),
        root().join("fixtures/mnist").display().to_string(),
    ]);
    let plain = Taper::epoch(epoch(options))?;
    let mut keras = peers::start_python("keras_study.py", options, &keras)?;

    let mut finding = Finding {
        samples: vec![
            Sample::new("taper train, all of it", "s"),
            Sample::new("taper, only what the notebook does", "s"),
            Sample::new("keras", "s"),
        ],
        ..Finding::default()
    };
    finding.samples[2].version.clone_from(&keras.version);
    for round in 0..options.rounds {
        finding.look_around();
        murmur(format!("round {}/{}:", round + 1, options.rounds));
        for turn in 0..3 {
            let which = (turn + round) % 3;
            let seconds = match which {
                0 => train(&program, Scratch::new()?.path(), epoch(options))?,
                1 => plain.measure()?,
                _ => keras.measure("seconds")?,
            };
            murmur(format!(" {} {seconds:.1} s", finding.samples[which].name));
            finding.samples[which].values.push(seconds);
        }
        murmur("\n");
    }
    let [whole, plain, keras] = [0, 1, 2].map(|which: usize| finding.samples[which].values.clone());
    finding.figures = ratios(&keras, &whole);
    let minutes = |values: &[f64]| EPOCHS * median(values) / 60.0;
    finding.detail = format!(
        "One epoch of every variant, in seconds:\n\n{}\n\
         4 × {EPOCHS} epochs, extrapolated: taper {:.1} minutes ({:.1} without what the notebook does not do), keras {:.1}; \
         taper is faster by {:.2}× ({:.2}× without).\n",
        finding.sample_table(),
        minutes(&whole),
        minutes(&plain),
        minutes(&keras),
        median(&finding.figures),
        median(&ratios(&keras, &plain)),
    );
    Ok(finding)
}

/// The same study with one training at a time, and with two side by side.
pub(crate) fn side_by_side(options: &Options) -> Result<Finding> {
    let program = build_taper()?;
    warm_up(&program)?;
    let mut finding = Finding {
        samples: vec![Sample::new("--jobs 1", "s"), Sample::new("--jobs 2", "s")],
        ..Finding::default()
    };
    for round in 0..options.rounds {
        finding.look_around();
        for turn in 0..2 {
            let which = (turn + round) % 2;
            let mut arguments = epoch(options);
            arguments.extend(["--jobs".to_owned(), (which + 1).to_string()]);
            let seconds = train(&program, Scratch::new()?.path(), arguments)?;
            finding.samples[which].values.push(seconds);
        }
    }
    finding.figures = ratios(&finding.samples[0].values, &finding.samples[1].values);
    finding.detail = finding.sample_table();
    Ok(finding)
}

/// A few steps, so that the first round does not unpack the data set or read the program from disk.
fn warm_up(program: &Path) -> Result<()> {
    let arguments = "--epochs 1 --variants baseline --train-size 64 --test-size 64";
    train(program, Scratch::new()?.path(), arguments.split(' ')).map(drop)
}

/// The program's own word on its highest memory use, in 10⁶ bytes.
pub(crate) fn memory(options: &Options) -> Result<Finding> {
    let program = build_taper()?;
    let mut finding = Finding {
        samples: vec![Sample::new("peak memory", "MB")],
        ..Finding::default()
    };
    for _ in 0..options.rounds {
        let scratch = Scratch::new()?;
        train(&program, scratch.path(), epoch(options))?;
        let path = run_folder(scratch.path())?.join("summary.json");
        let summary = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let summary: serde_json::Value =
            serde_json::from_str(&summary).with_context(|| path.display().to_string())?;
        let bytes = summary["environment"]["peak_memory"]
            .as_f64()
            .context("the system does not tell how much memory a program used")?;
        finding.figures.push(bytes / 1e6);
    }
    finding.samples[0].values.clone_from(&finding.figures);
    finding.detail = finding.sample_table();
    Ok(finding)
}

/// Runs `taper train` into `folder`; the seconds from its start to its end.
pub(crate) fn train<A: AsRef<OsStr>>(
    program: &Path,
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Result<f64> {
    let mut command = Command::new(program);
    command
        .current_dir(root())
        .args(["train", "--no-progress", "--out"])
        .arg(folder)
        .args(arguments)
        .stdout(Stdio::null());
    let started = Instant::now();
    let status = command.status().context("start taper train")?;
    let seconds = started.elapsed().as_secs_f64();
    if !status.success() {
        bail!("taper train failed: {status}");
    }
    Ok(seconds)
}

/// The one run in a folder of runs.
pub(crate) fn run_folder(folder: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("study.toml").is_file())
        .ok_or_else(|| anyhow!("there is no run in {}", folder.display()))
}

/// One epoch on as many threads and images as the options say.
fn epoch(options: &Options) -> Vec<String> {
    let mut arguments: Vec<String> = vec!["--epochs".into(), "1".into()];
    arguments.extend(["--threads".into(), options.threads.to_string()]);
    arguments.extend(sizes(options));
    arguments
}

/// Fewer images to train on come with fewer to validate on, in the study's proportion.
fn sizes(options: &Options) -> Vec<String> {
    let Some(size) = options.train_size else {
        return Vec::new();
    };
    let test = size.div_ceil(6).to_string();
    vec![
        "--train-size".into(),
        size.to_string(),
        "--test-size".into(),
        test,
    ]
}

#[cfg(test)]
mod tests {
    use super::{epoch, run_folder};
    use crate::options::Options;
    use crate::scratch::Scratch;

    #[test]
    fn sizes_shrink_together() {
        let arguments = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let options =
                Options::parse("study", &["--threads", "--train-size"], "", &words).unwrap();
            epoch(&options).join(" ")
        };
        assert_eq!(arguments(""), "--epochs 1 --threads 2");
        assert_eq!(
            arguments("--train-size 6000 --threads 1"),
            "--epochs 1 --threads 1 --train-size 6000 --test-size 1000"
        );
    }

    #[test]
    fn a_run_is_found_by_its_study() {
        let scratch = Scratch::new().unwrap();
        assert!(run_folder(scratch.path()).is_err());
        let run = scratch.path().join("run");
        std::fs::create_dir_all(scratch.path().join("another")).unwrap();
        std::fs::create_dir_all(&run).unwrap();
        std::fs::write(run.join("study.toml"), "").unwrap();
        assert_eq!(run_folder(scratch.path()).unwrap(), run);
    }
}
