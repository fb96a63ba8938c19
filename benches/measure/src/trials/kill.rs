//! Trainings that are killed at random moments and gone on with: nothing they do is asked for, or heard of.

use std::path::Path;

use anyhow::Result;

use super::child::Child;
use super::ends::{differences, ends, unreadable};
use super::place::{How, Place, Whole};
use super::plan::{Found, Plan};
use super::random::Random;
use super::rounds::{Tried, rounds};

/// How many times a training is killed at most.
const MOST: usize = 3;

/// Kills as many trainings as the plan has rounds (SIGKILL), each up to three times, and goes on with each until it is
/// finished.
///
/// # Errors
/// A program that cannot be started, files that cannot be written: no fault of what is tried.
pub(crate) fn kill(place: &Place, whole: &Whole, plan: &Plan<'_>) -> Result<Found> {
    rounds("kill", place, plan, |random, out, found| {
        attempt(place, whole, out, random, found)
    })
}

/// One training.
fn attempt(
    place: &Place,
    whole: &Whole,
    out: &str,
    random: &mut Random,
    found: &mut Found,
) -> Result<Tried> {
    let kills = random.choose(&[1, 2, MOST]);
    let how = How::any(random);
    let mut what = how.to_string();
    let mut wrong = Vec::new();
    let mut killed = 0;
    loop {
        let run = place.run(out);
        let mut command = match &run {
            Some(run) => place.resume(run, how),
            None => place.train(out, how),
        };
        let mut child = Child::start(&mut command, &place.log(out))?;
        if killed < kills && !child.ended_within(whole.time.mul_f64(random.share()))? {
            let age = child.age().as_secs_f64();
            child.kill()?;
            killed += 1;
            found.count("kills");
            what += &format!(", killed after {age:.3} s");
            match place.run(out) {
                Some(run) => wrong.extend(unreadable(&run)?),
                // Without a study there is nothing to go on with.
                None => {
                    found.count("killed before there was a run");
                    let log = std::fs::read(place.log(out)).unwrap_or_default();
                    place.clear(out)?;
                    std::fs::write(place.log(out), log)?;
                }
            }
            continue;
        }
        let status = child.end()?;
        if !status.success() {
            wrong.push(format!("{status}, see {}", place.log(out).display()));
        }
        break;
    }
    if place.said(out).contains("panicked") {
        wrong.push(format!("a panic, see {}", place.log(out).display()));
    }
    wrong.extend(compared(place.run(out).as_deref(), whole)?);
    Ok(Tried {
        what,
        wrong,
        disturbed: killed > 0,
    })
}

/// What a finished run has other than the one that was left alone.
pub(super) fn compared(run: Option<&Path>, whole: &Whole) -> Result<Vec<String>> {
    let Some(run) = run else {
        return Ok(vec!["there is no run".to_owned()]);
    };
    Ok(match ends(run) {
        Ok(found) => differences(&found, &whole.ends),
        Err(error) => vec![format!("{error:#}")],
    })
}
