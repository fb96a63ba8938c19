//! How well a mean over seeds and images is known: both are drawn again, many times.

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use taper_tensor::{Seed, Stream};

use super::{CONFIDENCE, Interval, Table, binomial, normal_quantile, t_quantile};

/// How often seeds and images are drawn again: the ends of an interval are then known to 2 % of its width (the standard
/// error of a 2.5 % quantile of normal draws is 0.027 of their standard deviation).
pub const DRAWS: usize = 10_000;

/// A mean and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean over seeds and images.
    pub mean: f64,
    /// Its 95 % interval.
    pub interval: Interval,
    /// Its standard error.
    pub standard_error: f64,
    /// Degrees of freedom of that error; `None` of one seed.
    pub degrees: Option<f64>,
}

impl Estimate {
    /// Two-sided p of Student's t, mean over standard error, against a mean of 0; of one seed that of the normal
    /// distribution. It takes both seeds and images as drawn; where nothing varies it is 1 for a mean of 0, and else 0.
    #[must_use]
    pub fn p(&self) -> f64 {
        if self.mean == 0.0 {
            return 1.0;
        }
        let away = (self.mean / self.standard_error).abs();
        let t = self.degrees.filter(|&degrees| degrees < 1e6);
        match t.and_then(|degrees| StudentsT::new(0.0, 1.0, degrees).ok()) {
            Some(t) => 2.0 * t.sf(away),
            None => 2.0 * Normal::standard().sf(away),
        }
    }
}

