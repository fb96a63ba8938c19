//! `cargo xtask bench …`: steps, epochs, curves, digests, other frameworks, and everything that has a bound; and
//! `cargo xtask soak`, which disturbs trainings; and `cargo xtask ulp`, the errors of functions over all f32.
//!
//! Shared machines are noisy and slow down for seconds at a time, so programs that are compared take
//! turns, and what counts is the ratio within a turn.
#![forbid(unsafe_code)]

mod busy;
mod commands;
mod cpu;
mod criterion;
mod curves;
mod digest;
mod epoch;
mod finding;
mod fit;
mod graphs;
mod help;
mod json;
mod launch;
mod local;
mod measure;
mod measures;
mod mode;
mod options;
mod output;
mod peers;
mod pool;
mod random;
mod record;
mod scratch;
mod soak;
mod statistics;
mod step;
mod study;
mod taper;
mod trials;
mod ulp;
mod usage;
mod work;
mod zoo;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args_os()
        .skip(1)
        .map(std::ffi::OsString::into_string)
        .collect::<Result<Vec<String>, _>>()
        .map_err(|argument| usage::wrong(format!("argument {argument:?} is not UTF-8")));
    let done = arguments.and_then(|arguments| carry_out(&arguments));
    output::ended(done.unwrap_or_else(|error| output::report(&error)))
}

/// `soak …` and `ulp …` are what `cargo xtask` hands on as they are; anything else stands after `cargo xtask bench`.
fn carry_out(arguments: &[String]) -> anyhow::Result<ExitCode> {
    match arguments.split_first() {
        Some((word, rest)) if word == "soak" => soak::Soak::parse(rest)?.run(),
        Some((word, rest)) if word == "ulp" => ulp::Ulp::parse(rest)?.run(),
        _ => commands::run(arguments).map(|()| ExitCode::SUCCESS),
    }
}
