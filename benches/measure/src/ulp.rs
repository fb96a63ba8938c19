//! `cargo xtask ulp`: the functions of `taper_tensor::kernels::math` over every f32 there is: the worst error of each against
//! f64, and whether all instruction sets of this machine have the same bits. Of powers, each exponent of a grid sees its share
//! of the f32. A digest of the bits is what machines of other kinds can be compared by.

use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use rayon::prelude::*;
use taper_tensor::kernels::math::{Function, Power};
use taper_tensor::simd::InstructionSet;

use crate::output::{complain, say};
use crate::usage::wrong;

/// Its options.
#[derive(Parser)]
#[command(
    bin_name = "cargo xtask ulp",
    no_binary_name = true,
    about = "Measure the worst error of every function of f32 over all inputs, and compare instruction sets bit by bit"
)]
pub(crate) struct Ulp {
    /// Only these functions
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    only: Vec<String>,
    /// Every so many-th f32; 1: all 4,294,967,296 of them (some minutes a function)
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,
}

/// The exponents of powers: whole, odd, even, halves, thirds, tiny, huge, and those that have cases of their own.
const EXPONENTS: [f32; 32] = [
    0.0,
    1.0,
    -1.0,
    2.0,
    -2.0,
    3.0,
    -3.0,
    4.0,
    0.5,
    -0.5,
    1.5,
    -1.5,
    1.0 / 3.0,
    0.25,
    0.75,
    0.9,
    2.2,
    std::f32::consts::PI,
    7.0,
    -7.0,
    10.0,
    0.1,
    -0.1,
    63.0,
    -100.5,
    1e-3,
    1e5,
    16_777_215.0,
    1e-30,
    1e30,
    f32::INFINITY,
    f32::NEG_INFINITY,
];

/// What is measured.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Function(Function),
    /// Each input to one of `EXPONENTS`.
    Powers,
}

impl Subject {
    fn all() -> Vec<Subject> {
        let functions = Function::ALL.iter().copied().map(Subject::Function);
        functions.chain([Subject::Powers]).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Subject::Function(function) => function.name(),
            Subject::Powers => "pow",
        }
    }

    fn bound(self) -> f64 {
        match self {
            Subject::Function(function) => function.bound(),
            Subject::Powers => Power::BOUND,
        }
    }

    /// `number` is that of the inputs' piece: it chooses the exponent.
    fn apply_in_place_on(self, set: InstructionSet, number: u64, x: &mut [f32]) {
        match self {
            Subject::Function(function) => function.apply_in_place_on(set, x),
            Subject::Powers => exponent(number).apply_in_place_on(set, x),
        }
    }

    fn error(self, number: u64, x: f32, found: f32) -> f64 {
        match self {
            Subject::Function(function) => function.error(x, found),
            Subject::Powers => exponent(number).error(x, found),
        }
    }
}

/// Input `i` is to this power if its number modulo that of the exponents is `number`'s.
fn exponent(number: u64) -> Power {
    Power(EXPONENTS[(number % EXPONENTS.len() as u64) as usize])
}

/// Inputs that are looked at together.
const PIECE: usize = 1 << 14;
/// Inputs of a line of progress.
const PART: u64 = 1 << 28;

/// The worst of some inputs.
#[derive(Clone, Copy, Debug)]
struct Worst {
    error: f64,
    at: f32,
    /// Inputs at which an instruction set has other bits than the portable one.
    differing: u64,
    /// A sum over all inputs of a hash of their bits and the result's.
    digest: u64,
}

impl Worst {
    const NONE: Worst = Worst {
        error: 0.0,
        at: 0.0,
        differing: 0,
        digest: 0,
    };

    fn and(self, other: Worst) -> Worst {
        let worse = if other.error > self.error {
            other
        } else {
            self
        };
        Worst {
            differing: self.differing + other.differing,
            digest: self.digest.wrapping_add(other.digest),
            ..worse
        }
    }
}

impl Ulp {
    pub(crate) fn parse(arguments: &[String]) -> anyhow::Result<Ulp> {
        Ok(Ulp::try_parse_from(arguments)?)
    }

