//! What the data sets that mix samples draw: a partner for each sample, and how much of either there is. Functions of the seed,
//! the epoch and the sample, so that an interrupted run goes on to the bit.

use crate::Sample;
use taper_tensor::{Seed, Stream, steady};

/// Numbers that one sample may have of a kind.
const EACH: u64 = 1024;
/// Tries to draw a number, all of which fail about once in 10⁸⁰ cases.
const TRIES: u64 = 64;
/// Streams of augmentation: for partners, uniform and normal numbers.
const STREAMS: [u32; 3] = [0x004d_5800, 0x004d_5801, 0x004d_5802];

/// The random numbers of one sample in one epoch.
#[derive(Clone, Copy)]
pub(crate) struct Draws {
    seed: Seed,
    at: Sample,
}

impl Draws {
    pub(crate) fn of(seed: Seed, at: Sample) -> Self {
        Draws { seed, at }
    }

    /// The other sample, of so many: any one, itself included.
    pub(crate) fn partner(&self, samples: usize) -> Sample {
        let key = self.seed.key(Stream::Augment(STREAMS[0]), self.at.epoch);
        let index = key.below(self.at.index as u64, samples.max(1) as u64) as usize;
        Sample { index, ..self.at }
    }

    /// Number `which` (below 256), uniform in [0, 1).
    pub(crate) fn uniform(&self, which: u64) -> f64 {
        let key = self.seed.key(Stream::Augment(STREAMS[1]), self.at.epoch);
        key.uniform(self.at.index as u64 * EACH + which)
    }

    /// From the beta distribution with both parameters `alpha`, which is above 0.
    pub(crate) fn beta(&self, alpha: f64) -> f64 {
        // Of two gamma numbers the share of the first, by logarithms: with a small alpha both are tiny.
        let (a, b) = (self.ln_gamma(alpha, 0), self.ln_gamma(alpha, 1));
        1.0 / (1.0 + steady::exp(b - a))
    }

    /// The logarithm of a gamma number (Marsaglia and Tsang 2000), of alpha + 1 and brought to alpha.
    fn ln_gamma(&self, alpha: f64, which: u64) -> f64 {
        let normals = self.seed.key(Stream::Augment(STREAMS[2]), self.at.epoch);
        let first = 256 + which * 256;
        let d = alpha + 2.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        let tried = (0..TRIES).find_map(|attempt| {
            let x = normals.normal(self.at.index as u64 * EACH + first + attempt);
            let v = 1.0 + c * x;
            let v = v * v * v;
            let u = 1.0 - self.uniform(first + attempt);
            let accept = v > 0.0 && steady::ln(u) < 0.5 * x * x + d - d * v + d * steady::ln(v);
            accept.then_some(d * v)
        });
        let u = 1.0 - self.uniform(first + TRIES);
        steady::ln(tried.unwrap_or(d)) + steady::ln(u) / alpha
    }
}

/// `out` becomes `share · out + (1 − share) · other`.
pub(crate) fn mix(out: &mut [f32], other: &[f32], share: f64) {
    let (share, rest) = (share as f32, (1.0 - share) as f32);
    for (out, other) in out.iter_mut().zip(other) {
        *out = share * *out + rest * other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_has_its_moments() {
        for alpha in [0.05, 0.2, 1.0, 4.0] {
            let draw = |index| Draws::of(Seed(5), Sample { index, epoch: 3 }).beta(alpha);
            let values: Vec<f64> = (0..20_000).map(draw).collect();
            assert!(values.iter().all(|v| (0.0..=1.0).contains(v)));
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            let variance = variance / values.len() as f64;
            let wanted = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            assert!((mean - 0.5).abs() <= 0.01, "{alpha}: {mean}");
            assert!(
                (variance / wanted - 1.0).abs() <= 0.04,
                "{alpha}: {variance}"
            );
        }
    }
}
