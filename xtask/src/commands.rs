//! Which command does what.

use std::ffi::OsString;
use std::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::help::HELP;
use crate::launch::{become_program, cargo, measure, root, taper};
use crate::output::say;

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

/// Runs the command line after `cargo xtask`.
pub(crate) fn run(arguments: &[OsString]) -> Result {
    let Some((command, rest)) = arguments.split_first() else {
        return help();
    };
    // Names of files need be no UTF-8: they are passed on as they are. Commands are.
    match command.to_string_lossy().as_ref() {
        "help" | "--help" | "-h" => help(),
        name if TAPER.contains(&name) => taper(arguments),
        "test" => test(rest),
        "ci" => become_program(
            Command::new("bash")
                .arg(root().join(".ci/run"))
                .args(rest)
                .current_dir(root()),
        ),
        "bench" => measure(rest),
        "soak" | "ulp" => measure(arguments),
        other => Err(Failure::usage(format!("there is no command `{other}`"))),
    }
}

fn help() -> Result {
    say(HELP).context("standard output could not be written")
}

/// Unit, integration and documentation tests of every package; all failures, not only the first.
fn test(arguments: &[OsString]) -> Result {
    let mut command = cargo();
    command.current_dir(root()).args(["test", "--no-fail-fast"]);
    if !arguments
        .iter()
        .any(|a| a == "-p" || a.to_string_lossy().starts_with("--package"))
    {
        command.arg("--workspace");
    }
    become_program(command.args(arguments))
}
