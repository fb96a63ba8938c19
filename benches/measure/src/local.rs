//! Measures of Taper by itself: the second core, starting, building.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::finding::{Finding, Sample};
use crate::launch::{TAPER_BUILD, build_taper, cargo, root};
use crate::options::Options;
use crate::scratch::Scratch;
use crate::statistics::ratios;
use crate::study;
use crate::taper::Taper;

/// What a second thread gains in training.
pub(crate) fn threads(options: &Options) -> Result<Finding> {
    let programs = [Taper::step(options, 1)?, Taper::step(options, 2)?];
    programs[0].measure()?; // the first run reads the program from disk
    let mut finding = Finding {
        samples: vec![
            Sample::new("1 thread", "images/s"),
            Sample::new("2 threads", "images/s"),
        ],
        ..Finding::default()
    };
    for round in 0..options.rounds {
        finding.look_around();
        for turn in 0..2 {
            let which = (turn + round) % 2;
            finding.samples[which]
                .values
                .push(programs[which].measure()?);
        }
    }
    finding.figures = ratios(&finding.samples[1].values, &finding.samples[0].values);
    finding.detail = finding.sample_table();
    Ok(finding)
}

/// Milliseconds from the start of `taper predict` to its end, with everything in the page cache.
pub(crate) fn start(options: &Options) -> Result<Finding> {
    const WARM_UP: usize = 3;
    let program = build_taper()?;
    let scratch = Scratch::new()?;
    let checkpoint = match &options.checkpoint {
        Some(path) => path.clone(),
        None => train_a_little(&program, scratch.path())?,
    };
    let mut finding = Finding {
        samples: vec![Sample::new("taper predict", "ms")],
        ..Finding::default()
    };
    finding.look_around();
    for round in 0..WARM_UP + options.rounds {
        let mut command = Command::new(&program);
        command
            .arg("predict")
            .arg(&checkpoint)
            .arg(root().join("benches/digit.png"))
            .arg("--no-picture");
        let started = Instant::now();
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .context("start taper predict")?;
        let milliseconds = 1000.0 * started.elapsed().as_secs_f64();
        if !output.status.success() || !String::from_utf8_lossy(&output.stdout).contains('→') {
            bail!("taper predict {} gave no prediction", checkpoint.display());
        }
        if round >= WARM_UP {
            finding.figures.push(milliseconds);
        }
    }
    finding.samples[0].values.clone_from(&finding.figures);
    finding.detail = finding.sample_table();
    Ok(finding)
}

/// A checkpoint of the study's network: it is as large as one that has seen more.
fn train_a_little(program: &Path, folder: &Path) -> Result<PathBuf> {
    let arguments = "--quick --epochs 1 --variants baseline --train-size 640 --test-size 64";
    study::train(program, folder, arguments.split(' '))?;
    Ok(study::run_folder(folder)?.join("baseline/seed-0/best.taper"))
}

/// Seconds that a release build of `taper` takes with an empty target folder; crates are downloaded before.
pub(crate) fn build(options: &Options) -> Result<Finding> {
    let fetched = cargo()
        .current_dir(root())
        .arg("fetch")
        .stdout(Stdio::null())
        .status();
    if !fetched.context("start cargo fetch")?.success() {
        bail!("cargo fetch failed; cargo says why above");
    }
    let mut finding = Finding {
        samples: vec![Sample::new("cargo build --release", "s")],
        ..Finding::default()
    };
    for _ in 0..options.rounds {
        finding.look_around();
        let scratch = Scratch::new()?;
        let mut command = cargo();
        command
            .current_dir(root())
            .args(TAPER_BUILD)
            .arg("--quiet")
            .arg("--target-dir")
            .arg(scratch.path());
        let started = Instant::now();
        if !command.status().context("start cargo build")?.success() {
            bail!("taper could not be built; cargo says why above");
        }
        finding.figures.push(started.elapsed().as_secs_f64());
    }
    finding.samples[0].values.clone_from(&finding.figures);
    finding.detail = finding.sample_table();
    Ok(finding)
}
