//! Files with a few accidents each.

use crate::{Report, keep, kept, measured, watched};
use std::sync::mpsc::Sender;
use std::time::Duration;
use taper_mutate::mutate::Mutator;
use taper_mutate::targets::{self, Target};

/// A target is not tried further when it has failed so often, or on so large a share of many files.
const ENOUGH: usize = 4;
const ENOUGH_OF: usize = 1_000;

/// `TAPER_MUTATE=idx` tries one target alone, `TAPER_MUTATE_ROUNDS=1000000` so many files of each, and
/// `TAPER_MUTATE_TRACE=1` keeps each file before it is read.
#[test]
fn damaged_files_are_read_or_refused() {
    let only = std::env::var("TAPER_MUTATE").ok();
    let wanted = |target: &Target| match &only {
        Some(only) => only == target.name,
        None => true,
    };
    let targets = targets::all().into_iter().filter(wanted);
    let failures: Vec<String> = targets
        .flat_map(|target| watched(target.name, move |tell| tried(&target, tell)))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What went wrong with the damaged files of one target; those that did it are kept.
fn tried(target: &Target, tell: &Sender<Report>) -> Vec<String> {
    let seeds = (target.seeds)();
    let mut mutator = Mutator::new(crc32fast::hash(target.name.as_bytes()).into());
    let rounds = std::env::var("TAPER_MUTATE_ROUNDS").ok();
    let rounds = rounds.and_then(|rounds| rounds.parse().ok());
    let rounds: usize = rounds.unwrap_or(target.rounds);
    let mut failures = Vec::new();
    let (mut most, mut longest, mut tried) = (0, Duration::ZERO, 0);
    // What is set up once is not the file's doing.
    seeds
        .iter()
        .for_each(|seed| (target.read)(&(target.seal)(seed)));
    for round in 0..rounds {
        let seed = &seeds[mutator.below(seeds.len())];
        let other = &seeds[mutator.below(seeds.len())];
        let damaged = match target.is_text {
            true => mutator.text(seed, other),
            false => mutator.bytes(seed, other),
        };
        let file = (target.seal)(&damaged);
        let reading = measured(target, &file);
        let _ = tell.send(Report::Going);
        most = most.max(reading.bytes.saturating_sub(10 * file.len()));
        longest = longest.max(reading.time);
        if let Some(fault) = reading.fault {
            let name = format!("{}-{round}", target.name);
            keep(&name, &file);
            failures.push(format!(
                "{name} ({} bytes, in {}) {fault}: {} bytes, {:?}",
                file.len(),
                kept(),
                reading.bytes,
                reading.time
            ));
        }
        tried = round + 1;
        if failures.len() == ENOUGH.max(rounds / ENOUGH_OF) {
            break;
        }
    }
    println!(
        "{:24} {tried} files, at most {most} bytes more than ten times the file, at most {longest:?}",
        target.name
    );
    failures
}
