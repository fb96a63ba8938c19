//! `taper data`: which data sets there are, and their files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use taper_datasets::catalog::{self, Entry};
use taper_datasets::fetch::{self, Progress};
use taper_datasets::{FileStatus, Form, Location, Trust, Verdict};

use super::{Done, Usage, say, table};
use crate::report::thousands;

#[derive(Args)]
pub(super) struct Data {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All data sets of the catalog
    List {
        /// Where the files are
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
    },
    /// Download what is missing, and verify it
    Fetch(Which),
    /// Check files by format, shape and SHA-256
    Verify(Which),
    /// What a data set is, and where its files are
    Info(Which),
}

#[derive(Args)]
struct Which {
    /// Names of the catalog
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Where the files are, or go
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl Data {
    pub(super) fn run(&self) -> Done {
        match &self.command {
            Command::List { data_dir } => list(data_dir.as_ref()),
            Command::Fetch(which) => which.each(fetch),
            Command::Verify(which) => which.each(verify),
            Command::Info(which) => which.each(info),
        }
    }
}

impl Which {
    /// Carries something out for every data set; it says whether all was well.
    fn each(&self, act: fn(&Entry, &Location) -> anyhow::Result<bool>) -> Done {
        let entries = self
            .names
            .iter()
            .map(|name| catalog::find(name).map_err(|error| Usage(error.to_string())));
        let entries: Vec<&Entry> = entries.collect::<Result<_, _>>()?;
        let mut sound = true;
        for entry in entries {
            sound &= act(entry, &location(entry, self.data_dir.as_ref()))?;
        }
        Ok(if sound {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn location(entry: &Entry, folder: Option<&PathBuf>) -> Location {
    folder.map_or_else(
        || Location::usual(entry),
        |folder| Location::in_dir(entry, folder),
    )
}

fn list(folder: Option<&PathBuf>) -> Done {
    let mut rows = vec![
        ["name", "training", "test", "classes", "here"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for entry in catalog::list() {
        let files = taper_datasets::info(entry, &location(entry, folder));
        let here = match files.iter().filter(|file| file.found.is_some()).count() {
            4 => "yes".to_owned(),
            0 => "no".to_owned(),
            some => format!("{some} of 4"),
        };
        rows.push(vec![
            entry.name.to_owned(),
            thousands(entry.train.samples),
            thousands(entry.test.samples),
            entry.classes.len().to_string(),
            here,
        ]);
    }
    say(table::aligned(&rows).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn fetch(entry: &Entry, location: &Location) -> anyhow::Result<bool> {
    say(format!("{} into {}", entry.title, location.dir.display()))?;
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template(
        "{msg}  {bar:24} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
    ) {
        bar.set_style(style);
    }
    let mut show = |progress: Progress<'_>| match progress {
        Progress::Present { file } => {
            bar.suspend(|| println(&format!("{file}: already here and sound")))
        }
        Progress::Started {
            file,
            url,
            from,
            total,
        } => {
            let again = if from > 0 {
                format!(", going on at byte {}", thousands(from as usize))
            } else {
                String::new()
            };
            bar.suspend(|| println(&format!("{file}: from {url}{again}")));
            bar.set_message(file.to_owned());
            bar.set_length(total.unwrap_or(0));
            bar.set_position(from);
        }
        Progress::Advanced { bytes, .. } => bar.set_position(bytes),
        Progress::Retry {
            url, reason, wait, ..
        } => {
            bar.suspend(|| {
                println(&format!(
                    "  {url}: {reason}; trying again in {:.1} s",
                    wait.as_secs_f64()
                ))
            });
        }
        Progress::MirrorFailed { url, reason, .. } => {
            bar.suspend(|| println(&format!("  {url}: {reason}")))
        }
        Progress::Done { status } => bar.suspend(|| println(&status_line(status))),
        _ => {}
    };
    let fetched = fetch::fetch(entry, &location.dir, &mut show);
    bar.finish_and_clear();
    fetched?;
    Ok(true)
}

fn verify(entry: &Entry, location: &Location) -> anyhow::Result<bool> {
    say(format!("{} ({})", entry.title, entry.name))?;
    let files = taper_datasets::verify(entry, location);
    for file in &files {
        say(format!("  {}", status_line(file)))?;
    }
    Ok(files
        .iter()
        .all(|file| matches!(file.verdict, Verdict::Sound { .. })))
}

fn info(entry: &Entry, location: &Location) -> anyhow::Result<bool> {
    let [height, width] = entry.image;
    say(format!(
        "{} ({})\n{}",
        entry.title, entry.name, entry.description
    ))?;
    say(format!("images    {height} × {width}, grey"))?;
    say(format!(
        "samples   {} training, {} test",
        thousands(entry.train.samples),
        thousands(entry.test.samples)
    ))?;
    say(format!("classes   {}", entry.classes.join(", ")))?;
    say(format!(
        "licence   {}\nsource    {}",
        entry.licence, entry.source
    ))?;
    say(format!("folder    {}", location.dir.display()))?;
    for file in taper_datasets::info(entry, location) {
        say(format!("  {}", status_line(&file)))?;
    }
    Ok(true)
}

/// One file in one line: where it is and whether it is the right one.
fn status_line(file: &FileStatus) -> String {
    let place = file
        .found
        .as_ref()
        .map_or_else(String::new, |(path, form)| {
            let form = match form {
                Form::Raw => "",
                Form::Gzip => ", gzip",
                Form::Archive => ", in an archive",
            };
            format!(" ({}{form})", path.display())
        });
    match &file.verdict {
        Verdict::Missing => format!("{}: missing", file.name),
        Verdict::NotChecked => format!("{}: here{place}", file.name),
        Verdict::Bad(why) => format!("{}: BAD: {why}", file.name),
        Verdict::Sound { digest, trust } => {
            let trust = match trust {
                Trust::Published => "as published",
                Trust::Recorded => "as recorded when it was first used",
                Trust::FirstUse => "first seen now; nobody has published its digest",
            };
            format!("{}: sound, SHA-256 {digest}, {trust}{place}", file.name)
        }
    }
}

/// For callbacks, which cannot pass an error on.
fn println(text: &str) {
    let _ = say(text);
}
