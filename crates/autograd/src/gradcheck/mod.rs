//! Gradient checking: the tape's gradients against central differences, in f64.
//!
//! A [`Spec`] names an operation (or a layer, a loss, …) and draws random [`Sample`]s of it: inputs, and a function
//! of them. [`check`] compares, for one sample, the gradients of Σ output · weights (random weights) with
//! (f(x + h) − f(x − h)) / 2h at some of the coordinates; [`run`] does so for many samples.
//!
//! ```
//! use taper_autograd::gradcheck::{self, Sample, Spec};
//!
//! let spec = Spec {
//!     name: "norm",
//!     formula: "√Σx²",
//!     sample: |sampler| {
//!         let shape = sampler.shape(1, 3, 4);
//!         Sample::new(|v| v[0].square().sum().sqrt()).input("x", sampler.away_from_zero(&shape))
//!     },
//! };
//! let report = gradcheck::run(&spec, 10, 7);
//! assert!(report.worst <= 1e-6, "{}", report.description);
//! ```

mod compare;
mod sampler;
mod twice;

pub use sampler::Sampler;
pub(crate) use sampler::well_separated;

use crate::{Tape, Var};
use std::fmt::{self, Display};
use taper_tensor::{Result, Tensor};

/// Coordinates compared in one sample, at most; larger samples are probed at random ones.
pub const COORDINATES: usize = 64;

/// A row of a table of things to check.
#[derive(Clone, Copy)]
pub struct Spec {
    /// What it is called, e.g. `matmul`.
    pub name: &'static str,
    /// What it computes, e.g. `a · b`.
    pub formula: &'static str,
    /// Draws a sample.
    pub sample: fn(&mut Sampler) -> Sample,
}

/// Inputs, and a function of them to check.
pub struct Sample {
    inputs: Vec<(String, Tensor<f64>)>,
    function: Box<Function>,
}

type Function = dyn Fn(&[Var<f64>]) -> Result<Var<f64>, String>;

impl Sample {
    /// A sample of `function`, which gets the inputs in the order in which [`Sample::input`] adds them. It returns
    /// a variable of any shape, or a `Result` of one.
    ///
    /// It is called many times and must compute the same every time.
    pub fn new<R: Outcome>(function: impl Fn(&[Var<f64>]) -> R + 'static) -> Self {
        Sample {
            inputs: Vec::new(),
            function: Box::new(move |inputs| function(inputs).outcome()),
        }
    }

    /// Adds an input whose gradient is to be checked.
    pub fn input(mut self, name: impl Into<String>, value: Tensor<f64>) -> Self {
        self.inputs.push((name.into(), value));
        self
    }

    /// Adds several inputs, or an optional one.
    pub fn inputs_from<N: Into<String>>(
        mut self,
        inputs: impl IntoIterator<Item = (N, Tensor<f64>)>,
    ) -> Self {
        self.inputs
            .extend(inputs.into_iter().map(|(name, value)| (name.into(), value)));
        self
    }

    /// The inputs with their names.
    pub fn inputs(&self) -> &[(String, Tensor<f64>)] {
        &self.inputs
    }

    /// The function at `inputs`, put on `tape` as parameters where `wanted` says so. Returns the inputs' variables
    /// and the output.
    fn apply(
        &self,
        tape: &Tape<f64>,
        inputs: &[Tensor<f64>],
        wanted: impl Fn(usize) -> bool,
    ) -> Result<(Vec<Var<f64>>, Var<f64>), String> {
        let on_tape = |(i, input)| {
            if wanted(i) {
                tape.parameter(input)
            } else {
                tape.constant(input)
            }
        };
        let variables: Vec<_> = inputs.iter().enumerate().map(on_tape).collect();
        let output = (self.function)(&variables)?;
        Ok((variables, output))
    }
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample")
            .field("inputs", &self.inputs)
            .finish_non_exhaustive()
    }
}

