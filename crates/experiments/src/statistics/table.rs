//! What every seed says of every image, and where its spread comes from.

use std::collections::BTreeMap;

/// A value for each seed and image: 1 right and 0 wrong, or the difference of two such, −1, 0 or 1.
///
/// Images on which all seeds say the same are kept together, so that it is small: most are right with every seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    seeds: usize,
    images: u64,
    /// What the seeds say of an image, and how many images there are of which they say that.
    patterns: Vec<(Vec<i8>, u64)>,
}

/// Unbiased estimates of the variance of a [`Table`]'s mean, each as if it had but one source: `images` and `seeds` include
/// what is left over once both are accounted for, `rest`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Components {
    /// Of the means of seeds, over the number of seeds.
    pub seeds: f64,
    /// Of the means of images, over the number of images.
    pub images: f64,
    /// Of what neither explains, over seeds × images.
    pub rest: f64,
}

impl Table {
    /// Of rows `[seeds][images]`; `None` if there are no seeds or images, or rows of different lengths.
    #[must_use]
    pub fn of(rows: &[Vec<i8>]) -> Option<Table> {
        let images = rows.first()?.len();
        if images == 0 || rows.iter().any(|row| row.len() != images) {
            return None;
        }
        let mut counts = BTreeMap::<Vec<i8>, u64>::new();
        let mut pattern = vec![0; rows.len()];
        for image in 0..images {
            for (value, row) in pattern.iter_mut().zip(rows) {
                *value = row[image];
            }
            match counts.get_mut(&pattern) {
                Some(count) => *count += 1,
                None => _ = counts.insert(pattern.clone(), 1),
            }
        }
        Some(Table {
            seeds: rows.len(),
            images: images as u64,
            patterns: counts.into_iter().collect(),
        })
    }

    /// How many seeds.
    #[must_use]
    pub fn seeds(&self) -> usize {
        self.seeds
    }

    /// How many images.
    #[must_use]
    pub fn images(&self) -> u64 {
        self.images
    }

    /// What seeds say of an image, and of how many images they say it.
    pub(super) fn patterns(&self) -> &[(Vec<i8>, u64)] {
        &self.patterns
    }

    /// The sum over images, a seed each.
    #[must_use]
    pub fn sums(&self) -> Vec<i64> {
        let of = |seed: usize| {
            let values = self.patterns.iter();
            values
                .map(|(pattern, count)| i64::from(pattern[seed]) * *count as i64)
                .sum()
        };
        (0..self.seeds).map(of).collect()
    }

    /// The mean over images, a seed each.
    #[must_use]
    pub fn means(&self) -> Vec<f64> {
        let sums = self.sums().into_iter();
        sums.map(|sum| sum as f64 / self.images as f64).collect()
    }

    /// The mean over seeds and images.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sums().iter().sum::<i64>() as f64 / (self.seeds as f64 * self.images as f64)
    }

    /// Where the variance of the mean comes from (analysis of variance of a two-way table without repetition); 0 where
    /// there is but one seed or image to estimate it from.
    #[must_use]
    pub fn components(&self) -> Components {
        let (seeds, images) = (self.seeds as f64, self.images as f64);
        let (mean, means) = (self.mean(), self.means());
        let over = |sum: f64, by: f64| if by > 0.0 { sum / by } else { 0.0 };
        let of_seeds: f64 = means.iter().map(|value| (value - mean).powi(2)).sum();
        let (mut of_images, mut rest) = (0.0, 0.0);
        for (pattern, count) in &self.patterns {
            let sum: i64 = pattern.iter().map(|&value| i64::from(value)).sum();
            let of_image = sum as f64 / seeds;
            let left = pattern.iter().zip(&means);
            let left = left
                .map(|(&value, of_seed)| (f64::from(value) - of_seed - of_image + mean).powi(2));
            rest += *count as f64 * left.sum::<f64>();
            of_images += *count as f64 * (of_image - mean).powi(2);
        }
        Components {
            seeds: over(of_seeds, (seeds - 1.0) * seeds),
            images: over(of_images, (images - 1.0) * images),
            rest: over(rest, (seeds - 1.0) * (images - 1.0) * seeds * images),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_images_are_kept_together() {
        let table = Table::of(&[vec![1, 0, 1, -1], vec![1, 0, 1, 0]]).expect("a table");
        assert_eq!(
            (table.seeds(), table.images(), table.patterns().len()),
            (2, 4, 3)
        );
        assert_eq!(table.sums(), [1, 2]);
        assert_eq!((table.means(), table.mean()), (vec![0.25, 0.5], 0.375));
        for none in [&[][..], &[vec![]], &[vec![1], vec![1, 0]]] {
            assert_eq!(Table::of(none), None);
        }
    }
}
