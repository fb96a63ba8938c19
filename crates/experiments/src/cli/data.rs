//! `taper data`: which data sets there are, and their files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use taper_datasets::catalog::{self, Entry};
use taper_datasets::{Location, Verdict};

#[cfg(feature = "fetch")]
use super::fetch::fetch;
use super::status::status_line;
use super::{Done, Usage, message, table};
use crate::console::{complain, say};
use crate::figures::thousands;

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
            // One that fails does not keep the others from being carried out.
            sound &= act(entry, &location(entry, self.data_dir.as_ref())).unwrap_or_else(|error| {
                complain(format!("error: {}: {}", entry.name, message(&error)));
                false
            });
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
    say(table::aligned(&rows).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// Says what to do instead.
#[cfg(not(feature = "fetch"))]
fn fetch(entry: &Entry, _: &Location) -> anyhow::Result<bool> {
    anyhow::bail!(
        "this program was built without downloads: `cargo xtask data fetch {}` builds it with them (feature `fetch`)",
        entry.name
    )
}

fn verify(entry: &Entry, location: &Location) -> anyhow::Result<bool> {
    say(format!("{} ({})", entry.title, entry.name));
    let files = taper_datasets::verify(entry, location);
    for file in &files {
        say(format!("  {}", status_line(file)));
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
    ));
    say(format!("images    {height} × {width}, grey"));
    say(format!(
        "samples   {} training, {} test",
        thousands(entry.train.samples),
        thousands(entry.test.samples)
    ));
    say(format!("classes   {}", entry.classes.join(", ")));
    say(format!(
        "licence   {}\nsource    {}",
        entry.licence, entry.source
    ));
    say(format!("folder    {}", location.dir.display()));
    for file in taper_datasets::info(entry, location) {
        say(format!("  {}", status_line(&file)));
    }
    Ok(true)
}