/// The mean of a table, with a 95 % interval by the bootstrap, of `draws` draws from the stream `stream` of `seed`.
///
/// **One seed**: the percentile interval (B. Efron, R. Tibshirani, *An introduction to the bootstrap*, 1993, ch. 13) of
/// means of as many images, drawn with replacement; the standard error is that of a mean, s/√N. It speaks of this
/// training: another seed would give other figures.
///
/// **Several seeds**: as many seeds are drawn with replacement, and as many images, the same for all seeds, as all were
/// shown the same images (the pigeonhole bootstrap: A. B. Owen, *The pigeonhole bootstrap*, 2007). Such draws spread too
/// little where seeds matter (by (S − 1)/S), and up to √3 times too much where seeds and images have but their interplay
/// (Owen's Theorem 3). So their distances from the mean are stretched until their variance is the unbiased one,
/// V = Vₛ + max(0, Vᵢ − Vᵣ) of [`Table::components`] (the two-way variance of A. C. Cameron, J. Gelbach, D. Miller,
/// *Robust inference with multiway clustering*, 2011, where it is not below Vₛ), times t/1.96 because V is itself
/// estimated from few seeds: t is Student's with (S − 1)·(V/Vₛ)² degrees of freedom (F. E. Satterthwaite, 1946). The
/// interval is between the 2.5 % and 97.5 % quantiles of what results. If all seeds have the same mean, Vᵣ stands for Vₛ.
///
/// **How draws are made**: images are drawn as counts, not as lists. Once seeds are drawn, an image only matters by its
/// sum over them, one of at most 2S + 1 whole numbers; how many of N images have which is multinomial, drawn as
/// [binomials](binomial) of what is left. That is the same distribution exactly, in S·(patterns of the table) steps.
#[must_use]
pub fn estimate(table: &Table, draws: usize, seed: Seed, stream: u32) -> Estimate {
    let mean = table.mean();
    let mut drawn: Vec<f64> = (0..draws as u64)
        .into_par_iter()
        .map_init(Counts::default, |counts, draw| {
            counts.draw(table, seed, stream, draw)
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    let (variance, degrees) = variance(table);
    let standard_error = variance.sqrt();
    let stretch = match degrees {
        None => 1.0,
        Some(degrees) => {
            let center = drawn.iter().sum::<f64>() / draws.max(1) as f64;
            let squares: f64 = drawn.iter().map(|value| (value - center).powi(2)).sum();
            let spread = (squares / draws.saturating_sub(1).max(1) as f64).sqrt();
            if spread > 0.0 {
                standard_error / spread * t_quantile(degrees) / normal_quantile()
            } else {
                1.0
            }
        }
    };
    let end = |share: f64| mean + stretch * (quantile(&drawn, share).unwrap_or(mean) - mean);
    Estimate {
        mean,
        interval: Interval {
            low: end(0.5 - CONFIDENCE / 2.0),
            high: end(0.5 + CONFIDENCE / 2.0),
        },
        standard_error,
        degrees,
    }
}

/// Of the mean, and its degrees of freedom.
fn variance(table: &Table) -> (f64, Option<f64>) {
    let found = table.components();
    if table.seeds() < 2 {
        return (found.images, None);
    }
    let seeds = if found.seeds > 0.0 {
        found.seeds
    } else {
        found.rest
    };
    let variance = seeds + (found.images - found.rest).max(0.0);
    let few = (table.seeds() - 1) as f64;
    let degrees = if seeds > 0.0 {
        few * (variance / seeds).powi(2)
    } else {
        few
    };
    (variance, Some(degrees))
}

/// Linear between neighbours, as NumPy's `quantile`; `None` of nothing.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    let above = sorted.get(below + 1).unwrap_or(&sorted[below]);
    Some(sorted[below] + part * (above - sorted[below]))
}

/// What one draw counts, kept for the next.
#[derive(Default)]
struct Counts {
    /// How often each seed was drawn.
    seeds: Vec<i32>,
    /// How many images of the table have each sum, from −S up.
    images: Vec<u64>,
}

impl Counts {
    /// The mean of draw number `draw`.
    fn draw(&mut self, table: &Table, seed: Seed, stream: u32, draw: u64) -> f64 {
        let seeds = table.seeds();
        let of_seeds = seed.key(Stream::User(2 * stream), draw);
        let of_images = seed.key(Stream::User(2 * stream + 1), draw);
        self.seeds.clear();
        self.seeds.resize(seeds, 0);
        for place in 0..seeds {
            self.seeds[of_seeds.below(place as u64, seeds as u64) as usize] += 1;
        }
        self.images.clear();
        self.images.resize(2 * seeds + 1, 0);
        for (pattern, count) in table.patterns() {
            let weighted = pattern.iter().zip(&self.seeds);
            let sum: i32 = weighted
                .map(|(&value, &weight)| i32::from(value) * weight)
                .sum();
            self.images[(sum + seeds as i32) as usize] += count;
        }
        let (mut to_draw, mut left) = (table.images(), table.images());
        let mut total = 0i64;
        for (place, &count) in self.images.iter().enumerate() {
            let value = place as i64 - seeds as i64;
            // What is left over has the sum 0, which adds nothing.
            if value == 0 || count == 0 {
                continue;
            }
            let share = count as f64 / left as f64;
            let drawn = binomial(to_draw, share, of_images.uniform(place as u64));
            total += value * drawn as i64;
            to_draw -= drawn;
            left -= count;
        }
        total as f64 / (seeds as f64 * table.images() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(seeds: usize, images: usize) -> Table {
        let key = Seed(3).key(Stream::User(0), 0);
        let value = |place: usize| key.below(place as u64, 9) as i8 / 4 - 1;
        let rows = (0..seeds).map(|seed| (0..images).map(|i| value(seed * images + i)).collect());
        Table::of(&rows.collect::<Vec<_>>()).expect("a table")
    }

    #[test]
    fn the_same_numbers_with_any_number_of_threads() {
        let table = table(4, 300);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("threads")
                .install(|| estimate(&table, 500, Seed(1), 2))
        };
        assert_eq!(with(1), with(3));
        assert_ne!(with(1).interval, estimate(&table, 500, Seed(2), 2).interval);
        assert_ne!(with(1).interval, estimate(&table, 500, Seed(1), 3).interval);
    }

    #[test]
    fn where_nothing_varies_the_interval_is_a_point() {
        for (seeds, value) in [(1, 0), (3, 1), (2, -1)] {
            let table = Table::of(&vec![vec![value; 20]; seeds]).expect("a table");
            let found = estimate(&table, 100, Seed(0), 0);
            let mean = f64::from(value);
            assert_eq!((found.mean, found.standard_error), (mean, 0.0));
            assert_eq!((found.interval.low, found.interval.high), (mean, mean));
            assert_eq!(found.p(), if value == 0 { 1.0 } else { 0.0 });
        }
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        let found = [0.0, 0.25, 0.5, 1.0].map(|share| quantile(&sorted, share));
        assert_eq!(found, [Some(1.0), Some(1.75), Some(3.0), Some(8.0)]);
        assert_eq!(quantile(&[], 0.5), None);
    }
}
