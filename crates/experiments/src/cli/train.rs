//! `taper train`: a study from its file to its report.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use taper_datasets::Dataset;
use taper_train::StopFlag;

use super::options::StudyOptions;
use super::progress::Progress;
use super::{Done, INTERRUPTED, Usage, positive, say, table, threads};
use crate::figures::{duration, megabytes, thousands};
use crate::report;
use crate::run::{
    Context, Environment, Outcome, RunFolder, StudyData, Summary, check, peak_memory, run_all,
};
use crate::study::{Job, Overrides, Study};

#[derive(Args)]
pub(super) struct Train {
    /// A study file; without it: four ways to regularize, on MNIST
    #[arg(value_name = "STUDY.toml")]
    study: Option<PathBuf>,
    /// Only these variants, separated by commas
    #[arg(
        long,
        value_name = "A,B",
        value_delimiter = ',',
        conflicts_with = "resume"
    )]
    variants: Option<Vec<String>>,
    #[command(flatten)]
    options: StudyOptions,
    /// Threads [default: all]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
    /// Trainings side by side, each with its share of the threads; results do not depend on it
    #[arg(long, value_name = "N", value_parser = positive, default_value = "1")]
    jobs: usize,
    /// Where the data set's files are, or go [default: data/ in the workspace, or here]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where the run's folder is made [default: runs/ in the workspace, or here]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Go on with an interrupted run, at the same batch, with the same results
    #[arg(long, value_name = "RUN_DIR", conflicts_with = "study")]
    resume: Option<PathBuf>,
    /// A first look: 6,000 + 1,000 images and 2 epochs
    #[arg(long, conflicts_with = "resume")]
    quick: bool,
    /// Plain lines instead of bars
    #[arg(long)]
    no_progress: bool,
    /// Write a checkpoint after so much training, beside those at the end of epochs
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    checkpoint_every: Duration,
}

/// The run that is gone on with.
struct Earlier {
    folder: RunFolder,
    environment: Option<Environment>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "must be a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| "must be a number of seconds, not negative".to_owned())
}

impl Train {
    pub(super) fn run(&self) -> Done {
        let started = Instant::now();
        let (study, earlier) = self.study()?;
        let data = StudyData::open(&study, self.data_dir.as_deref())?;
        check(&study, &data)?;
        let folder = match &earlier {
            Some(earlier) => earlier.folder.clone(),
            None => RunFolder::create(&self.out.clone().unwrap_or_else(default_out), &study)?,
        };
        let environment = self.environment(
            &study,
            &data,
            earlier
                .as_ref()
                .and_then(|earlier| earlier.environment.as_ref()),
        );
        folder.write_summary(&environment)?;
        say(self.heading(&study, &data, &environment, &folder, earlier.is_some()))?;

        let stop = StopFlag::new();
        let progress = Progress::new(&study, self.no_progress);
        stop_on_ctrl_c(stop.clone(), progress.clone())?;
        let context = Context {
            study: &study,
            data: &data,
            folder: &folder,
            stop,
            checkpoint_every: self.checkpoint_every,
        };
        let outcomes = run_all(&context, environment.threads, environment.jobs, &progress)?;
        progress.finish();

        let environment = with_peak_memory(environment);
        let summary = folder.write_summary(&environment)?;
        let report = report::write(&folder)?;
        finish(&outcomes, &summary, &folder, &report, started.elapsed())
    }

    /// The study with its overrides, or that of an earlier run and where that was made.
    fn study(&self) -> anyhow::Result<(Study, Option<Earlier>)> {
        if let Some(path) = &self.resume {
            let (folder, study) = RunFolder::resume(path)?;
            let environment = folder
                .summary()
                .exists()
                .then(|| folder.environment())
                .transpose()?;
            return Ok((
                study,
                Some(Earlier {
                    folder,
                    environment,
                }),
            ));
        }
        let study = match &self.study {
            Some(path) => Study::load(path)?,
            None => Study::regularization(),
        };
        let changes = Overrides {
            variants: self.variants.clone(),
            quick: self.quick,
            ..Overrides::default()
        };
        // The file itself is sound: what does not fit is on the command line.
        let changes = self.options.add_to(changes);
        let study = changes.and_then(|changes| study.with(&changes));
        let study = study.map_err(|error| Usage(error.to_string()))?;
        Ok((study, None))
    }