    /// Prints a table; exit code 1 when a function misses its bound or a set has other bits.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let subjects = self.subjects()?;
        let sets: Vec<InstructionSet> = InstructionSet::ALL
            .into_iter()
            .filter(|set| set.is_available())
            .collect();
        let names: Vec<&str> = sets.iter().map(|set| set.name()).collect();
        say(format!(
            "every {} f32, error in units of the last place; bits compared on {}",
            match self.every {
                1 => "one".to_owned(),
                every => format!("{every}th"),
            },
            names.join(", ")
        ));
        let mut good = true;
        for subject in subjects {
            let started = Instant::now();
            let worst = self.worst(subject, &sets);
            good &= worst.error < subject.bound() && worst.differing == 0;
            say(format!(
                "{:<10} {:>6.3} at {:>14e}   bound {}   {} inputs with other bits   digest {:016x}   {:.0} s",
                subject.name(),
                worst.error,
                worst.at,
                subject.bound(),
                worst.differing,
                worst.digest,
                started.elapsed().as_secs_f64()
            ));
        }
        Ok(if good {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn subjects(&self) -> anyhow::Result<Vec<Subject>> {
        let all = Subject::all();
        let named = |name: &String| {
            let found = all.iter().find(|subject| subject.name() == name);
            found.copied().ok_or_else(|| {
                let known: Vec<&str> = all.iter().map(|subject| subject.name()).collect();
                wrong(format!(
                    "no function is called `{name}`; there are: {}",
                    known.join(", ")
                ))
            })
        };
        if self.only.is_empty() {
            return Ok(all);
        }
        self.only.iter().map(named).collect()
    }

    fn worst(&self, subject: Subject, sets: &[InstructionSet]) -> Worst {
        let count = (1u64 << 32).div_ceil(u64::from(self.every));
        let mut worst = Worst::NONE;
        for first in (0..count).step_by(PART as usize) {
            let part = first..count.min(first + PART);
            let pieces = (part.end - part.start).div_ceil(PIECE as u64);
            let found = (0..pieces).into_par_iter().map(|piece| {
                let first = part.start + piece * PIECE as u64;
                self.piece(subject, sets, first..part.end.min(first + PIECE as u64))
            });
            worst = worst.and(found.reduce(|| Worst::NONE, Worst::and));
            complain(format!("{}: {} %", subject.name(), 100 * part.end / count));
        }
        worst
    }

    fn piece(&self, subject: Subject, sets: &[InstructionSet], inputs: Range<u64>) -> Worst {
        // Powers take every 32nd number each, so that all exponents see numbers of all sizes.
        let groups = match subject {
            Subject::Function(_) => 1,
            Subject::Powers => EXPONENTS.len() as u64,
        };
        let mut worst = Worst::NONE;
        for group in 0..groups {
            let numbers = (inputs.start + group..inputs.end).step_by(groups as usize);
            let bits = numbers.map(|number| (number * u64::from(self.every)) as u32);
            let x: Vec<f32> = bits.map(f32::from_bits).collect();
            worst = worst.and(compared(subject, sets, group, &x));
        }
        worst
    }
}

fn compared(subject: Subject, sets: &[InstructionSet], group: u64, x: &[f32]) -> Worst {
    let mut portable = x.to_vec();
    subject.apply_in_place_on(InstructionSet::Portable, group, &mut portable);
    let mut worst = Worst::NONE;
    for (&x, &y) in x.iter().zip(&portable) {
        let error = subject.error(group, x, y);
        if error > worst.error {
            (worst.error, worst.at) = (error, x);
        }
        let hash = mixed(u64::from(x.to_bits()) << 32 | u64::from(y.to_bits()));
        worst.digest = worst.digest.wrapping_add(hash);
    }
    for &set in sets {
        let mut found = x.to_vec();
        subject.apply_in_place_on(set, group, &mut found);
        let pairs = found.iter().zip(&portable);
        let differing = pairs.filter(|(a, b)| a.to_bits() != b.to_bits()).count();
        worst.differing += differing as u64;
    }
    worst
}

/// The last steps of SplitMix64: every bit of the result depends on every bit of the word.
fn mixed(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}
