//! Tries what `taper_experiments::statistics` promises, on made-up networks between which there is no difference.
//!
//! ```text
//! cargo run --release -p taper-experiments --example no_effect [REPEATS]
//! ```
//!
//! It ends with an error if an interval holds in less than 93 % or more than 97 % of the cases, or if chance is taken for
//! a difference in 5 % of the studies or more. A shorter one is `tests/no_effect.rs`.

mod simulation;

use std::process::ExitCode;

use simulation::{SETTINGS, simulate};

fn main() -> ExitCode {
    let repeats = std::env::args()
        .nth(1)
        .map_or(Ok(1_000), |text| text.parse());
    let Ok(repeats) = repeats else {
        eprintln!("how many repeats? A whole number, such as 1000");
        return ExitCode::from(2);
    };
    println!(
        "{repeats} repeats, three comparisons with one reference, no difference between any of them"
    );
    let mut sound = true;
    for setting in SETTINGS {
        let found = simulate(setting, repeats, 1_000);
        println!(
            "{}: intervals of differences hold in {:.1} %, of accuracies in {:.1} %; p below 0.05 somewhere in {:.1} % of \
             studies, in {:.1} % with Holm's correction, called better or worse in {:.1} %",
            setting.name,
            found.differences * 100.0,
            found.accuracies * 100.0,
            found.uncorrected * 100.0,
            found.corrected * 100.0,
            found.told * 100.0,
        );
        let holds = |share: f64| (0.93..=0.97).contains(&share);
        sound &= holds(found.differences) && holds(found.accuracies);
        sound &= found.corrected < 0.05 && found.told < 0.05;
    }
    match sound {
        true => ExitCode::SUCCESS,
        false => {
            eprintln!("that is not what they promise");
            ExitCode::FAILURE
        }
    }
}
