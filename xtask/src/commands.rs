//! Which command does what.

use std::process::Command;

use crate::failure::{Failure, Result};
use crate::help::HELP;
use crate::launch::{become_program, cargo, measure, root, taper};

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
        "bench" => measure(rest),
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
