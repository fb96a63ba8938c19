//! Every step of writing of a run fails in turn: writing itself, syncing, renaming, opening, making.

use anyhow::Result;
use taper_files::faults::Fail;

use super::lab::Lab;
use super::place::{Place, Whole};
use super::plan::{Found, Plan};

/// Lets every so many-th step of a new run fail by itself, then every step of what is left of one that was broken off, and
/// goes on with each, which meets another fault on its way. Nothing is lost that was said to be done, and every file is an old or a new one.
///
/// # Errors
/// Files that cannot be written although nothing was to fail: no fault of what is tried.
pub(crate) fn faults(place: &Place, whole: &Whole, plan: &Plan<'_>) -> Result<Found> {
    let mut found = Found::default();
    let lab = Lab::new(place, whole, "faults")?;
    let new = lab
        .steps
        .iter()
        .enumerate()
        .map(|(step, action)| (step, action, false));
    let left = lab
        .steps_left
        .iter()
        .enumerate()
        .map(|(step, action)| (step, action, true));
    let all: Vec<_> = new.chain(left).step_by(plan.every).collect();
    for &(step, action, left) in &all {
        if plan.watch.stopped() {
            break;
        }
        let name = if left { "what was left" } else { "a new run" };
        let what = format!("step {step} of {name} failed ({action:?})");
        let wrong = lab.attempt(
            &format!("{}-{step}", if left { "left" } else { "new" }),
            Fail::Once(step),
            left,
        )?;
        found.count(if left {
            "steps of runs gone on with"
        } else {
            "steps of new runs"
        });
        found.round(all.len(), &what, wrong, plan.watch);
    }
    Ok(found)
}
