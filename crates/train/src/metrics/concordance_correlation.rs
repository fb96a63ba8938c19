//! How much output and target agree.

use super::{Row, RowMeans, Sample, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// 2 · covariance / (variance of output + variance of target + (difference of means)² + 1e-7) of each row along the last axis
/// (Lin 1989), averaged over the rows: 1 only for what is the same. Output and target are `[n, …, k]` of the same shape, k at
/// least 2.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{ConcordanceCorrelation, Metric};
/// let output = Tensor::from_vec([1, 3], vec![1.0, 2.0, 3.0])?;
/// assert!((ConcordanceCorrelation.measure(&output, &output)? - 1.0).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConcordanceCorrelation {}

/// The metric, which has no settings.
#[allow(non_upper_case_globals)]
pub const ConcordanceCorrelation: ConcordanceCorrelation = ConcordanceCorrelation {};

const NAME: &str = "concordance_correlation";

impl ConcordanceCorrelation {
    fn counter(&self) -> RowMeans {
        RowMeans(|moments| {
            let apart = (moments.means[0] - moments.means[1]).powi(2);
            2.0 * moments.covariance / (moments.variances[0] + moments.variances[1] + apart + 1e-7)
        })
    }
}

counted!(ConcordanceCorrelation, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "ConcordanceCorrelation",
        name: NAME,
        about: "2 · covariance / (variances + (difference of means)²) of each row, averaged",
        file: file!(),
        from_config: |config| {
            read(
                "ConcordanceCorrelation",
                config,
                ConcordanceCorrelation::check,
            )
        },
        by_name: |name| named(ConcordanceCorrelation, name),
        sample: || Sample {
            config: json!({}),
            output: Tensor::from_fn([2, 3], |i| [2.0, 4.0, 6.0, 1.0, 2.0, 3.0][i]),
            target: Tensor::from_fn([2, 3], |i| [1.0, 2.0, 3.0, 1.0, 3.0, 2.0][i]),
            value: (4.0 / 11.0 + 0.5) / 2.0,
        },
    }
}
