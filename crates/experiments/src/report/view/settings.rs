//! The settings of a run and where it was made, as pairs of name and value.

use crate::figures::megabytes;
use crate::run::{Environment, RunData};

pub(super) fn settings(run: &RunData) -> Vec<(String, String)> {
    let study = &run.study;
    let options: Vec<String> = study
        .optimizer
        .options
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    let optimizer = match options.join(", ") {
        options if options.is_empty() => study.optimizer.class_name.clone(),
        options => format!("{} ({options})", study.optimizer.class_name),
    };
    let seeds: Vec<String> = study.seeds.iter().map(u64::to_string).collect();
    let rows = [
        ("Data set", run.environment.dataset.clone()),
        ("Loss", study.loss.clone()),
        ("Optimizer", optimizer),
        ("Batch size", study.batch_size.to_string()),
        ("Epochs", study.epochs.to_string()),
        ("Seeds", seeds.join(", ")),
    ];
    rows.into_iter()
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
