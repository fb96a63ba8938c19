//! `taper bench`: how long steps and epochs take, and curves of it over sizes.

mod chart;
mod curve;
mod epoch;
mod step;
mod sweep;

use clap::{Args, Subcommand};

use super::Done;

#[derive(Args)]
pub(super) struct Bench {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Time a step: forward, backward and Adam on a fixed batch; or forward only
    Step(step::Step),
    /// Time epochs of the study: training and validation, nothing else
    Epoch(epoch::Epoch),
    /// Draw the cost of an image over batch sizes, widths, image sizes and epochs, and name cliffs
    Sweep(sweep::Sweep),
}

impl Bench {
    pub(super) fn run(&self) -> Done {
        match &self.command {
            Command::Step(step) => step.run(),
            Command::Epoch(epoch) => epoch.run(),
            Command::Sweep(sweep) => sweep.run(),
        }
    }
}

/// Lowest, median, highest; at least one figure.
fn spread(figures: &[f64]) -> (f64, f64, f64) {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len() - 1;
    // Of an even number, the mean of the two in the middle.
    let median = (sorted[last / 2] + sorted[last.div_ceil(2)]) / 2.0;
    (sorted[0], median, sorted[last])
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn spread_of_odd_and_even_counts() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), (1.0, 2.0, 3.0));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), (1.0, 2.5, 4.0));
        assert_eq!(spread(&[5.0]), (5.0, 5.0, 5.0));
    }
}
