//! `cargo xtask bench`: criterion groups, single steps, and everything that is measured against a bound.
//!
//! Shared machines are noisy and slow down for seconds at a time, so programs that are compared take
//! turns, and what counts is the ratio within a turn.

mod busy;
mod finding;
mod json;
mod local;
mod measures;
mod options;
mod peers;
mod record;
mod scratch;
mod statistics;
mod study;

use crate::failure::{Context, Failure, Result};
use crate::help::{BENCH_HELP, PEERS_HELP};
use crate::launch::{become_program, build_taper, cargo, root, taper};
use finding::{HEAD, row};
use measures::Measure;
use options::Options;
use std::process::Command;

/// Runs `arguments`, which begin with `bench`.
pub(crate) fn run(arguments: &[String]) -> Result {
    let rest = &arguments[1..];
    let name = rest.first().map_or("", String::as_str);
    let (options, help) = match rest.split_first() {
        Some((_, options)) => (options, options.iter().any(|a| a == "--help" || a == "-h")),
        None => (rest, false),
    };
    let measure = measures::find(name);
    match (name, measure) {
        ("help" | "--help" | "-h", _) => return tell_measures(),
        ("all", _) | (_, Some(_)) if help => return tell_measures(),
        (_, Some(measure)) => return single(measure, options),
        _ => {}
    }
    match name {
        "peers" if help => {
            print!("{PEERS_HELP}");
            Ok(())
        }
        "all" => all(options),
        "peers" if options.iter().any(|a| a == "--all") => {
            let others: Vec<String> = options.iter().filter(|a| *a != "--all").cloned().collect();
            all(&others)
        }
        "peers" => compare(options),
        "step" | "epoch" => taper(arguments),
        "sweep" => sweep(options),
        name if name.is_empty() || name.starts_with('-') => criterion(&["--benches"], rest),
        name => {
            let groups = groups()?;
            if !groups.iter().any(|group| group == name) {
                let names: Vec<&str> = measures::ALL.iter().map(|measure| measure.name).collect();
                return Err(Failure::usage(format!(
                    "there is no benchmark `{name}`; there are: step, epoch, sweep, peers, all, {}, {}",
                    names.join(", "),
                    groups.join(", ")
                )));
            }
            criterion(&["--bench", name], options)
        }
    }
}

fn tell_measures() -> Result {
    print!("{BENCH_HELP}{}", measures::help());
    Ok(())
}

/// One measure by its name.
fn single(measure: &Measure, arguments: &[String]) -> Result {
    let options = Options::of(measure, arguments)?;
    let finding = (measure.run)(&options)?;
    let table = format!("{HEAD}{}", row(measure, &finding));
    println!("{}\n{table}{}", finding.detail, finding.warning());
    if options.record {
        record::table(&options, &table)?;
        record::finding(&options, measure.name, &finding)?;
    }
    Ok(())
}

/// Taper and the peers that the options name.
fn compare(arguments: &[String]) -> Result {
    let options = Options::parse("peers", options::PEERS, arguments)?;
    let finding = peers::compare(&options)?;
    println!("{}{}", finding.detail, finding.warning());
    if options.record {
        let (mode, batch) = (options.mode.name(), options.batch);
        record::finding(
            &options,
            &format!("{} {mode}, batch {batch}", options.model),
            &finding,
        )?;
    }
    Ok(())
}

/// Every measure, one after the other; what fails does not keep the others from being measured.
fn all(arguments: &[String]) -> Result {
    let options = Options::parse("all", options::ALL, arguments)?;
    let chosen: Vec<&Measure> = match options.only.as_slice() {
        [] => measures::ALL.iter().collect(),
        some => some.to_vec(),
    };
    let mut table = HEAD.to_owned();
    let mut failed = Vec::new();
    for measure in chosen {
        eprintln!("\n=== {}: {}", measure.name, measure.about);
        let own = Options::of(measure, &Options::passed_on(arguments, measure))?;
        match (measure.run)(&own) {
            Ok(finding) => {
                let line = row(measure, &finding);
                eprint!("{}\n{line}{}", finding.detail, finding.warning());
                table.push_str(&line);
                if options.record {
                    record::finding(&own, measure.name, &finding)?;
                }
            }
            Err(failure) => {
                failed.push(measure.name);
                table.push_str(&format!(
                    "| `{}`: {} | | | could not be measured | |\n",
                    measure.name, measure.about
                ));
                failure.report();
            }
        }
    }
    println!("{table}");
    if options.record {
        record::table(&options, &table)?;
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::failed(format!(
            "could not be measured: {}; the reasons stand above",
            failed.join(", ")
        )))
    }
}

/// The curves, drawn by `taper`; into `benches/results` unless told otherwise.
fn sweep(options: &[String]) -> Result {
    let mut command = Command::new(build_taper()?);
    command.args(["bench", "sweep"]).args(options);
    if !options.iter().any(|option| option.starts_with("--out")) {
        command.arg("--out").arg(record::stem()?);
    }
    become_program(&mut command)
}

/// Runs criterion groups; `options` go to criterion (`--quick`, `--save-baseline NAME`, a filter, …).
fn criterion(which: &[&str], options: &[String]) -> Result {
    let mut command = cargo();
    command
        .current_dir(root())
        .args(["bench", "--package", "taper-benches"])
        .args(which);
    become_program(command.arg("--").args(options))
}

/// Names of the criterion groups: the files in `benches/benches`.
fn groups() -> Result<Vec<String>> {
    let folder = root().join("benches/benches");
    let entries = std::fs::read_dir(&folder).context(format!("read {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}
