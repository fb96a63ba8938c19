//! What a measurement gives, and how it is told.

use super::busy;
use super::measures::Measure;
use super::statistics::Spread;

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

/// The head of the table of measures.
pub(crate) const HEAD: &str = "| measure | must | goal | measured (lowest – highest) | reached |\n\
                               | --- | ---: | ---: | --- | --- |\n";

/// One row of the table of measures.
pub(crate) fn row(measure: &Measure, finding: &Finding) -> String {
    let spread = Spread::of(&finding.figures);
    let bound =
        |bound: Option<f64>| bound.map_or("–".to_owned(), |value| measure.unit.text(value));
    format!(
        "| `{}`: {} | {} | {} | {} ({} – {}) | {} |\n",
        measure.name,
        measure.about,
        bound(measure.must),
        bound(measure.goal),
        measure.unit.text(spread.median),
        measure.unit.text(spread.lowest),
        measure.unit.text(spread.highest),
        measure.reached(spread.median),
    )
}

/// Three significant digits, without an exponent.
pub(crate) fn short(value: f64) -> String {
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
    use super::super::measures;
    use super::{Finding, row, short};

    #[test]
    fn three_digits() {
        assert_eq!(short(1234.5), "1234");
        assert_eq!(short(12.345), "12.3");
        assert_eq!(short(0.012345), "0.0123");
        assert_eq!(short(0.0), "0");
        assert_eq!(short(f64::NAN), "–");
    }

    #[test]
    fn a_row_says_whether_it_is_enough() {
        let finding = |figures: &[f64]| Finding {
            figures: figures.to_vec(),
            ..Finding::default()
        };
        let threads = measures::find("threads").expect("a measure");
        assert!(
            row(threads, &finding(&[1.7, 1.65, 1.9]))
                .contains("| 1.60× | 1.75× | 1.70× (1.65× – 1.90×) | must |")
        );
        assert!(row(threads, &finding(&[1.8])).ends_with("| goal |\n"));
        assert!(
            row(threads, &finding(&[])).ends_with("| **no** |\n"),
            "NaN reaches nothing"
        );
        let start = measures::find("start").expect("a measure");
        assert!(row(start, &finding(&[14.0])).ends_with("| goal |\n"));
        assert!(row(start, &finding(&[51.0])).ends_with("| **no** |\n"));
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
