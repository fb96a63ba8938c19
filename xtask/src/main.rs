//! `cargo xtask …`: the one entrance to the workspace.
//!
//! A thin launcher. It knows which commands there are and builds what one needs; what the command
//! does is up to the program behind it. It depends on nothing, so that it is built in a second.
#![forbid(unsafe_code)]

mod commands;
mod failure;
mod help;
mod launch;
mod output;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match commands::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
