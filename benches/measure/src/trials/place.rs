//! Where trainings are disturbed: a folder with a study, the program, and the training that is left alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use taper_experiments::study::Study;

use super::child::Child;
use super::ends::{Ends, ends};
use super::random::Random;

/// Two variants of a small network, with all that has a state: moments, moving statistics, dropout's random numbers.
const STUDY: &str = r#"
name = "soak"
dataset = "mnist"
train_size = 2048
test_size = 64
epochs = 2
batch_size = 32
seeds = [0]
[optimizer]
class_name = "Adam"
[network]
input_shape = [28, 28, 1]
layers = [
    { layer = "Conv2D", filters = 4, kernel_size = 3, activation = "relu" },
    { layer = "MaxPooling2D" },
    { layer = "Flatten" },
    { layer = "Dense", units = 16, activation = "relu", regularize = true },
    { layer = "Dense", units = 10, activation = "softmax" },
]
[variants]
plain   = {}
dropout = { dropout = 0.3, batch_normalization = true }
"#;

/// A folder, which is whoever made it's to remove.
pub(crate) struct Place {
    program: PathBuf,
    folder: PathBuf,
    study: Study,
}

/// What no result depends on.
#[derive(Clone, Copy)]
pub(super) struct How {
    /// Seconds.
    checkpoint_every: &'static str,
    /// Trainings side by side.
    jobs: &'static str,
}

impl How {
    pub(super) const USUAL: How = How {
        checkpoint_every: "0.02",
        jobs: "1",
    };

    pub(super) fn any(random: &mut Random) -> How {
        How {
            checkpoint_every: random.choose(&["0.005", "0.05", "20"]),
            jobs: random.choose(&["1", "2"]),
        }
    }
}

impl std::fmt::Display for How {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let How {
            checkpoint_every,
            jobs,
        } = self;
        write!(f, "--checkpoint-every {checkpoint_every} --jobs {jobs}")
    }
}

/// The training that was left alone.
pub(crate) struct Whole {
    pub(super) ends: Ends,
    /// How long it took, from its start to its end.
    pub(super) time: Duration,
}

impl Place {
    /// Uses `program` in `folder`, which must exist, to train with `train_size` images.
    pub(crate) fn new(program: &Path, folder: &Path, train_size: usize) -> Result<Place> {
        let text = STUDY.replace("2048", &train_size.to_string());
        std::fs::write(folder.join("soak.toml"), &text)
            .with_context(|| format!("write to {}", folder.display()))?;
        let study = Study::parse("soak.toml", &text)?;
        Ok(Place {
            program: program.to_owned(),
            folder: folder.to_owned(),
            study,
        })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The study, on fewer images.
    pub(super) fn study(&self, train_size: usize) -> Result<Study> {
        let changes =
            taper_experiments::study::Overrides::default().set("train_size", Some(train_size))?;
        Ok(self.study.clone().with(&changes)?)
    }

    /// Trains once (after another time, for the data set is unpacked then), undisturbed.
    pub(crate) fn whole(&self) -> Result<Whole> {
        let mut time = Duration::ZERO;
        for _ in 0..2 {
            self.clear("whole")?;
            let started = Instant::now();
            let child = Child::start(&mut self.train("whole", How::USUAL), &self.log("whole"))?;
            let status = child.end()?;
            if !status.success() {
                bail!(
                    "the undisturbed training failed: {status}\n{}",
                    self.said("whole")
                );
            }
            time = started.elapsed();
        }
        let run = self
            .run("whole")
            .context("the undisturbed training has left no run")?;
        Ok(Whole {
            ends: ends(&run)?,
            time,
        })
    }

    /// A new training, into the folder `out`.
    pub(super) fn train(&self, out: &str, how: How) -> Command {
        let mut command = self.taper(how);
        command.args(["soak.toml", "--out", out]);
        command
    }

    /// Goes on with a run.
    pub(super) fn resume(&self, run: &Path, how: How) -> Command {
        let mut command = self.taper(how);
        command.arg("--resume").arg(run);
        command
    }

    fn taper(&self, how: How) -> Command {
        let mut command = unprejudiced(&self.program);
        self.at_home(&mut command, how);
        command
    }

    /// Has another program start `taper train`, with what all trainings here have in common.
    pub(super) fn pass_on(&self, command: &mut Command, how: How) {
        command.arg(&self.program);
        self.at_home(command, how);
    }

    fn at_home(&self, command: &mut Command, how: How) {
        command
            .current_dir(&self.folder)
            .env("TAPER_FIXTURES", fixtures());
        command.args([
            "train",
            "--no-progress",
            "--threads",
            "1",
            "--data-dir",
            "data",
        ]);
        command.args([
            "--checkpoint-every",
            how.checkpoint_every,
            "--jobs",
            how.jobs,
        ]);
    }

    /// The run in the folder `out`, if it has begun: if it has a study.
    pub(super) fn run(&self, out: &str) -> Option<PathBuf> {
        let entries = std::fs::read_dir(self.path(out)).ok()?;
        let mut runs = entries.flatten().map(|entry| entry.path());
        runs.find(|run| run.join("study.toml").is_file())
    }

    /// Removes the folder `out` and what was said.
    pub(super) fn clear(&self, out: &str) -> Result<()> {
        let _ = std::fs::remove_file(self.log(out));
        let path = self.path(out);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn log(&self, out: &str) -> PathBuf {
        self.path(&format!("{out}.log"))
    }

    /// What was said in the trainings of the folder `out`.
    pub(super) fn said(&self, out: &str) -> String {
        let bytes = std::fs::read(self.log(out)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The bundled data.
fn fixtures() -> PathBuf {
    // Both packages that have this file lie two folders below the workspace.
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// Copies a folder with all below it.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    let here = || format!("copy {} to {}", from.display(), to.display());
    std::fs::create_dir_all(to).with_context(here)?;
    for entry in std::fs::read_dir(from).with_context(here)? {
        let entry = entry.with_context(here)?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy(&from, &to)?,
            false => drop(std::fs::copy(&from, &to).with_context(here)?),
        }
    }
    Ok(())
}

/// A program that ignores no signal at its start, as it does if a shell started us in the background.
fn unprejudiced(program: &Path) -> Command {
    let probe = Command::new("env")
        .args(["--default-signal=INT", "true"])
        .stderr(Stdio::null())
        .status();
    if !probe.is_ok_and(|status| status.success()) {
        return Command::new(program);
    }
    let mut command = Command::new("env");
    command.arg("--default-signal=INT,TERM,HUP").arg(program);
    command
}

impl std::fmt::Display for Whole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (files, time) = (self.ends.len(), self.time.as_secs_f64());
        write!(
            f,
            "an undisturbed training leaves {files} files and takes {time:.2} s"
        )
    }
}
