//! Which command does what.

use std::process::Command;

use crate::failure::{Failure, Result};
use crate::help::HELP;
use crate::launch::{become_program, cargo, root, taper};
use crate::peers;

/// Commands that the `taper` program carries out under the same name.
const TAPER: [&str; 7] = [
    "train",
    "evaluate",
    "predict",
    "inspect",
    "report",
    "data",
    "gradcheck",
];

/// Measurements of `cargo xtask bench` that the `taper` program carries out.
const TAPER_BENCH: [&str; 2] = ["step", "start"];

/// Runs the command line after `cargo xtask`.
pub(crate) fn run(arguments: &[String]) -> Result {
    let Some((command, rest)) = arguments.split_first() else {
        print!("{HELP}");
        return Ok(());
    };
    match command.as_str() {
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        name if TAPER.contains(&name) => taper(arguments),
        "test" => test(rest),
        "ci" => become_program(
            Command::new("bash")
                .arg(root().join(".ci/run"))
                .args(rest)
                .current_dir(root()),
        ),
        "bench" => bench(arguments),
        other => Err(Failure::usage(format!("there is no command `{other}`"))),
    }
}

/// Unit, integration and documentation tests of every package; all failures, not only the first.
fn test(arguments: &[String]) -> Result {
    let mut command = cargo();
    command.current_dir(root()).args(["test", "--no-fail-fast"]);
    if !arguments
        .iter()
        .any(|a| a == "-p" || a.starts_with("--package"))
    {
        command.arg("--workspace");
    }
    become_program(command.args(arguments))
}

fn bench(arguments: &[String]) -> Result {
    let rest = &arguments[1..];
    match rest.first().map(String::as_str) {
        Some("peers") => peers::run(&rest[1..]),
        Some(name) if TAPER_BENCH.contains(&name) => taper(arguments),
        Some(name) if !name.starts_with('-') => {
            let groups = groups()?;
            if !groups.iter().any(|g| g == name) {
                let message = format!(
                    "there is no benchmark `{name}`; there are: step, start, peers, {}",
                    groups.join(", ")
                );
                return Err(Failure::usage(message));
            }
            criterion(&["--bench", name], &rest[1..])
        }
        _ => criterion(&["--benches"], rest),
    }
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
    let entries = std::fs::read_dir(&folder)
        .map_err(|error| Failure::failed(format!("read {}: {error}", folder.display())))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}
