//! What the ratios of many networks look like, and which are the worst.

use super::contest::Outcome;
use super::race::Race;
use crate::mode::Mode;
use crate::statistics::median;

/// How many of the worst are told.
pub(super) const WORST: usize = 10;

/// The race of an outcome in this mode.
pub(super) fn race(outcome: &Outcome, mode: Mode) -> Option<&Race> {
    match mode {
        Mode::Train => outcome.train.as_ref(),
        Mode::Infer => outcome.infer.as_ref(),
    }
}

/// The ratios of all networks in this mode.
pub(super) fn ratios(outcomes: &[Outcome], mode: Mode) -> Vec<f64> {
    let races = outcomes.iter().filter_map(|outcome| race(outcome, mode));
    races.map(Race::ratio).collect()
}

/// Places of the outcomes with the lowest ratios, the lowest first.
pub(super) fn worst(outcomes: &[Outcome], mode: Mode) -> Vec<usize> {
    let ratio = |&place: &usize| race(&outcomes[place], mode).map_or(f64::NAN, Race::ratio);
    let mut places: Vec<usize> = (0..outcomes.len())
        .filter(|place| race(&outcomes[*place], mode).is_some())
        .collect();
    // A ratio that is no number is the worst of all.
    places.sort_by(|a, b| {
        let key = |place| Some(ratio(place)).filter(|r| !r.is_nan()).unwrap_or(-1.0);
        key(a).total_cmp(&key(b))
    });
    places.truncate(WORST);
    places
}

/// Lowest, 10 %, median, 90 % and highest of the ratios, as a row of a table with this head.
pub(super) const HEAD: &str = "| taper is faster by | networks | lowest | 10 % | median | 90 % | highest |\n\
                               | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n";

pub(super) fn row(outcomes: &[Outcome], mode: Mode) -> String {
    let mut sorted = ratios(outcomes, mode);
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (sorted.len().max(1) - 1) as f64;
        sorted.get(place.round() as usize).copied()
    };
    let cells: Vec<String> = [0.0, 0.1, 0.5, 0.9, 1.0]
        .into_iter()
        .map(|share| at(share).map_or("–".to_owned(), |ratio| format!("{ratio:.2}×")))
        .collect();
    let name = match mode {
        Mode::Train => "training",
        Mode::Infer => "inference",
    };
    format!("| {name} | {} | {} |\n", sorted.len(), cells.join(" | "))
}

/// One network with its ratio and times a step.
pub(super) fn line(outcome: &Outcome, mode: Mode) -> String {
    let Some((race, best)) = race(outcome, mode).and_then(|race| Some((race, race.best()?))) else {
        return String::new();
    };
    let step = |rates: &[f64]| 1000.0 * outcome.network.batch as f64 / median(rates);
    format!(
        "{:.2}× {} of seed {}: {:.3} ms against {:.3} ms of {}: {}",
        race.ratio(),
        outcome.network.index,
        outcome.network.seed,
        step(&race.taper),
        step(&best.rates),
        best.name,
        outcome.network.words()
    )
}

#[cfg(test)]
mod tests {
    use super::{HEAD, line, row, worst};
    use crate::mode::Mode;
    use crate::random::contest::Outcome;
    use crate::random::draw::network;
    use crate::random::race::Race;

    fn outcome(index: u64, rate: f64) -> Outcome {
        let mut race = Race::new(vec!["pytorch".into()]);
        race.taper = vec![rate; 3];
        race.peers[0].rates = vec![100.0; 3];
        Outcome {
            network: network(1, index).unwrap(),
            train: Some(race),
            infer: None,
            complaints: Vec::new(),
        }
    }

    #[test]
    fn the_distribution_and_the_worst() {
        let outcomes: Vec<Outcome> = (0..21)
            .map(|i| outcome(i, 500.0 - i as f64 * 10.0))
            .collect();
        let text = row(&outcomes, Mode::Train);
        assert_eq!(
            text,
            "| training | 21 | 3.00× | 3.20× | 4.00× | 4.80× | 5.00× |\n"
        );
        assert_eq!(
            text.matches('|').count(),
            HEAD.lines().next().unwrap().matches('|').count()
        );
        assert_eq!(
            row(&outcomes, Mode::Infer),
            "| inference | 0 | – | – | – | – | – |\n"
        );
        assert_eq!(worst(&outcomes, Mode::Train)[..2], [20, 19]);
        assert_eq!(worst(&outcomes, Mode::Train).len(), 10);
        assert!(worst(&outcomes, Mode::Infer).is_empty());
        let text = line(&outcomes[20], Mode::Train);
        assert!(text.starts_with("3.00× 20 of seed 1: "), "{text}");
        assert!(text.contains(" of pytorch: "), "{text}");
    }
}
