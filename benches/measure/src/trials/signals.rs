//! Trainings that are asked to stop, twice, at random moments: each saves, says by its exit code what stopped it, and can
//! be gone on with.

use anyhow::Result;

use super::place::{Place, Whole};
use super::plan::{Found, Plan};

/// Elsewhere there are no such signals.
///
/// # Errors
/// Always: says so.
#[cfg(not(unix))]
pub(crate) fn signals(_: &Place, _: &Whole, _: &Plan<'_>) -> Result<Found> {
    anyhow::bail!("signals are sent on Unix only; on this system the parts are: kill, full, faults")
}

/// Sends pairs of SIGINT, SIGTERM and SIGHUP to as many trainings as the plan has rounds, the second one up to 2.5 s after
/// the first (half of them within 30 ms), and goes on with each until it is finished.
///
/// # Errors
/// A program that cannot be started, files that cannot be written: no fault of what is tried.
#[cfg(unix)]
pub(crate) fn signals(place: &Place, whole: &Whole, plan: &Plan<'_>) -> Result<Found> {
    super::rounds::rounds("signals", place, plan, |random, out, found| {
        unix::attempt(place, whole, out, random, found)
    })
}

#[cfg(unix)]
mod unix {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;
    use std::time::Duration;

    use anyhow::Result;

    use crate::trials::child::Child;
    use crate::trials::ends::leftovers;
    use crate::trials::kill::compared;
    use crate::trials::place::{How, Place, Whole};
    use crate::trials::plan::Found;
    use crate::trials::random::Random;
    use crate::trials::rounds::Tried;

    const SIGNALS: [(&str, i32); 3] = [("INT", 2), ("TERM", 15), ("HUP", 1)];

    /// Which of two signals that come so close is seen first is up to the system, and to how busy it is.
    const CLOSE: Duration = Duration::from_millis(50);

    /// The two signals and what came of them.
    struct Pair {
        numbers: [i32; 2],
        /// How long after the first the second was sent; `None` if the program had ended by then.
        apart: Option<Duration>,
        status: ExitStatus,
    }

    /// One training.
    pub(super) fn attempt(
        place: &Place,
        whole: &Whole,
        out: &str,
        random: &mut Random,
        found: &mut Found,
    ) -> Result<Tried> {
        let how = How::any(random);
        let (first, second) = (random.choose(&SIGNALS), random.choose(&SIGNALS));
        let at = whole.time.mul_f64(random.share());
        let apart = Duration::from_secs_f64(random.choose(&[0.03, 2.5]) * random.share());
        let mut what = format!(
            "{how}, {} after {at:.3?}, {} {apart:.3?} later",
            first.0, second.0
        );

        let mut child = Child::start(&mut place.train(out, how), &place.log(out))?;
        let mut wrong = Vec::new();
        let disturbed = !child.ended_within(at)?;
        if disturbed {
            child.signal(first.0)?;
            let sent = child.age();
            let ended = child.ended_within(sent + apart)?;
            let apart = (!ended).then(|| child.age() - sent);
            if !ended {
                child.signal(second.0)?;
            }
            let status = child.end()?;
            what += &format!(", {status}");
            let pair = Pair {
                numbers: [first.1, second.1],
                apart,
                status,
            };
            let run = place.run(out);
            wrong.extend(pair.judge(run.is_some(), found));
            if let Some(run) = &run {
                wrong.extend(leftovers(run)?);
                wrong.extend(crate::trials::ends::unreadable(run)?);
            }
            // After the end as well: what is finished stays so.
            let mut command = match &run {
                Some(run) => place.resume(run, how),
                None => place.train(out, how),
            };
            let status = Child::start(&mut command, &place.log(out))?.end()?;
            if !status.success() {
                wrong.push(format!(
                    "going on with it: {status}, see {}",
                    place.log(out).display()
                ));
            }
        }
        if place.said(out).contains("panicked") {
            wrong.push(format!("a panic, see {}", place.log(out).display()));
        }
        wrong.extend(compared(place.run(out).as_deref(), whole)?);
        Ok(Tried {
            what,
            wrong,
            disturbed,
        })
    }

    impl Pair {
        /// What is wrong with how it ended; `began`: whether there is a run.
        fn judge(&self, began: bool, found: &mut Found) -> Option<String> {
            let close = self.apart.is_some_and(|apart| apart < CLOSE);
            let [first, second] = self.numbers;
            let is = |number: i32| number == first || (close && number == second);
            if self.apart.is_some() {
                found.count("second signals sent");
            }
            match (self.status.code(), self.status.signal()) {
                (Some(0), _) => found.count("finished all the same"),
                (Some(code), _) if is(code - 128) => found.count("stopped"),
                // It had only just been started, and did not listen yet.
                (None, Some(signal)) if is(signal) && !began => {
                    found.count("stopped before it listened")
                }
                _ => return Some(format!("it ended with {}", self.status)),
            }
            None
        }
    }
}
