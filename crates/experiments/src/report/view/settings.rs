//! The settings of a run and where it was made, as pairs of name and value.

use crate::figures::megabytes;
use crate::run::{Environment, RunData};

pub(super) fn settings(run: &RunData) -> Vec<(String, String)> {
    let mut options: Vec<_> = run.study.options().iter().collect();
    options.sort_by_key(|given| given.row().part);
    let options = options
        .into_iter()
        .filter_map(|given| given.setting().of_study());
    [("Data set", run.environment.dataset.clone())]
        .into_iter()
        .chain(options)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

pub(super) fn environment(environment: &Environment) -> Vec<(String, String)> {
    let threads = match environment.jobs {
        0 | 1 => environment.threads.to_string(),
        jobs => format!("{} ({jobs} trainings side by side)", environment.threads),
    };
    let mut rows = vec![
        ("Taper", environment.version.clone()),
        ("Processor", environment.cpu.clone()),
        ("System", environment.system.clone()),
        ("Instruction set", environment.instruction_set.clone()),
        ("Threads", threads),
        ("Started", environment.started.clone()),
    ];
    if let Some(bytes) = environment.peak_memory {
        rows.push(("Peak memory", megabytes(bytes)));
    }
    if let Some(digest) = &environment.digest {
        rows.push(("SHA-256 of the data", digest.clone()));
    }
    rows.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
