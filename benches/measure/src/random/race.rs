//! Rates of all who took turns on one network, and how much faster Taper is than the best of the others.

use serde_json::{Value, json};

use crate::statistics::{Spread, median, ratios};

/// Images a second, a figure a round.
pub(super) struct Race {
    pub(super) taper: Vec<f64>,
    pub(super) peers: Vec<Runner>,
}

/// One setting of a peer.
pub(super) struct Runner {
    pub(super) name: String,
    pub(super) rates: Vec<f64>,
}

impl Race {
    pub(super) fn new(peers: Vec<String>) -> Self {
        let runner = |name| Runner {
            name,
            rates: Vec::new(),
        };
        Race {
            taper: Vec::new(),
            peers: peers.into_iter().map(runner).collect(),
        }
    }

    /// After a first slice each: whoever is slower than the best by more than `times` drops out, and the slice counts no
    /// more.
    pub(super) fn keep_the_fast(&mut self, times: f64) {
        let rate = |runner: &Runner| runner.rates.first().copied().unwrap_or(0.0);
        let best = self.peers.iter().map(rate).fold(0.0, f64::max);
        self.peers.retain(|runner| rate(runner) * times >= best);
        for runner in &mut self.peers {
            runner.rates.clear();
        }
    }

    /// The fastest peer, by its median.
    pub(super) fn best(&self) -> Option<&Runner> {
        let by = |a: &&Runner, b: &&Runner| median(&a.rates).total_cmp(&median(&b.rates));
        self.peers.iter().max_by(by)
    }

    /// How often Taper is faster than the best: the median of the ratios within the rounds.
    pub(super) fn ratio(&self) -> f64 {
        self.best()
            .map_or(f64::NAN, |best| median(&ratios(&self.taper, &best.rates)))
    }

    /// Seconds of a step of so many samples in the fastest round, of Taper and of the best: between differences, noise is
    /// worse than a bound.
    pub(super) fn fastest(&self, batch: usize) -> Option<[f64; 2]> {
        let best = &self.best()?.rates;
        Some([&self.taper, best].map(|rates| batch as f64 / Spread::of(rates).highest))
    }

    /// Adds the rounds of another measurement of the same network.
    pub(super) fn add(&mut self, other: Race) {
        let shared = |runner: &Runner| other.peers.iter().any(|o| o.name == runner.name);
        if !self.peers.iter().all(shared) || self.peers.len() != other.peers.len() {
            // Others took part: the rounds do not belong together.
            *self = other;
            return;
        }
        self.taper.extend(&other.taper);
        for runner in other.peers {
            let own = self.peers.iter_mut().find(|own| own.name == runner.name);
            if let Some(own) = own {
                own.rates.extend(runner.rates);
            }
        }
    }

    /// Ratio and rates.
    pub(super) fn json(&self) -> Value {
        let peers = self.peers.iter();
        let peers: serde_json::Map<_, _> = peers
            .map(|runner| (runner.name.clone(), json!(runner.rates)))
            .collect();
        json!({
            "ratio": self.ratio(),
            "best": self.best().map(|best| &best.name),
            "taper": self.taper,
            "peers": peers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Race;

    #[test]
    fn the_best_setting_counts_within_its_rounds() {
        let mut race = Race::new(vec!["a".into(), "b".into(), "slow".into()]);
        for (runner, rate) in race.peers.iter_mut().zip([90.0, 100.0, 50.0]) {
            runner.rates.push(rate);
        }
        race.keep_the_fast(1.3);
        assert_eq!(race.peers.len(), 2);
        // The machine halves its speed in the second round.
        race.taper = vec![200.0, 100.0, 220.0];
        race.peers[0].rates = vec![90.0, 45.0, 90.0];
        race.peers[1].rates = vec![100.0, 50.0, 100.0];
        assert_eq!(race.best().map(|best| best.name.as_str()), Some("b"));
        assert_eq!(race.ratio(), 2.0);
        let mut again = Race::new(vec!["a".into(), "b".into()]);
        again.taper = vec![300.0; 4];
        for runner in &mut again.peers {
            runner.rates = vec![100.0; 4];
        }
        race.add(again);
        assert_eq!((race.taper.len(), race.ratio()), (7, 3.0));
        assert!(Race::new(Vec::new()).ratio().is_nan());
    }
}
