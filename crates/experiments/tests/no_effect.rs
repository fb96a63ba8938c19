//! Few repeats of `examples/no_effect`: intervals hold about as often as they promise, and chance is seldom taken for a
//! difference. Of 200 studies the bounds are three standard errors from 95 and 5 %.

#[path = "../examples/no_effect/simulation.rs"]
mod simulation;

use simulation::{SETTINGS, simulate};

#[test]
fn intervals_hold_and_chance_is_not_taken_for_a_difference() {
    for setting in SETTINGS {
        let found = simulate(setting, 200, 300);
        let holds = |share: f64| (0.90..=0.99).contains(&share);
        let sound = holds(found.differences) && holds(found.accuracies) && found.told < 0.1;
        assert!(sound, "{}: {found:?}", setting.name);
        let corrected = found.corrected <= found.uncorrected && found.corrected < 0.1;
        assert!(corrected, "{}: {found:?}", setting.name);
    }
}