/// What a sample's function may return: a variable, or a `Result` of one with any error.
pub trait Outcome {
    /// The variable, or the error's text.
    fn outcome(self) -> Result<Var<f64>, String>;
}

impl Outcome for Var<f64> {
    fn outcome(self) -> Result<Var<f64>, String> {
        Ok(self)
    }
}

impl<X: Display> Outcome for Result<Var<f64>, X> {
    fn outcome(self) -> Result<Var<f64>, String> {
        self.map_err(|error| error.to_string())
    }
}

/// How far the tape's gradients of one sample are from the differences.
#[derive(Clone, Debug)]
pub struct CaseResult {
    /// The largest |a − n| / max(1, |a|, |n|) over the coordinates, a the tape's and n the numerical derivative.
    /// Infinite when either is not a number, or when the sample failed.
    pub worst: f64,
    /// How many coordinates were compared.
    pub coordinates: usize,
    /// Where the worst coordinate is and what was found there; or why the sample failed.
    pub description: String,
}

/// The outcome of [`run`].
#[derive(Clone, Debug)]
pub struct Report {
    /// What was checked.
    pub name: String,
    /// How many samples were drawn.
    pub cases: u64,
    /// The worst relative error of all samples; infinite when a sample failed.
    pub worst: f64,
    /// Which sample was the worst, where and how.
    pub description: String,
}

/// Checks `cases` samples of `spec`. The same seed draws the same samples.
pub fn run(spec: &Spec, cases: u64, seed: u64) -> Report {
    run_samples(spec.name, spec.sample, cases, seed)
}

/// As [`run`], for second derivatives.
///
/// ```
/// use taper_autograd::{gradcheck, ops};
/// let spec = ops::all().iter().find(|spec| spec.name == "tanh").unwrap();
/// let report = gradcheck::run_twice(spec, 5, 7);
/// assert!(report.worst <= 1e-6, "{}", report.description);
/// ```
pub fn run_twice(spec: &Spec, cases: u64, seed: u64) -> Report {
    run_by(spec.name, spec.sample, cases, seed, check_twice)
}

/// As [`run`], for samples that a closure draws.
pub fn run_samples(
    name: impl Into<String>,
    sample: impl FnMut(&mut Sampler) -> Sample,
    cases: u64,
    seed: u64,
) -> Report {
    run_by(name, sample, cases, seed, check)
}

fn run_by(
    name: impl Into<String>,
    mut sample: impl FnMut(&mut Sampler) -> Sample,
    cases: u64,
    seed: u64,
    check: fn(&Sample, &mut Sampler) -> CaseResult,
) -> Report {
    let mut report = Report {
        name: name.into(),
        cases,
        worst: 0.0,
        description: "no case".into(),
    };
    for case in 0..cases {
        let mut sampler = Sampler::new(seed, case);
        let sample = sample(&mut sampler);
        let result = check(&sample, &mut sampler);
        if case == 0 || result.worst > report.worst {
            report.worst = result.worst;
            report.description = format!("case {case} of seed {seed}: {}", result.description);
        }
    }
    report
}

/// Compares the gradients of `sample` with central differences at up to [`COORDINATES`] coordinates, drawn from
/// `sampler`; and, for each input, its gradient when it is the only one wanted.
pub fn check(sample: &Sample, sampler: &mut Sampler) -> CaseResult {
    compare::compare(sample, sampler).unwrap_or_else(|description| CaseResult {
        worst: f64::INFINITY,
        coordinates: 0,
        description,
    })
}

/// Compares second derivatives: those that the tape has of Σ gradient · direction (random directions, the gradients those of
/// [`Var::gradients`]) with central differences of the same sum, made of the gradients that [`check`] compares.
pub fn check_twice(sample: &Sample, sampler: &mut Sampler) -> CaseResult {
    twice::compare(sample, sampler).unwrap_or_else(|description| CaseResult {
        worst: f64::INFINITY,
        coordinates: 0,
        description,
    })
}
