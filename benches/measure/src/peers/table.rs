//! A comparison as Markdown: rates, spread, and how often Taper is faster.

use crate::finding::{Finding, Sample};
use crate::options::Options;
use crate::statistics::{Spread, ratios};

/// The table; the first sample is Taper's, `best` the fastest peer's place.
pub(crate) fn text(options: &Options, finding: &Finding, best: usize) -> String {
    let samples = &finding.samples;
    let mut text = format!(
        "{} {}, batch {}, {} threads, {} rounds{}{}: images per second\n\n\
         | program | median | lowest | highest | ms a step | taper is faster by (lowest – highest) |\n\
         | --- | ---: | ---: | ---: | ---: | --- |\n",
        options.model,
        options.mode.name(),
        options.batch,
        options.threads,
        options.rounds,
        if options.latency {
            ", from median latencies"
        } else {
            ""
        },
        options
            .simd
            .as_ref()
            .map_or(String::new(), |set| format!(", held to {set}")),
    );
    text.push_str(&row(options, &samples[0], ""));
    for peer in &samples[1..] {
        let Spread {
            median,
            lowest,
            highest,
        } = Spread::of(&ratios(&samples[0].values, &peer.values));
        let ratio = format!("{median:.2}× ({lowest:.2} – {highest:.2})");
        text.push_str(&row(options, peer, &ratio));
    }
    let ratio = Spread::of(&ratios(&samples[0].values, &samples[best].values)).median;
    text + &format!(
        "\nAgainst the fastest of them, {}: {ratio:.2}×.\n",
        samples[best].name
    )
}

/// The same programs in turns and by themselves.
pub(crate) fn apart(samples: &[Sample], alone: &[Vec<f64>]) -> String {
    let mut text = String::from(
        "\n| program | in turns | by itself (lowest – highest) | in turns it makes |\n| --- | ---: | --- | ---: |\n",
    );
    for (sample, alone) in samples.iter().zip(alone) {
        let (turns, alone) = (Spread::of(&sample.values).median, Spread::of(alone));
        text += &format!(
            "| {} | {turns:.0} | {:.0} ({:.0} – {:.0}) | {:.0} % |\n",
            sample.name,
            alone.median,
            alone.lowest,
            alone.highest,
            100.0 * turns / alone.median
        );
    }
    text
}

fn row(options: &Options, sample: &Sample, ratio: &str) -> String {
    let rates = Spread::of(&sample.values);
    let step = 1000.0 * options.batch as f64 / rates.median;
    // Slow programs make a few images a second.
    let digits = usize::from(rates.median < 100.0);
    format!(
        "| {} | {:.digits$} | {:.digits$} | {:.digits$} | {step:.3} | {ratio} |\n",
        sample.name, rates.median, rates.lowest, rates.highest,
    )
}

#[cfg(test)]
mod tests {
    use super::{apart, text};
    use crate::finding::{Finding, Sample};
    use crate::options::{Options, PEERS};

    #[test]
    fn what_taking_turns_costs() {
        let mut sample = Sample::new("a", "images/s");
        sample.values = vec![90.0, 100.0, 110.0];
        let text = apart(&[sample], &[vec![200.0, 125.0, 120.0]]);
        assert!(
            text.contains("| a | 100 | 125 (120 – 200) | 80 % |"),
            "{text}"
        );
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The machine halves its speed in the second round; the ratio does not notice.
        let sample = |name: &str, values: [f64; 2]| Sample {
            values: values.to_vec(),
            ..Sample::new(name, "images/s")
        };
        let finding = Finding {
            samples: vec![
                sample("taper", [400.0, 200.0]),
                sample("a", [100.0, 50.0]),
                sample("b", [200.0, 100.0]),
            ],
            ..Finding::default()
        };
        let text = text(
            &Options::parse("peers", PEERS, "", &[]).unwrap(),
            &finding,
            2,
        );
        assert!(
            text.contains("| a | 75.0 | 50.0 | 100.0 | 853.333 | 4.00× (4.00 – 4.00) |"),
            "{text}"
        );
        assert!(
            text.contains("| b | 150 | 100 | 200 | 426.667 | 2.00×"),
            "{text}"
        );
        assert!(text.contains("fastest of them, b: 2.00×"), "{text}");
    }
}