    fn environment(
        &self,
        study: &Study,
        data: &StudyData,
        earlier: Option<&Environment>,
    ) -> Environment {
        let here = Environment::here(threads(self.threads), self.jobs.min(study.jobs().len()));
        Environment {
            started: earlier.map_or(here.started, |earlier| earlier.started.clone()),
            peak_memory: earlier.and_then(|earlier| earlier.peak_memory),
            dataset: data.title.clone(),
            digest: data.train.digest().map(str::to_owned),
            train_images: data.train.len(),
            test_images: data.test.len(),
            classes: data.classes().to_vec(),
            ..here
        }
    }

    fn heading(
        &self,
        study: &Study,
        data: &StudyData,
        environment: &Environment,
        folder: &RunFolder,
        resumed: bool,
    ) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<9}{value}");
        };
        line(
            "taper",
            format!(
                "{}, {} threads, {}",
                environment.version, environment.threads, environment.instruction_set
            ),
        );
        line("cpu", environment.cpu.clone());
        let (train, test) = (
            thousands(environment.train_images),
            thousands(environment.test_images),
        );
        line(
            "data",
            format!(
                "{}, {train} training and {test} validation images",
                data.title
            ),
        );
        let names: Vec<&str> = study.variants.iter().map(|(name, _)| name).collect();
        let base = study.base();
        let seeds: Vec<String> = base.seeds.iter().map(u64::to_string).collect();
        line("study", format!("{}: {}", study.name, names.join(", ")));
        let noun = if seeds.len() == 1 { "seed" } else { "seeds" };
        line(
            "",
            format!(
                "{} epochs, batches of {}, {noun} {}",
                base.epochs,
                base.batch_size,
                seeds.join(", ")
            ),
        );
        line(
            if resumed { "resuming" } else { "run" },
            folder.path().display().to_string(),
        );
        for notice in data.notices.iter().chain(folder.notice()) {
            line("note", notice.clone());
        }
        text
    }
}

/// `runs/` in the workspace if we are in one, else here.
fn default_out() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    match here
        .ancestors()
        .find(|folder| folder.join("fixtures/mnist").is_dir())
    {
        Some(root) if root != here => root.join("runs"),
        _ => PathBuf::from("runs"),
    }
}

/// The first Ctrl-C asks to stop after the batch in hand, the second ends the program at once.
fn stop_on_ctrl_c(stop: StopFlag, progress: Progress) -> anyhow::Result<()> {
    let handler = move || {
        if stop.is_set() {
            std::process::exit(i32::from(INTERRUPTED));
        }
        stop.stop();
        progress.note("stopping after this batch; Ctrl-C again ends at once, without saving");
    };
    ctrlc::set_handler(handler).context("Ctrl-C cannot be handled")
}

fn with_peak_memory(environment: Environment) -> Environment {
    Environment {
        peak_memory: environment.peak_memory.max(peak_memory()),
        ..environment
    }
}

/// What is said at the end, and the exit code.
fn finish(
    outcomes: &[(Job, crate::Result<Outcome>)],
    summary: &Summary,
    folder: &RunFolder,
    report: &Path,
    elapsed: Duration,
) -> Done {
    let stopped = outcomes
        .iter()
        .any(|(_, outcome)| matches!(outcome, Ok(Outcome::Stopped)));
    say(format!("\n{}", table::comparison(summary)))?;
    let memory = summary
        .environment
        .peak_memory
        .map_or_else(String::new, |bytes| {
            format!(", peak memory {}", megabytes(bytes))
        });
    say(format!(
        "{}{memory}\nreport: {}",
        duration(elapsed),
        report.display()
    ))?;
    let failed: Vec<String> = outcomes
        .iter()
        .filter_map(|(job, outcome)| Some(format!("{job}: {}", outcome.as_ref().err()?)))
        .collect();
    if !failed.is_empty() {
        bail!(
            "{} of {} trainings failed\n{}",
            failed.len(),
            outcomes.len(),
            failed.join("\n")
        );
    }
    if stopped {
        say(format!(
            "\ninterrupted; to go on where it stopped:\n    cargo xtask train --resume {}",
            folder.path().display()
        ))?;
        return Ok(ExitCode::from(INTERRUPTED));
    }
    Ok(ExitCode::SUCCESS)
}
