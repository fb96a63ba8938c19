//! `cargo xtask bench random`: networks drawn at random, in Taper and in other frameworks, so that speed is known where
//! nobody looked.

mod contest;
mod dice;
mod draw;
mod names;
mod network;
mod profile;
mod race;
mod report;
mod side;
mod turns;

use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::{ArgAction, Args};
use serde_json::json;

use crate::finding::{Finding, Sample};
use crate::mode::Mode;
use crate::options::Options;
use crate::output::{complain, murmur, say};
use crate::peers::{self, Peer};
use crate::pool::threads;
use crate::record;
use crate::usage::{positive, wrong};
use contest::{Outcome, contest};
use network::Network;
use side::Side;
use turns::{Awake, Clock, Turns};

const MODES: [Mode; 2] = [Mode::Train, Mode::Infer];

/// Its options.
#[derive(Args)]
pub(crate) struct RandomNetworks {
    /// Networks to draw
    #[arg(long, value_name = "N", default_value = "60", value_parser = positive)]
    count: usize,
    /// What they are drawn from: the same seed, the same networks
    #[arg(long, value_name = "S", default_value = "1")]
    seed: u64,
    /// These networks alone, by their numbers: 3 or 3,17
    #[arg(long, value_name = "INDEX", value_delimiter = ',', action = ArgAction::Set)]
    only: Vec<u64>,
    /// Turns of each network, of which the median counts
    #[arg(long, value_name = "N", default_value = "5", value_parser = positive)]
    rounds: usize,
    /// Milliseconds of a turn
    #[arg(long, value_name = "MS", default_value = "50", value_parser = positive)]
    slice: usize,
    /// Threads of Taper and of its peers [default: all]
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
    /// Count the time on a processor instead of the wall's: for a machine that is busy with other work (--threads 1)
    #[arg(long)]
    busy: bool,
    /// pytorch, onnxruntime (inference), jax
    #[arg(long, value_name = "A,B", default_value = "pytorch,onnxruntime", value_delimiter = ',', action = ArgAction::Set,
          value_parser = ["pytorch", "onnxruntime", "jax"])]
    peers: Vec<String>,
    /// torch.compile takes part in every so manieth network, as compiling takes long; 0: in none
    #[arg(long, value_name = "N", default_value = "10")]
    compile_every: u64,
    /// Say where Taper's time goes on the worst: by `perf`, or what each layer adds where there is none
    #[arg(long)]
    profile: bool,
    /// Print the networks as JSON, and measure nothing
    #[arg(long)]
    list: bool,
    /// Run Taper's side of one network alone, for a profiler: train or infer
    #[arg(long, value_enum, value_name = "MODE", requires = "only")]
    alone: Option<Mode>,
    /// (--alone) how long it runs
    #[arg(long, value_name = "S", default_value = "3")]
    seconds: f64,
    /// Append the distribution to benches/results/, and every network's description and rates to ….jsonl
    #[arg(long)]
    record: bool,
    /// Use this Python environment instead of making target/peers-venv
    #[arg(long, value_name = "DIR")]
    venv: Option<PathBuf>,
}

impl RandomNetworks {
    /// Draws, measures and tells. `arguments` are those it was read from, for the record.
    pub(crate) fn run(&self, arguments: &[String]) -> Result<()> {
        let threads = threads(self.threads);
        self.clock(threads)?;
        let networks = self.networks()?;
        if self.list {
            for network in networks {
                say(serde_json::to_string(&network)?);
            }
            return Ok(());
        }
        // Users call from `main`, and so does this; only the number of threads is not left to the machine.
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()?;
        if let Some(mode) = self.alone {
            return self.replay(&networks, mode);
        }
        self.compare(&networks, threads, arguments)
    }

    fn networks(&self) -> Result<Vec<Network>> {
        let all: Vec<u64> = (0..self.count as u64).collect();
        let chosen = if self.only.is_empty() {
            &all
        } else {
            &self.only
        };
        let drawn = chosen.iter().map(|&index| draw::network(self.seed, index));
        Ok(drawn.collect::<taper_nn::Result<_>>()?)
    }

    /// Taper alone, one network after the other.
    fn replay(&self, networks: &[Network], mode: Mode) -> Result<()> {
        if !(self.seconds > 0.0 && self.seconds <= 1e6) {
            return Err(wrong("--seconds must be more than 0 and at most a million"));
        }
        for network in networks {
            let mut side = Side::new(network)?;
            let seconds = side.clock(mode, Duration::from_secs_f64(self.seconds), Clock::Wall)?;
            say(format!(
                "{:.4} ms a step of {}: {}",
                1000.0 * seconds,
                mode.name(),
                network.words()
            ));
        }
        Ok(())
    }

