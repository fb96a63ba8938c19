//! Several comparisons at once: Holm's correction.

/// The p of several tests, corrected so that with probability 0.95 none of them falls below 0.05 by chance alone,
/// whatever they have to do with each other. Same order as given; NaN stays NaN, and counts as a test.
///
/// Of m tests in the order of their p, the i-th smallest becomes max over j ≤ i of min(1, (m − j + 1)·p₍ⱼ₎)
/// (S. Holm, *A simple sequentially rejective multiple test procedure*, 1979).
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    // Stable; NaN of positive sign comes last, and is skipped.
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut corrected = vec![f64::NAN; p.len()];
    let mut largest = 0.0f64;
    let numbers = order.into_iter().filter(|&index| !p[index].is_nan());
    for (rank, index) in numbers.enumerate() {
        largest = largest.max(((p.len() - rank) as f64 * p[index]).min(1.0));
        corrected[index] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_one_and_one_that_is_no_number() {
        assert!(holm(&[]).is_empty());
        assert_eq!(holm(&[0.04]), [0.04]);
        let corrected = holm(&[f64::NAN, 0.01, 0.9]);
        assert!(corrected[0].is_nan());
        assert_eq!(corrected[1..], [0.03, 1.0]);
    }
}
