//! Every loss as a metric, in one way: what it says of each sample, computed in f64 and averaged over the whole set.

use crate::metrics::{Metric, Row, Sample};
use crate::{Error, Mode, Result, labels::share};
use serde_json::Value;
use taper_autograd::Tape;
use taper_nn::losses::{self, Adapted, Loss};
use taper_tensor::Tensor;

use super::weights_of;

/// A loss that may be given to [`Trainer::metric`](crate::Trainer::metric): Keras's metrics of the same names, and those
/// of one's own that say here that they are. It is the mean of [`Loss::per_sample`] over all samples, in f64, each sample
/// times its weight and divided by the sum of the weights; a reduction is none of its business.
///
/// Keras calls the metric of [`LogCosh`](struct@crate::LogCoshError) `logcosh`, and that of
/// [`CosineSimilarity`](struct@taper_nn::CosineSimilarity) is the cosine itself, where the loss is −cosine.
///
/// ```
/// use taper_tensor::Tensor;
/// use taper_train::{Metric, prelude::{MeanSquaredError, Poisson}};
/// let (output, target) = (Tensor::ones([2, 1]), Tensor::zeros([2, 1]));
/// assert_eq!(MeanSquaredError.measure(&output, &target)?, 1.0);
/// assert_eq!(Metric::name(&Poisson), "poisson");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait LossMetric: Loss<f64> {}

impl<L: LossMetric> Metric for L {
    fn name(&self) -> String {
        figure(Loss::name(self)).into()
    }

    fn config(&self) -> Value {
        Loss::config(self)
    }

    fn mode(&self) -> Mode {
        match is_cosine(Loss::name(self)) {
            true => Mode::Max,
            false => Mode::Min,
        }
    }

    /// Losses of samples, and weights.
    fn sums(&self, output: &[usize], target: &[usize]) -> Result<usize> {
        Loss::check(self)?;
        match self.check_target(output, target) {
            Ok(()) => Ok(2),
            Err(error) => {
                let (name, message) = (Loss::name(self), error.to_string());
                let start = format!("{name}: ");
                let message = message.strip_prefix(&start).unwrap_or(&message);
                Err(Error::shapes(figure(name), message.to_owned()))
            }
        }
    }

    fn add(
        &self,
        sums: &mut [f64],
        output: &Tensor,
        target: &Tensor,
        sample_weights: Option<&Tensor>,
    ) -> Result<()> {
        let name = Loss::name(self);
        let weights = weights_of(figure(name), output, sample_weights)?;
        let (output, target) = (wide(output)?, wide(target)?);
        let losses = self.per_sample(&Tape::new().constant(&output), &target)?;
        // Where only some positions count, each batch counts with the number of those.
        let terms = self.terms(&output, &target)?;
        let sign = if is_cosine(name) { -1.0 } else { 1.0 };
        for (sample, loss) in losses.value().to_vec().into_iter().enumerate() {
            let weight = weights.as_ref().map_or(1.0, |all| f64::from(all[sample])) * terms;
            if weight != 0.0 {
                sums[0] += weight * sign * loss;
                sums[1] += weight;
            }
        }
        Ok(())
    }

    fn value(&self, sums: &[f64]) -> f64 {
        share(sums)
    }
}

/// What the metric of a loss is called.
fn figure(loss: &'static str) -> &'static str {
    match loss {
        "log_cosh" => "logcosh",
        loss => loss,
    }
}

fn is_cosine(loss: &str) -> bool {
    loss == "cosine_similarity"
}

fn wide(tensor: &Tensor) -> Result<Tensor<f64>> {
    let values = tensor.to_vec().into_iter().map(f64::from).collect();
    Ok(Tensor::from_vec(tensor.shape(), values)?)
}

impl LossMetric for Adapted<f64> {}

/// The row of a loss, with the formula, the settings and the options that it has as a loss.
pub(in crate::metrics) fn row_of<L: LossMetric + Default + 'static>(
    sample: fn() -> Sample,
    file: &'static str,
) -> Row {
    let name = Loss::name(&L::default());
    let rows = losses::all::<f64>();
    let row = rows.iter().find(|row| row.name == name);
    Row {
        class_name: match name {
            "log_cosh" => "LogCoshError",
            _ => row.map_or("", |row| row.class_name),
        },
        name: figure(name),
        about: row.map_or("", |row| row.about),
        file,
        from_config: |config| {
            let loss = losses::from_config::<f64>(Loss::name(&L::default()), config);
            let loss = loss.map_err(|error| {
                let message = error.to_string();
                Error::Setting(message.replacen("LogCosh:", "LogCoshError:", 1))
            })?;
            Ok(Box::new(Adapted::new(loss)))
        },
        by_name: |name| super::named(L::default(), name),
        sample,
    }
}
