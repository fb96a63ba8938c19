//! In small, what `cargo xtask soak` does in full: trainings that are killed, asked to stop, and given disks that fail end
//! in the bits of one that was left alone.

#[path = "../../../benches/measure/src/trials/mod.rs"]
mod trials;

use std::path::Path;

use trials::{Found, Place, Plan, Watch, Whole};

/// Nobody.
struct Unwatched;

impl Watch for Unwatched {
    fn stopped(&self) -> bool {
        false
    }

    fn progress(&self, _done: usize, _of: usize, _found: &Found) {}
}

fn plan(rounds: usize, every: usize) -> Plan<'static> {
    Plan {
        rounds,
        seed: 7,
        every,
        watch: &Unwatched,
    }
}

/// A place to disturb trainings in, as long as its folder lives, and the one that is left alone.
fn place() -> (tempfile::TempDir, Place, Whole) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_taper"));
    let place = Place::new(program, folder.path(), 128).expect("a study");
    let whole = place.whole().expect("an undisturbed training");
    (folder, place, whole)
}

fn sound(found: &Found, rounds: usize) {
    assert!(found.differences.is_empty(), "{found:#?}");
    assert!(found.rounds >= rounds, "{found:?}");
}

#[test]
fn killed_trainings_end_in_the_same_bits() {
    let (_folder, place, whole) = place();
    let found = trials::kill(&place, &whole, &plan(3, 1)).expect("a place to try it");
    sound(&found, 3);
    assert!(found.counts.contains_key("kills"), "{found:?}");
}

#[cfg(unix)]
#[test]
fn trainings_that_are_asked_to_stop_end_in_the_same_bits() {
    let (_folder, place, whole) = place();
    let found = trials::signals(&place, &whole, &plan(4, 1)).expect("a place to try it");
    sound(&found, 4);
    assert!(found.counts.contains_key("stopped"), "{found:?}");
}

#[test]
fn full_disks_cost_nothing_that_was_done() {
    let (_folder, place, whole) = place();
    let found = trials::full(&place, &whole, &plan(1, 31)).expect("a place to try it");
    sound(&found, 5);
}

#[test]
fn steps_that_fail_cost_nothing_that_was_done() {
    let (_folder, place, whole) = place();
    let found = trials::faults(&place, &whole, &plan(1, 7)).expect("a place to try it");
    sound(&found, 20);
}
