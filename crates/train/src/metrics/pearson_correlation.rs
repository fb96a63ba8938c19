//! How linearly output and target depend on each other.

use super::{Row, RowMeans, Sample, counted, named, read};
use crate::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_tensor::Tensor;

/// Covariance / (σ of output · σ of target) of each row along the last axis (Pearson 1895), averaged over the rows: 1 for what
/// is the same but for scale and shift. A row in which one of the two does not vary has none and counts 0 (Keras: NaN).
/// Output and target are `[n, …, k]` of the same shape, k at least 2.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{PearsonCorrelation, Metric};
/// let output = Tensor::from_vec([1, 3], vec![1.0, 2.0, 3.0])?;
/// assert!((PearsonCorrelation.measure(&output, &output)? - 1.0).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PearsonCorrelation {}

/// The metric, which has no settings.
#[allow(non_upper_case_globals)]
pub const PearsonCorrelation: PearsonCorrelation = PearsonCorrelation {};

const NAME: &str = "pearson_correlation";

impl PearsonCorrelation {
    fn counter(&self) -> RowMeans {
        RowMeans(|moments| {
            let spread = (moments.variances[0] * moments.variances[1]).sqrt();
            match spread == 0.0 {
                true => 0.0,
                false => moments.covariance / spread,
            }
        })
    }
}

counted!(PearsonCorrelation, NAME, Mode::Max);

pub(super) fn row() -> Row {
    Row {
        class_name: "PearsonCorrelation",
        name: NAME,
        about: "covariance / (σ of output · σ of target) of each row, averaged",
        file: file!(),
        from_config: |config| read("PearsonCorrelation", config, PearsonCorrelation::check),
        by_name: |name| named(PearsonCorrelation, name),
        sample: || Sample {
            config: json!({}),
            output: Tensor::from_fn([2, 3], |i| [2.0, 4.0, 6.0, 1.0, 2.0, 3.0][i]),
            target: Tensor::from_fn([2, 3], |i| [1.0, 2.0, 3.0, 1.0, 3.0, 2.0][i]),
            value: (1.0 + 0.5) / 2.0,
        },
    }
}