    fn compare(&self, networks: &[Network], threads: usize, arguments: &[String]) -> Result<()> {
        let options = Options {
            threads,
            venv: self.venv.clone(),
            command: crate::options::command("random", arguments),
            ..Options::parse("random", &[], "", &[])?
        };
        let wanted = [
            "--threads",
            &threads.to_string(),
            "--peers",
            &self.peers.join(","),
        ];
        let wanted = wanted.map(str::to_owned);
        let mut peer = peers::start_python("random_server.py", &options, &wanted)?;
        let turns = Turns {
            rounds: self.rounds,
            slice: Duration::from_millis(self.slice as u64),
            clock: self.clock(threads)?,
        };
        let mut finding = Finding::default();
        let mut awake = Awake::default();
        let mut outcomes: Vec<Outcome> = Vec::new();
        let started = Instant::now();
        for (place, network) in networks.iter().enumerate() {
            if place % 10 == 0 {
                finding.look_around();
            }
            let compiled = self.compiles(network);
            let outcome = contest(network, &mut peer, compiled, turns, &MODES, &mut awake)?;
            let told = MODES.map(|mode| {
                let race = report::race(&outcome, mode);
                race.map_or("–".to_owned(), |race| format!("{:.2}×", race.ratio()))
            });
            let gone = started.elapsed().as_secs();
            murmur(format!(
                "\r{}/{} ({gone} s): network {}: training {}, inference {}   ",
                place + 1,
                networks.len(),
                network.index,
                told[0],
                told[1]
            ));
            outcomes.push(outcome);
        }
        murmur("\n");
        self.again(&mut outcomes, &mut peer, turns, &mut awake)?;
        finding.figures = report::ratios(&outcomes, Mode::Train);
        for mode in MODES {
            let mut sample = Sample::new(mode.name(), "times");
            sample.version.clone_from(&peer.version);
            sample.values = report::ratios(&outcomes, mode);
            finding.samples.push(sample);
        }
        if self.profile {
            // It takes minutes: what is known already is told.
            complain(MODES.map(|mode| report::row(&outcomes, mode)).concat());
        }
        finding.detail = self.told(&outcomes, &awake, threads, &mut peer)?;
        say(format!("{}{}", finding.detail, finding.warning()));
        if self.record {
            let title = format!("random networks, seed {}", self.seed);
            record::finding(&options, &title, &finding)?;
            self.keep(&outcomes)?;
        }
        let wrong: Vec<String> = outcomes
            .iter()
            .filter(|outcome| !outcome.complaints.is_empty())
            .map(|outcome| {
                format!(
                    "{} ({})",
                    outcome.network.index,
                    outcome.complaints.join("; ")
                )
            })
            .collect();
        if !wrong.is_empty() {
            bail!("not the same on all sides: {}", wrong.join(", "));
        }
        Ok(())
    }

    fn clock(&self, threads: usize) -> Result<Clock> {
        match (self.busy, threads) {
            (false, _) => Ok(Clock::Wall),
            (true, 1) => Ok(Clock::Processor),
            (true, _) => Err(wrong("--busy is for one thread: add --threads 1")),
        }
    }

    fn compiles(&self, network: &Network) -> bool {
        self.compile_every > 0 && network.index.is_multiple_of(self.compile_every)
    }

    /// The worst are measured once more, and the rounds of both times count: of many ratios the lowest are those that a
    /// busy moment fell on.
    fn again(
        &self,
        outcomes: &mut [Outcome],
        peer: &mut Peer,
        turns: Turns,
        awake: &mut Awake,
    ) -> Result<()> {
        let mut places: Vec<usize> = MODES
            .into_iter()
            .flat_map(|mode| report::worst(outcomes, mode))
            .collect();
        places.sort_unstable();
        places.dedup();
        for place in places {
            let outcome = &mut outcomes[place];
            let compiled = self.compiles(&outcome.network);
            let second = contest(&outcome.network, peer, compiled, turns, &MODES, awake)?;
            for (race, second) in [
                (&mut outcome.train, second.train),
                (&mut outcome.infer, second.infer),
            ] {
                if let (Some(race), Some(second)) = (race, second) {
                    race.add(second);
                }
            }
        }
        Ok(())
    }

    fn told(
        &self,
        outcomes: &[Outcome],
        awake: &Awake,
        threads: usize,
        peer: &mut Peer,
    ) -> Result<String> {
        let mut text = format!(
            "Random networks of seed {}, {threads} threads, {}{} rounds of {} ms\n\n{}",
            self.seed,
            if self.busy {
                "time on the processor, "
            } else {
                ""
            },
            self.rounds,
            self.slice,
            report::HEAD
        );
        for mode in MODES {
            text += &report::row(outcomes, mode);
        }
        for (mode, name) in [(Mode::Train, "training"), (Mode::Infer, "inference")] {
            let _ = write!(text, "\nThe worst in {name}:\n\n");
            for place in report::worst(outcomes, mode) {
                let outcome = &outcomes[place];
                let _ = writeln!(text, "- {}", report::line(outcome, mode));
                if self.profile {
                    for line in
                        profile::lines(&outcome.network, mode, threads, self.clock(threads)?, peer)?
                    {
                        let _ = writeln!(text, "  - {line}");
                    }
                }
            }
        }
        if awake.during > 0.0 {
            let share = 100.0 * awake.peer / awake.during;
            let _ = writeln!(
                text,
                "\nWhile Taper ran, the peers took {share:.2} % of a core."
            );
        }
        Ok(text)
    }

    /// A line of JSON for every network: description, rates and ratios.
    fn keep(&self, outcomes: &[Outcome]) -> Result<()> {
        let path = format!("{}-random-{}.jsonl", record::stem()?.display(), self.seed);
        let mut text = String::new();
        for outcome in outcomes {
            let line = json!({
                "network": outcome.network, "words": outcome.network.words(), "complaints": outcome.complaints,
                "train": outcome.train.as_ref().map(race::Race::json),
                "infer": outcome.infer.as_ref().map(race::Race::json),
            });
            let _ = writeln!(text, "{line}");
        }
        std::fs::write(&path, text)?;
        complain(format!("every network in {path}"));
        Ok(())
    }
}
