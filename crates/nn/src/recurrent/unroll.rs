//! A cell through time: how a layer goes over a sequence, and the steps one behind the other.

use super::cell::{Cell, Passed};
use super::run::Run;
use crate::{Context, Error, Result};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// The outputs and states among the rows of an operation over all steps.
pub(super) fn outputs_of<E: Element>(y: &Var<E>, run: &Run, states: usize) -> Result<Passed<E>> {
    let &[n, rows, units] = y.shape() else {
        return Err(Error::layer("RNN", "outputs without rows"));
    };
    let behind = if run.return_state { states } else { 0 };
    let row = |row: usize| -> Result<Var<E>> { Ok(y.slice(1, row..row + 1)?.reshape([n, units])?) };
    let outputs = match (run.return_sequences, behind) {
        (true, 0) => y.clone(),
        (true, _) => y.slice(1, 0..rows - behind)?,
        (false, 0) => y.reshape([n, units])?,
        (false, _) => row(0)?,
    };
    let states: Result<Vec<_>> = (rows - behind..rows).map(row).collect();
    Ok(Passed {
        outputs,
        states: states?,
    })
}

/// Takes a cell over sequences `[n, steps, features]`, from zeros or from the states given.
pub(crate) fn unroll<E: Element>(
    cell: &dyn Cell<E>,
    run: &Run,
    x: &Var<E>,
    initial: &[&Var<E>],
    weights: &[Var<E>],
    context: &mut Context<E>,
) -> Result<Passed<E>> {
    if let Some(passed) = cell.whole(run, x, initial, weights, context)? {
        return Ok(passed);
    }
    let &[n, steps, features] = x.shape() else {
        let message = format!(
            "an input [n, steps, features] is wanted, this one is {:?}",
            x.shape()
        );
        return Err(Error::layer(cell.class_name(), message));
    };
    let tape = x.tape();
    let mask = context.mask().cloned();
    let drops = cell.drops(x, context)?;
    let mut states: Vec<Var<E>> = match initial {
        [] => {
            let sizes = cell.state_sizes().into_iter();
            sizes
                .map(|size| tape.constant(&Tensor::zeros([n, size])))
                .collect()
        }
        given => given.iter().map(|&state| state.clone()).collect(),
    };
    let mut output: Option<Var<E>> = None;
    let mut outputs = Vec::new();
    for step in 0..steps {
        let time = if run.go_backwards {
            steps - 1 - step
        } else {
            step
        };
        let now = x.slice(1, time..time + 1)?.reshape([n, features])?;
        let (mut y, mut next) = cell.step(&now, &states, weights, &drops)?;
        if let Some(mask) = &mask {
            let counts = mask.slice(1, time..time + 1)?;
            let choose = Choose::new(&counts, x);
            for (next, before) in next.iter_mut().zip(&states) {
                *next = choose.either(next, Some(before))?;
            }
            let before = output.as_ref().filter(|_| !run.zero_output_for_mask);
            y = choose.either(&y, before)?;
        }
        states = next;
        if run.return_sequences {
            let size = y.shape().last().copied().unwrap_or(0);
            outputs.push(y.reshape([n, 1, size])?);
        }
        output = Some(y);
    }
    let none = || Error::layer(cell.class_name(), "there is no step");
    let outputs = if run.return_sequences && !outputs.is_empty() {
        Var::concat(&outputs.iter().collect::<Vec<_>>(), 1)?
    } else {
        output.ok_or_else(none)?
    };
    Ok(Passed { outputs, states })
}

/// Which samples of a step count.
struct Choose<E: Element> {
    counts: Var<E>,
    others: Var<E>,
}

impl<E: Element> Choose<E> {
    /// Of a column `[n, 1]` of a mask.
    fn new(counts: &Tensor<E>, x: &Var<E>) -> Self {
        let truth = |x: E| if x.is_zero() { E::zero() } else { E::one() };
        let counts = counts.map(truth);
        Choose {
            others: x.tape().constant(&counts.map(|x| E::one() - x)),
            counts: x.tape().constant(&counts),
        }
    }

    /// The new value where a sample counts, the one before (or zero) elsewhere.
    fn either(&self, new: &Var<E>, before: Option<&Var<E>>) -> Result<Var<E>> {
        let new = new.mul(&self.counts)?;
        Ok(match before {
            Some(before) => new.add(&before.mul(&self.others)?)?,
            None => new,
        })
    }
}
