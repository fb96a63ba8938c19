//! What another seed would say.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The probability that the difference is above 0 with a seed that was not tried, on the same images; `None` of fewer
/// than two seeds, or if all gave the same difference, so that their spread is not known.
///
/// It assumes that the differences of seeds are independent draws from one normal distribution, of which nothing else is
/// known. With their mean m and standard deviation s (n − 1 below), a new one is m + s·√(1 + 1/S)·t, t of Student's
/// distribution with S − 1 degrees of freedom, so that the probability is F(m / (s·√(1 + 1/S)))
/// (the predictive distribution: A. Gelman et al., *Bayesian data analysis*, § 3.2; the same as the classical prediction
/// interval). It is about one training, not about the mean, and grows no surer than the spread of seeds lets it.
#[must_use]
pub fn beats_on_new_seed(differences: &[f64]) -> Option<f64> {
    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count;
    let squares: f64 = differences.iter().map(|value| (value - mean).powi(2)).sum();
    let spread = (squares / (count - 1.0) * (1.0 + 1.0 / count)).sqrt();
    let same = differences.windows(2).all(|pair| pair[0] == pair[1]);
    if differences.len() < 2 || same || !(mean / spread).is_finite() {
        return None;
    }
    let t = StudentsT::new(0.0, 1.0, count - 1.0).ok()?;
    Some(t.cdf(mean / spread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_silent_without_a_spread_and_even_without_a_difference() {
        for silent in [&[][..], &[0.1], &[0.1, 0.1, 0.1], &[f64::NAN, 0.1]] {
            assert_eq!(beats_on_new_seed(silent), None, "{silent:?}");
        }
        let even = beats_on_new_seed(&[-0.01, 0.01]).expect("a spread");
        assert!((even - 0.5).abs() < 1e-12, "{even}");
        let sure = beats_on_new_seed(&[0.01, 0.011, 0.012, 0.010]).expect("a spread");
        assert!(sure > 0.99 && sure < 1.0, "{sure}");
    }
}
