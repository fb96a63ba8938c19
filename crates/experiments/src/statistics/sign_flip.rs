//! Whether a difference that several seeds show can be chance: the exact sign-flip permutation test.

use super::SIGNIFICANCE;

/// Two-sided p of differences that were paired by seed; 1 of none.
///
/// `differences` are whole numbers on one scale: how many images more the variant has right than the reference, a seed
/// each. If neither is better, each could as well have the other sign: p is the share of all 2ˢ choices of signs whose
/// sum is at least as far from 0 as the one that was found (R. A. Fisher, *The design of experiments*, 1935, § 21). It
/// assumes nothing of how differences are distributed but that symmetry.
///
/// All choices are counted, by their sums: exactly, up to 53 seeds. It takes S·Σ|d| steps at most.
#[must_use]
pub fn sign_flip(differences: &[i64]) -> f64 {
    let observed = differences.iter().sum::<i64>().unsigned_abs() as usize;
    // The sign of nothing changes nothing.
    let sizes = differences
        .iter()
        .map(|difference| difference.unsigned_abs() as usize);
    let sizes: Vec<usize> = sizes.filter(|&size| size > 0).collect();
    let most: usize = sizes.iter().sum();
    // Of the sums −most, −most + 1, …, most: their probabilities.
    let mut sums = vec![0.0f64; 2 * most + 1];
    sums[most] = 1.0;
    let mut reached = 0;
    for size in sizes {
        let mut next = vec![0.0f64; sums.len()];
        for place in most - reached..=most + reached {
            let half = 0.5 * sums[place];
            if half > 0.0 {
                next[place - size] += half;
                next[place + size] += half;
            }
        }
        reached += size;
        sums = next;
    }
    let far = |(place, _): &(usize, &f64)| place.abs_diff(most) >= observed;
    let tail = sums.iter().enumerate().filter(far);
    tail.map(|(_, share)| share).sum::<f64>().min(1.0)
}

/// From how many seeds on [`sign_flip`] can give a p below 0.05 in each of so many comparisons, [corrected](super::holm):
/// of S seeds the smallest p is 2/2ˢ. Six for one comparison, seven for two or three.
#[must_use]
pub fn seeds_needed(comparisons: usize) -> usize {
    let least = |seeds: i32| 2.0f64.powi(1 - seeds) * comparisons.max(1) as f64;
    (1..)
        .find(|&seeds| least(seeds) < SIGNIFICANCE)
        .unwrap_or(6) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every choice of signs, one by one.
    fn counted(differences: &[i64]) -> f64 {
        let observed = differences.iter().sum::<i64>().abs();
        let all = 1u32 << differences.len();
        let far = (0..all).filter(|signs| {
            let signed = |(i, d): (usize, &i64)| if signs >> i & 1 == 1 { -d } else { *d };
            differences
                .iter()
                .enumerate()
                .map(signed)
                .sum::<i64>()
                .abs()
                >= observed
        });
        far.count() as f64 / f64::from(all)
    }

    #[test]
    fn it_is_what_counting_all_signs_gives() {
        for differences in [
            &[][..],
            &[0, 0, 0],
            &[5],
            &[3, -3],
            &[4, 4, 4, 4, 4, 4],
            &[12, -7, 0, 5, 3, 3, -1],
            &[100, 30, -20, 55, 1, 2, 3, -4, 9, 0],
        ] {
            assert_eq!(
                sign_flip(differences),
                counted(differences),
                "{differences:?}"
            );
        }
    }

    #[test]
    fn below_six_seeds_no_p_is_small() {
        assert!(sign_flip(&[9; 5]) > SIGNIFICANCE && sign_flip(&[9; 6]) < SIGNIFICANCE);
        assert_eq!([0, 1, 2, 3, 4].map(seeds_needed), [6, 6, 7, 7, 8]);
    }
}
