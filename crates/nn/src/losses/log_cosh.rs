//! The logarithm of the hyperbolic cosine of differences.

use super::{Loss, Row, Sample, check_same, difference, means_of_samples};
use crate::{Result, config};
use serde::{Deserialize, Serialize};
use serde_json::json;
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// ln cosh(output − target), averaged over everything: x²/2 for small differences x, |x| − ln 2 for large ones, which it
/// bears of any size. Output and target have the same shape.
///
/// ```
/// use taper_nn::losses::{LogCosh, Loss};
/// # use taper_autograd::Tape;
/// # use taper_tensor::Tensor;
/// let output = Tape::new().constant(&Tensor::<f64>::from_vec([1, 1], vec![3.0])?);
/// let loss = LogCosh.forward(&output, &Tensor::from_vec([1, 1], vec![1.0])?)?;
/// assert!((loss.value().item()? - 2f64.cosh().ln()).abs() < 1e-9);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogCosh {}

/// The loss, which has no settings.
#[allow(non_upper_case_globals)]
pub const LogCosh: LogCosh = LogCosh {};

const NAME: &str = "log_cosh";

impl<E: Element> Loss<E> for LogCosh {
    fn name(&self) -> &'static str {
        NAME
    }

    fn per_sample(&self, output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
        // |x| + ln(1 + e⁻²ˡˣˡ) − ln 2 does not overflow.
        let size = difference(NAME, output, target)?.abs();
        let rest = size.scale(E::from_f64(-2.0)).exp().log1p();
        let losses = size.add(&rest)?.shift(E::from_f64(-std::f64::consts::LN_2));
        means_of_samples(&losses)
    }

    fn check_target(&self, output: &[usize], target: &[usize]) -> Result<()> {
        check_same(NAME, output, target)
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "LogCosh",
        name: NAME,
        about: "ln cosh(output − target), averaged over everything",
        file: file!(),
        from_config: |config| Ok(Box::new(config::parse::<LogCosh>("LogCosh", config)?)),
        sample: |sampler| {
            let shape = sampler.shape(1, 3, 4);
            let (output, target) = sampler.distinct_pair(&shape, &shape);
            Sample {
                config: json!({}),
                output,
                target,
                activation: None,
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, value};
    use super::*;

    #[test]
    fn values() {
        close(
            value(
                &LogCosh,
                (&[2, 2], &[1.0, 2.0, -3.0, 800.0]),
                (&[2, 2], &[1.0, 0.0, 0.0, -200.0]),
            ),
            (2.0f64.cosh().ln() + 3.0f64.cosh().ln() + 1000.0 - 2.0f64.ln()) / 4.0,
        );
    }
}
