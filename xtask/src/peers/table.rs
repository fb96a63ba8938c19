//! Medians, spread and ratios of the rounds.

use std::fmt::Write;

use super::busy::LIMIT;
use super::options::Options;

/// What every contestant reached in every round.
pub(crate) struct Table {
    /// Name and version of each peer.
    pub(crate) peers: Vec<(String, String)>,
    /// Taper's images per second, one a round.
    pub(crate) own: Vec<f64>,
    /// The peers', `[round][peer]`.
    pub(crate) rates: Vec<Vec<f64>>,
    /// The share of the machine that other programs took before every round, where known.
    pub(crate) others: Vec<Option<f64>>,
}

impl Table {
    pub(crate) fn new(peers: Vec<(String, String)>) -> Self {
        Table {
            peers,
            own: Vec::new(),
            rates: Vec::new(),
            others: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, own: f64, rates: Vec<f64>) {
        self.own.push(own);
        self.rates.push(rates);
    }

    /// One peer's rates over the rounds.
    pub(crate) fn of(&self, peer: usize) -> Vec<f64> {
        self.rates.iter().map(|round| round[peer]).collect()
    }

    /// Taper's rate over a peer's, round by round.
    pub(crate) fn ratios(&self, peer: usize) -> Vec<f64> {
        self.own
            .iter()
            .zip(self.of(peer))
            .map(|(own, other)| own / other)
            .collect()
    }

    /// The table as Markdown.
    pub(crate) fn text(&self, options: &Options) -> String {
        let mut text = format!(
            "{} {}, batch {}, {} threads, {} rounds: images per second\n\n\
             | program | median | lowest | highest | ms a step | taper is faster by (lowest – highest) |\n\
             | --- | ---: | ---: | ---: | ---: | --- |\n",
            options.model,
            options.mode.name(),
            options.batch,
            options.threads,
            self.own.len(),
        );
        let mut row = |name: &str, rates: &[f64], ratio: &str| {
            let step = 1000.0 * options.batch as f64 / median(rates);
            writeln!(
                text,
                "| {name} | {:.0} | {:.0} | {:.0} | {step:.3} | {ratio} |",
                median(rates),
                lowest(rates),
                highest(rates),
            )
            .expect("writing to a string");
        };
        row("taper", &self.own, "");
        for (index, (name, _)) in self.peers.iter().enumerate() {
            let ratios = self.ratios(index);
            let ratio = format!(
                "{:.2}× ({:.2} – {:.2})",
                median(&ratios),
                lowest(&ratios),
                highest(&ratios)
            );
            row(name, &self.of(index), &ratio);
        }
        if let Some(best) = self.strongest() {
            let ratio = median(&self.ratios(best));
            writeln!(
                text,
                "\nAgainst the fastest of them, {}: {ratio:.2}×.",
                self.peers[best].0
            )
            .expect("writing to a string");
        }
        if let Some(busiest) = self.busiest().filter(|&share| share > LIMIT) {
            let percent = 100.0 * busiest;
            writeln!(text, "\nThe machine was busy with other work (up to {percent:.0} %): these figures are worth little.")
                .expect("writing to a string");
        }
        text
    }

    /// The largest share of the machine that others took.
    pub(crate) fn busiest(&self) -> Option<f64> {
        self.others.iter().flatten().copied().reduce(f64::max)
    }

    /// The peer with the highest median.
    fn strongest(&self) -> Option<usize> {
        (0..self.peers.len()).max_by(|&a, &b| median(&self.of(a)).total_cmp(&median(&self.of(b))))
    }
}

/// The middle value; of an even number, the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

fn lowest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn highest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

#[cfg(test)]
mod tests {
    use super::{Options, Table, median};

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let mut table = Table::new(vec![("a".into(), "1".into()), ("b".into(), "2".into())]);
        // The machine halves its speed in the second round; the ratio does not notice.
        table.push(400.0, vec![100.0, 200.0]);
        table.push(200.0, vec![50.0, 100.0]);
        assert_eq!(table.ratios(0), [4.0, 4.0]);
        let text = table.text(&Options::parse(&[]).unwrap());
        assert!(
            text.contains("| a | 75 | 50 | 100 | 853.333 | 4.00× (4.00 – 4.00) |"),
            "{text}"
        );
        assert!(text.contains("fastest of them, b: 2.00×"), "{text}");
        assert!(!text.contains("busy"), "{text}");
        table.others = vec![None, Some(0.5)];
        let text = table.text(&Options::parse(&[]).unwrap());
        assert!(text.contains("busy with other work (up to 50 %)"), "{text}");
    }
}
