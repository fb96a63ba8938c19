//! `cargo xtask …`: the one entrance to the workspace.
//!
//! A thin launcher. It knows which commands there are and builds what one needs; what the command
//! does is up to the program behind it. It depends on nothing, so that it is built in a second.
#![forbid(unsafe_code)]

mod commands;
mod failure;
mod help;
mod launch;

use std::process::ExitCode;

use failure::Failure;

fn main() -> ExitCode {
    let arguments: Vec<String> = match std::env::args_os()
        .skip(1)
        .map(|a| a.into_string())
        .collect()
    {
        Ok(arguments) => arguments,
        Err(argument) => {
            return Failure::usage(format!("argument {argument:?} is not UTF-8")).report();
        }
    };
    match commands::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
