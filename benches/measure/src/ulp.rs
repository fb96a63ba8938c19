//! `cargo xtask ulp`: the functions of `taper_tensor::kernels::math` over every f32 there is: the worst error of each against
//! f64, and whether all instruction sets of this machine have the same bits.

use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use rayon::prelude::*;
use taper_tensor::kernels::math::Function;
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
}

impl Worst {
    const NONE: Worst = Worst {
        error: 0.0,
        at: 0.0,
        differing: 0,
    };

    fn and(self, other: Worst) -> Worst {
        let worse = if other.error > self.error {
            other
        } else {
            self
        };
        Worst {
            differing: self.differing + other.differing,
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
        let functions = self.functions()?;
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
        for function in functions {
            let started = Instant::now();
            let worst = self.worst(function, &sets);
            good &= worst.error < function.bound() && worst.differing == 0;
            say(format!(
                "{:<10} {:>6.3} at {:>14e}   bound {}   {} inputs with other bits   {:.0} s",
                function.name(),
                worst.error,
                worst.at,
                function.bound(),
                worst.differing,
                started.elapsed().as_secs_f64()
            ));
        }
        Ok(if good {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn functions(&self) -> anyhow::Result<Vec<Function>> {
        let named = |name: &String| {
            let found = Function::ALL
                .iter()
                .find(|function| function.name() == name);
            found.copied().ok_or_else(|| {
                let known: Vec<&str> = Function::ALL
                    .iter()
                    .map(|function| function.name())
                    .collect();
                wrong(format!(
                    "no function is called `{name}`; there are: {}",
                    known.join(", ")
                ))
            })
        };
        if self.only.is_empty() {
            return Ok(Function::ALL.to_vec());
        }
        self.only.iter().map(named).collect()
    }

    fn worst(&self, function: Function, sets: &[InstructionSet]) -> Worst {
        let count = (1u64 << 32).div_ceil(u64::from(self.every));
        let mut worst = Worst::NONE;
        for first in (0..count).step_by(PART as usize) {
            let part = first..count.min(first + PART);
            let pieces = (part.end - part.start).div_ceil(PIECE as u64);
            let found = (0..pieces).into_par_iter().map(|piece| {
                let first = part.start + piece * PIECE as u64;
                self.piece(function, sets, first..part.end.min(first + PIECE as u64))
            });
            worst = worst.and(found.reduce(|| Worst::NONE, Worst::and));
            complain(format!("{}: {} %", function.name(), 100 * part.end / count));
        }
        worst
    }

    fn piece(&self, function: Function, sets: &[InstructionSet], inputs: Range<u64>) -> Worst {
        let bits = inputs.map(|number| (number * u64::from(self.every)) as u32);
        let x: Vec<f32> = bits.map(f32::from_bits).collect();
        let mut portable = x.clone();
        function.apply_in_place_on(InstructionSet::Portable, &mut portable);
        let mut worst = Worst::NONE;
        for (&x, &y) in x.iter().zip(&portable) {
            let error = function.error(x, y);
            if error > worst.error {
                worst = Worst {
                    error,
                    at: x,
                    ..worst
                };
            }
        }
        for &set in sets {
            let mut found = x.clone();
            function.apply_in_place_on(set, &mut found);
            let pairs = found.iter().zip(&portable);
            let differing = pairs.filter(|(a, b)| a.to_bits() != b.to_bits()).count();
            worst.differing += differing as u64;
        }
        worst
    }
}
