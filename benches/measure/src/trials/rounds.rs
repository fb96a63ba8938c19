//! Rounds of what is random, each with a training of its own.

use anyhow::Result;

use super::place::Place;
use super::plan::{Found, Plan};
use super::random::Random;

/// What was done to a training.
pub(super) struct Tried {
    /// In words.
    pub(super) what: String,
    /// Whatever was not as it should be.
    pub(super) wrong: Vec<String>,
    /// Whether it was disturbed at all: it may have been finished before.
    pub(super) disturbed: bool,
}

/// Tries until as many trainings were disturbed as the plan has rounds. A try gets random numbers and the name of a folder
/// of its own, which stays if anything was wrong.
pub(super) fn rounds(
    part: &str,
    place: &Place,
    plan: &Plan<'_>,
    mut attempt: impl FnMut(&mut Random, &str, &mut Found) -> Result<Tried>,
) -> Result<Found> {
    let mut found = Found::default();
    // On a machine that has become much faster since its speed was measured, few are met.
    for number in 0..20 * plan.rounds {
        if found.rounds == plan.rounds || plan.watch.stopped() {
            break;
        }
        let out = format!("{part}-{number}");
        place.clear(&out)?;
        let tried = attempt(&mut Random::of(plan.seed, number), &out, &mut found)?;
        if tried.wrong.is_empty() {
            place.clear(&out)?;
        }
        if tried.disturbed || !tried.wrong.is_empty() {
            found.round(plan.rounds, &tried.what, tried.wrong, plan.watch);
        } else {
            found.count("were finished too early and not counted");
        }
    }
    Ok(found)
}
