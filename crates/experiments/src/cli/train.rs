//! `taper train`: a study from its file to its report.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clap::Args;
use taper_datasets::Dataset;

use super::ending::Ending;
use super::options::StudyOptions;
use super::progress::Progress;
use super::signals::Interrupt;
use super::{Done, Usage, resume, thread_count, threads};
use crate::console::say;
use crate::figures::thousands;
use crate::run::{Context, Environment, RunFolder, StudyData, check, peak_memory, run_all};
use crate::study::{Overrides, Study};

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
    /// Threads, at most 1024 [default: all]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = thread_count)]
    threads: Option<usize>,
    /// Trainings side by side, at most 1024, each with its share of the threads; results do not depend on it
    #[arg(long, value_name = "N", value_parser = thread_count, default_value = "1")]
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
    /// With --resume: go on although this was changed in the run's study.toml, such as learning_rate
    ///
    /// Names are separated by commas, or the option is given again. Without it, a run goes on only if all that its results
    /// depend on is as it was: data, sizes, batch size, loss, optimizer and network with their settings; what differs is
    /// listed with the names to give here. A change holds for the rest of the run and is recorded: in the line of the next
    /// epoch of history.jsonl, in checkpoints (taper inspect), and in settings.json. Titles, names and texts, the number
    /// of epochs, and variants and seeds that are added or left out can be changed without asking.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    accept: Vec<String>,
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
        let shown = Arc::new(OnceLock::<Progress>::new());
        let interrupt = Interrupt::watch({
            let shown = shown.clone();
            move |text| {
                shown
                    .get()
                    .map_or_else(|| say(text), |bars| bars.note(text))
            }
        })?;
        let (study, earlier) = self.study()?;
        let data = StudyData::open(&study, self.data_dir.as_deref())?;
        check(&study, &data)?;
        let changes = earlier.as_ref().map(|earlier| {
            let folder = &earlier.folder;
            folder.go_on_with(&study, &data, &self.accept)
        });
        let changes = changes.transpose()?;
        if let Some(code) = interrupt.code() {
            say("interrupted before training began; nothing is written");
            return Ok(ExitCode::from(code));
        }
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
        say(self.heading(&study, &data, &environment, &folder, changes.as_deref()));

        let progress = Progress::new(&study, self.no_progress);
        let _ = shown.set(progress.clone());
        let context = Context {
            study: &study,
            data: &data,
            folder: &folder,
            stop: interrupt.stop(),
            checkpoint_every: self.checkpoint_every,
        };
        let outcomes = run_all(&context, environment.threads, environment.jobs, &progress)?;
        progress.finish();

        let run = folder.records(&study, &with_peak_memory(environment));
        let ending = Ending {
            outcomes: &outcomes,
            run: &run,
            folder: &folder,
            elapsed: started.elapsed(),
            resume: self.resumption(&folder),
            interrupted: interrupt.code(),
        };
        Ok(ending.tell())
    }

    /// The command that goes on with the run.
    fn resumption(&self, folder: &RunFolder) -> String {
        let mut others = Vec::new();
        others.extend(self.threads.map(|threads| format!("--threads {threads}")));
        others.extend((self.jobs != 1).then(|| format!("--jobs {}", self.jobs)));
        others.extend(self.no_progress.then(|| "--no-progress".to_owned()));
        let seconds = self.checkpoint_every.as_secs_f64();
        others.extend((seconds != 20.0).then(|| format!("--checkpoint-every {seconds}")));
        resume::command(folder.path(), self.data_dir.as_deref(), &others)
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
        if !self.accept.is_empty() {
            let message = "--accept is for a run that is gone on with: it needs --resume RUN_DIR";
            return Err(Usage(message.into()).into());
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

    /// `changes` are those of a run that is gone on with.
    fn heading(
        &self,
        study: &Study,
        data: &StudyData,
        environment: &Environment,
        folder: &RunFolder,
        changes: Option<&[String]>,
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
            if changes.is_some() { "resuming" } else { "run" },
            folder.path().display().to_string(),
        );
        let changes = changes.unwrap_or_default();
        for notice in data.notices.iter().chain(folder.notice()).chain(changes) {
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

fn with_peak_memory(environment: Environment) -> Environment {
    Environment {
        peak_memory: environment.peak_memory.max(peak_memory()),
        ..environment
    }
}
