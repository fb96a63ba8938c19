//! Metrics whose settings choose among a few ways of counting: what counts, and the metric that is made of it.

use crate::Result;
use taper_tensor::Tensor;

/// A way of counting, with the settings of one metric. `metric` is the name that errors say.
pub(in crate::metrics) trait Counter {
    /// Whether the settings of a `class_name` are in range.
    fn check(&self, _class_name: &str) -> Result<()> {
        Ok(())
    }

    /// See [`Metric::sums`](super::Metric::sums).
    fn sums(&self, metric: &str, output: &[usize], target: &[usize]) -> Result<usize>;

    /// See [`Metric::add`](super::Metric::add).
    fn add(
        &self,
        metric: &str,
        sums: &mut [f64],
        pair: (&Tensor, &Tensor),
        sample_weights: Option<&Tensor>,
    ) -> Result<()>;

    /// See [`Metric::value`](super::Metric::value).
    fn value(&self, sums: &[f64]) -> f64;

    /// See [`Metric::values`](super::Metric::values).
    fn values(&self, sums: &[f64]) -> Vec<f64> {
        vec![self.value(sums)]
    }
}

/// `counted!(IoU, NAME, Mode::Max)`: the metric of this name, which counts as its `counter()` says.
macro_rules! counted {
    ($Type:ident, $name:expr, $mode:expr) => {
        impl $Type {
            fn check(&self) -> crate::Result<()> {
                $crate::metrics::shared::Counter::check(&self.counter(), stringify!($Type))
            }
        }

        impl $crate::metrics::Metric for $Type {
            fn name(&self) -> String {
                $name.into()
            }

            fn config(&self) -> serde_json::Value {
                $crate::metrics::shared::settings(self)
            }

            fn mode(&self) -> crate::Mode {
                $mode
            }

            fn sums(&self, output: &[usize], target: &[usize]) -> crate::Result<usize> {
                self.check()?;
                $crate::metrics::shared::Counter::sums(&self.counter(), $name, output, target)
            }

            fn add(
                &self,
                sums: &mut [f64],
                output: &taper_tensor::Tensor,
                target: &taper_tensor::Tensor,
                sample_weights: Option<&taper_tensor::Tensor>,
            ) -> crate::Result<()> {
                let pair = (output, target);
                $crate::metrics::shared::Counter::add(
                    &self.counter(),
                    $name,
                    sums,
                    pair,
                    sample_weights,
                )
            }

            fn value(&self, sums: &[f64]) -> f64 {
                $crate::metrics::shared::Counter::value(&self.counter(), sums)
            }

            fn values(&self, sums: &[f64]) -> Vec<f64> {
                $crate::metrics::shared::Counter::values(&self.counter(), sums)
            }
        }
    };
}

pub(in crate::metrics) use counted;
