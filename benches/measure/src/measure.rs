//! What a measure is: a figure with a bound, the options it understands, and its row in the table of results.

use anyhow::Result;

use crate::finding::Finding;
use crate::options::{Options, split};
use crate::statistics::Spread;

/// Something that is measured against a bound.
#[derive(Debug)]
pub(crate) struct Measure {
    /// The word after `cargo xtask bench`.
    pub(crate) name: &'static str,
    /// One line on it.
    pub(crate) about: &'static str,
    pub(crate) unit: Unit,
    /// What has to be reached, if anything.
    pub(crate) must: Option<f64>,
    /// What it should become.
    pub(crate) goal: Option<f64>,
    /// Rounds unless told otherwise.
    pub(crate) rounds: usize,
    /// Options it understands beside `--rounds`, `--record` and `--help`.
    pub(crate) options: &'static [&'static str],
    /// Its own settings, as options; those of the command line come after them.
    pub(crate) settings: &'static str,
    pub(crate) run: fn(&Options) -> Result<Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Faster by so many times: more is better.
    Times,
    Seconds,
    Milliseconds,
    /// 10⁶ bytes.
    Megabytes,
}

impl Unit {
    /// A figure with its unit.
    pub(crate) fn text(self, value: f64) -> String {
        match self {
            Unit::Times => format!("{value:.2}×"),
            Unit::Seconds => format!("{value:.0} s"),
            Unit::Milliseconds => format!("{value:.1} ms"),
            Unit::Megabytes => format!("{value:.0} MB"),
        }
    }

    /// Whether the figure reaches the bound; NaN reaches nothing.
    pub(crate) fn is_enough(self, value: f64, bound: f64) -> bool {
        match self {
            Unit::Times => value >= bound,
            _ => value <= bound,
        }
    }
}

impl Measure {
    /// Its own settings, then the command line.
    ///
    /// # Errors
    /// Wrong usage: an option it does not know, or a value that makes no sense.
    pub(crate) fn read(&self, arguments: &[String]) -> Result<Options> {
        let settings = format!("--rounds {} {}", self.rounds, self.settings);
        Options::parse(self.name, self.options, &settings, arguments)
    }

    /// Those of `bench all`'s options that it understands.
    pub(crate) fn passed_on(&self, arguments: &[String]) -> Vec<String> {
        let mut passed = Vec::new();
        let mut words = split(arguments).peekable();
        while let Some(option) = words.next() {
            let value = words.next_if(|word| !word.starts_with("--"));
            if option == "--rounds" || self.options.contains(&option.as_str()) {
                passed.push(option);
                passed.extend(value);
            }
        }
        passed
    }

    /// Its row of the table.
    pub(crate) fn row(&self, finding: &Finding) -> String {
        let spread = Spread::of(&finding.figures);
        let bound =
            |bound: Option<f64>| bound.map_or("–".to_owned(), |value| self.unit.text(value));
        format!(
            "| `{}`: {} | {} | {} | {} ({} – {}) | {} |\n",
            self.name,
            self.about,
            bound(self.must),
            bound(self.goal),
            self.unit.text(spread.median),
            self.unit.text(spread.lowest),
            self.unit.text(spread.highest),
            self.reached(spread.median),
        )
    }

    /// `goal`, `must`, `**no**`, or nothing where there is no bound.
    fn reached(&self, value: f64) -> &'static str {
        let enough = |bound: Option<f64>| bound.map(|bound| self.unit.is_enough(value, bound));
        match (enough(self.goal), enough(self.must)) {
            (Some(true), _) => "goal",
            (_, Some(true)) => "must",
            (None, None) => "",
            _ => "**no**",
        }
    }
}

/// The head of the table of measures.
pub(crate) const HEAD: &str = "| measure | must | goal | measured (lowest – highest) | reached |\n\
                               | --- | ---: | ---: | --- | --- |\n";

#[cfg(test)]
mod tests {
    use super::{Measure, Unit};
    use crate::finding::Finding;

    const SPEED: Measure = Measure {
        name: "speed",
        about: "of light",
        unit: Unit::Times,
        must: Some(1.6),
        goal: Some(1.75),
        rounds: 3,
        options: &["--steps"],
        settings: "--batch 1",
        run: |_| Ok(Finding::default()),
    };

    #[test]
    fn a_row_says_whether_it_is_enough() {
        let finding = |figures: &[f64]| Finding {
            figures: figures.to_vec(),
            ..Finding::default()
        };
        assert_eq!(
            SPEED.row(&finding(&[1.7, 1.65, 1.9])),
            "| `speed`: of light | 1.60× | 1.75× | 1.70× (1.65× – 1.90×) | must |\n"
        );
        assert!(SPEED.row(&finding(&[1.8])).ends_with("| goal |\n"));
        assert!(
            SPEED.row(&finding(&[])).ends_with("| **no** |\n"),
            "NaN reaches nothing"
        );
        let delay = Measure {
            unit: Unit::Milliseconds,
            must: Some(50.0),
            goal: None,
            ..SPEED
        };
        assert!(delay.row(&finding(&[14.0])).ends_with("| must |\n"));
        assert!(delay.row(&finding(&[51.0])).ends_with("| **no** |\n"));
    }

    #[test]
    fn bounds_hold_in_their_direction() {
        assert!(Unit::Times.is_enough(4.0, 4.0) && !Unit::Times.is_enough(3.99, 4.0));
        assert!(Unit::Seconds.is_enough(59.0, 60.0) && !Unit::Seconds.is_enough(61.0, 60.0));
        assert!(!Unit::Times.is_enough(f64::NAN, 4.0) && !Unit::Seconds.is_enough(f64::NAN, 60.0));
    }

    #[test]
    fn units_are_written() {
        assert_eq!(Unit::Times.text(4.0), "4.00×");
        assert_eq!(Unit::Times.text(1.75), "1.75×");
        assert_eq!(Unit::Times.text(5.123), "5.12×");
        assert_eq!(Unit::Milliseconds.text(14.26), "14.3 ms");
        assert_eq!(Unit::Megabytes.text(136.8), "137 MB");
    }
}
