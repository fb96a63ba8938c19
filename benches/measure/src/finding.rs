//! What a measurement gives, and how it is told.

use crate::busy;
use crate::statistics::Spread;

/// The figures of one measurement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finding {
    /// What counts, one a round, in the measure's unit.
    pub(crate) figures: Vec<f64>,
    /// What it was computed from, by name, one a round.
    pub(crate) samples: Vec<Sample>,
    /// A table or a few lines, as Markdown.
    pub(crate) detail: String,
    /// The largest share of the machine that other programs took before a round, where known.
    pub(crate) others: Option<f64>,
}

/// One program's figures.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) unit: &'static str,
    pub(crate) values: Vec<f64>,
}

impl Sample {
    pub(crate) fn new(name: &str, unit: &'static str) -> Self {
        Sample {
            name: name.to_owned(),
            version: String::new(),
            unit,
            values: Vec::new(),
        }
    }
}

impl Finding {
    /// Notes what the processors do while everybody waits: somebody else's work.
    pub(crate) fn look_around(&mut self) {
        self.others = [self.others, busy::share()]
            .into_iter()
            .flatten()
            .reduce(f64::max);
    }

    /// One row a sample, where a measurement has no better table of its own.
    pub(crate) fn sample_table(&self) -> String {
        let mut text =
            String::from("| | median | lowest | highest |\n| --- | ---: | ---: | ---: |\n");
        for sample in &self.samples {
            let Spread {
                median,
                lowest,
                highest,
            } = Spread::of(&sample.values);
            text.push_str(&format!(
                "| {} ({}) | {} | {} | {} |\n",
                sample.name,
                sample.unit,
                short(median),
                short(lowest),
                short(highest)
            ));
        }
        text
    }

    /// A line that warns of a busy machine; empty when it was quiet.
    pub(crate) fn warning(&self) -> String {
        match self.others.filter(|&share| share > busy::LIMIT) {
            Some(share) => format!(
                "\nThe machine was busy with other work (up to {:.0} %): these figures are worth little.\n",
                100.0 * share
            ),
            None => String::new(),
        }
    }
}

/// Three significant digits, without an exponent.
fn short(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let digits = if value == 0.0 {
        0
    } else {
        (2 - value.abs().log10().floor() as i32).clamp(0, 9) as usize
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::{Finding, short};

    #[test]
    fn three_digits() {
        assert_eq!(short(1234.5), "1234");
        assert_eq!(short(12.345), "12.3");
        assert_eq!(short(0.012345), "0.0123");
        assert_eq!(short(0.0), "0");
        assert_eq!(short(f64::NAN), "–");
    }

    #[test]
    fn a_busy_machine_is_named() {
        let finding = |others| Finding {
            others,
            ..Finding::default()
        };
        assert!(finding(Some(0.5)).warning().contains("up to 50 %"));
        assert_eq!(finding(Some(0.01)).warning(), "");
        assert_eq!(finding(None).warning(), "");
    }
}
