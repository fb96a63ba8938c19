//! `cargo xtask soak`: the program is killed, asked to stop, and given disks that fail, hundreds of times; every training
//! must end in the bits of one that was left alone.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use crate::launch::build_taper;
use crate::output::{complain, say};
use crate::trials::{Found, Place, Plan, Watch, Whole, faults, full, kill, signals};
use crate::usage::positive;

/// Images that are trained on: about a second for a training, most of it within batches.
const IMAGES: usize = 8_192;

/// Disturb trainings in every way that can be thought of, and see whether each ends in the bits of one that was left alone
///
/// A part that finds nothing says so with its figures. What differs is named with its round, and its files are kept.
#[derive(Parser)]
#[command(
    bin_name = "cargo xtask soak",
    no_binary_name = true,
    after_help = "Exit codes: 0 nothing differed, 1 something did, 2 wrong usage; 128 + the signal's number when one\nstopped it and nothing had differed until then (130: Ctrl-C). It stops after the round in hand; a\nsecond signal ends it at once."
)]
pub(crate) struct Soak {
    /// Only these parts, separated by commas [default: all; on other systems than Unix all but signals]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "A,B")]
    part: Vec<Part>,
    /// Trainings that are killed, and that get signals; full and faults try every step of a run in turn
    #[arg(long, value_name = "N", default_value = "200", value_parser = positive)]
    rounds: usize,
    /// Random moments are those of this number
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// Of what is tried in turn, every N-th
    #[arg(long, value_name = "N", default_value = "1", value_parser = positive)]
    every: usize,
    /// Use this program [default: the release `taper`, built first]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Make the runs in this folder [default: the system's for temporary files]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Trainings are killed (SIGKILL) at random moments, up to three times each
    Kill,
    /// Trainings get two of SIGINT, SIGTERM and SIGHUP, up to 2.5 s apart
    Signals,
    /// The disk is full at every write of a run in turn
    Full,
    /// Every write, sync, rename and the like fails in turn
    Faults,
}

impl Soak {
    /// Reads the words after `cargo xtask soak`.
    ///
    /// # Errors
    /// Wrong usage.
    pub(crate) fn parse(arguments: &[String]) -> Result<Soak> {
        Ok(Soak::try_parse_from(arguments)?)
    }

    /// Does what was asked for, and gives the exit code.
    ///
    /// # Errors
    /// A program that cannot be built, files that cannot be written although nothing was to fail.
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let program = match &self.program {
            Some(program) => {
                std::path::absolute(program).with_context(|| program.display().to_string())?
            }
            None => build_taper()?,
        };
        let folder = self.dir.clone().unwrap_or_else(std::env::temp_dir);
        let folder =
            std::path::absolute(folder.join(format!("taper-soak-{}", std::process::id())))?;
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let stop = stop::Stop::listen()?;
        let differed = self.parts(&Place::new(&program, &folder, IMAGES)?, &stop);
        // What can be looked at afterwards stays.
        if matches!(differed, Ok(0)) {
            let _ = std::fs::remove_dir_all(&folder);
        } else {
            complain(format!("the files are kept: {}", folder.display()));
        }
        Ok(match (differed?, stop.code()) {
            (0, None) => ExitCode::SUCCESS,
            (0, Some(code)) => ExitCode::from(code),
            _ => ExitCode::FAILURE,
        })
    }

    /// How many rounds were not as they should be.
    fn parts(&self, place: &Place, stop: &stop::Stop) -> Result<usize> {
        let whole = place.whole()?;
        say(format!("{whole}; seed {}", self.seed));
        let mut differed = 0;
        for &part in Part::value_variants() {
            let asked = self.part.contains(&part)
                || self.part.is_empty() && (cfg!(unix) || part != Part::Signals);
            if !asked || stop.code().is_some() {
                continue;
            }
            let watch = Lines::new(part, stop);
            let plan = Plan {
                rounds: self.rounds,
                seed: self.seed,
                every: self.every,
                watch: &watch,
            };
            let found = carry_out(part, place, &whole, &plan)?;
            differed += found.differences.len();
            watch.tell(&found, "done");
        }
        say(match differed {
            0 => "nothing differed".to_owned(),
            number => format!("{number} differences"),
        });
        Ok(differed)
    }
}

fn carry_out(part: Part, place: &Place, whole: &Whole, plan: &Plan<'_>) -> Result<Found> {
    match part {
        Part::Kill => kill(place, whole, plan),
        Part::Signals => signals(place, whole, plan),
        Part::Full => full(place, whole, plan),
        Part::Faults => faults(place, whole, plan),
    }
}

/// A line every ten seconds, and one for everything that differs at once.
struct Lines<'a> {
    part: Part,
    stop: &'a stop::Stop,
    started: Instant,
    /// When the last line was printed, and how many differences have been told.
    told: Mutex<(Instant, usize)>,
}

impl<'a> Lines<'a> {
    fn new(part: Part, stop: &'a stop::Stop) -> Self {
        let started = Instant::now();
        Lines {
            part,
            stop,
            started,
            told: Mutex::new((started, 0)),
        }
    }

    fn tell(&self, found: &Found, of: &str) {
        let counts = found
            .counts
            .iter()
            .map(|(name, count)| format!(", {count} {name}"));
        say(format!(
            "{:?}: {} {of} in {:.0} s, {} differences{}",
            self.part,
            found.rounds,
            self.started.elapsed().as_secs_f64(),
            found.differences.len(),
            counts.collect::<String>()
        ));
    }
}

impl Watch for Lines<'_> {
    fn stopped(&self) -> bool {
        self.stop.code().is_some()
    }

    fn progress(&self, _done: usize, of: usize, found: &Found) {
        let Ok(mut told) = self.told.lock() else {
            return;
        };
        for difference in &found.differences[told.1..] {
            complain(format!("{:?}: {difference}", self.part));
        }
        told.1 = found.differences.len();
        if told.0.elapsed() >= Duration::from_secs(10) {
            told.0 = Instant::now();
            self.tell(found, &format!("of {of}"));
        }
    }
}

#[cfg(unix)]
mod stop {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use anyhow::{Context, Result};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag;

    /// Whether somebody asked to stop.
    pub(super) struct Stop(Arc<AtomicUsize>);

    impl Stop {
        pub(super) fn listen() -> Result<Stop> {
            let (asked, number) = (Arc::new(AtomicBool::new(false)), Arc::default());
            for signal in [SIGINT, SIGTERM, SIGHUP] {
                // In this order: what ends the program is asked before the first signal is noted.
                flag::register_conditional_shutdown(signal, 128 + signal, asked.clone())
                    .and_then(|_| flag::register(signal, asked.clone()))
                    .and_then(|_| {
                        flag::register_usize(signal, Arc::clone(&number), signal as usize)
                    })
                    .context("signals cannot be handled")?;
            }
            Ok(Stop(number))
        }

        /// The exit code of who was stopped.
        pub(super) fn code(&self) -> Option<u8> {
            match self.0.load(Ordering::Relaxed) {
                0 => None,
                number => u8::try_from(128 + number).ok(),
            }
        }
    }
}

/// Elsewhere Ctrl-C ends the program as it ends any other.
#[cfg(not(unix))]
mod stop {
    pub(super) struct Stop;

    impl Stop {
        pub(super) fn listen() -> anyhow::Result<Stop> {
            Ok(Stop)
        }

        pub(super) fn code(&self) -> Option<u8> {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Soak;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Soak::command().debug_assert();
    }
}
