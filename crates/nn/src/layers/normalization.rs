//! Shift and scale by statistics of data.

use super::{Row, Sample, boxed};
use crate::{
    Context, Describe, Error, Initializer, Layer, Result, ScaleAndShift, Values, WeightSpec,
    config, setting,
};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::{Element, Scalar, Tensor};

/// (x − mean) / max(√variance, 10⁻⁷), or the other way round with `invert`: mean + x · max(√variance, 10⁻⁷). Any shape.
///
/// Each index of `axis` has a mean and a variance of its own; none (`axis: null`) is one of both for all values. Axes are counted
/// as Keras counts them, with the batch (which cannot be one of them) as axis 0. [`adapt`](Self::adapt) takes the statistics of
/// data and writes them into the description. A layer without statistics has them as weights that do not learn, `mean` and
/// `variance`, 0 and 1 at first, for those of a file; Keras's third, `count`, is none here, since nothing reads it.
///
/// ```
/// use taper_nn::{Seed, Sequential, layers::Normalization};
/// use taper_tensor::Tensor;
/// let data = Tensor::from_vec([2, 2], vec![1.0, 10.0, 3.0, 30.0])?;
/// let model = Sequential::new([2]).add(Normalization::new().adapt(&data)?).build(Seed(7))?;
/// assert_eq!(model.predict(&data)?.to_vec(), [-1.0, -1.0, 1.0, 1.0]);
/// # Ok::<(), taper_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// The layer's name in the model (default: made from the class name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The axes whose indices have statistics of their own (default: −1, the last).
    #[serde(default = "KeptAxes::last")]
    pub axis: KeptAxes,
    /// The means, together with `variance`: one, or of the lengths of the axes (default: none, they are weights).
    #[serde(default)]
    pub mean: Option<Values>,
    /// The variances, 0 or more (default: none).
    #[serde(default)]
    pub variance: Option<Values>,
    /// Whether it goes back from normalized values (default: no).
    #[serde(default)]
    pub invert: bool,
}

impl Default for Normalization {
    fn default() -> Self {
        Self::new()
    }
}

const CLASS: &str = "Normalization";

/// Axes whose indices have statistics of their own; perhaps none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMore", into = "Vec<i64>")]
pub struct KeptAxes(Vec<i64>);

impl From<i64> for KeptAxes {
    fn from(axis: i64) -> Self {
        KeptAxes(vec![axis])
    }
}

impl<const N: usize> From<[i64; N]> for KeptAxes {
    fn from(axes: [i64; N]) -> Self {
        KeptAxes(axes.to_vec())
    }
}

impl From<KeptAxes> for Vec<i64> {
    fn from(KeptAxes(axes): KeptAxes) -> Self {
        axes
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected an axis, several of them or null, such as -1 or [1, 2]"
)]
enum OneOrMore {
    None(()),
    One(i64),
    More(Vec<i64>),
}

impl From<OneOrMore> for KeptAxes {
    fn from(axes: OneOrMore) -> Self {
        match axes {
            OneOrMore::None(()) => KeptAxes(Vec::new()),
            OneOrMore::One(axis) => axis.into(),
            OneOrMore::More(axes) => KeptAxes(axes),
        }
    }
}

impl KeptAxes {
    fn last() -> Self {
        KeptAxes(vec![-1])
    }

    /// The axes of a sample of this shape, in order.
    fn of_sample(&self, sample: &[usize]) -> Result<Vec<usize>> {
        let rank = sample.len() as i64;
        let place = |axis: i64| {
            if axis < 0 {
                axis.saturating_add(rank)
            } else {
                axis - 1
            }
        };
        let mut axes: Vec<i64> = self.0.iter().map(|&axis| place(axis)).collect();
        axes.sort_unstable();
        let inside = axes.iter().all(|axis| (0..rank).contains(axis));
        if !inside || axes.windows(2).any(|pair| pair[0] == pair[1]) {
            let message = format!(
                "axis is {:?}; of an input {sample:?} the axes are 1 to {rank}, or -{rank} to -1 from behind, each once",
                self.0
            );
            return Err(Error::layer(CLASS, message));
        }
        Ok(axes.into_iter().map(|axis| axis as usize).collect())
    }
}

/// What is divided by is at least Keras's `epsilon()`.
const LEAST: f64 = 1e-7;

/// Statistics of data so far: how many values each is of, and the sums of squared distances from the means.
struct Moments {
    shape: Vec<usize>,
    count: usize,
    mean: Vec<f64>,
    spread: Vec<f64>,
}

impl Moments {
    fn of<E: Element>(axis: &KeptAxes, batch: &Tensor<E>) -> Result<Moments> {
        let axes = axis.of_sample(batch.shape().get(1..).unwrap_or_default())?;
        let axes: Vec<usize> = axes.into_iter().map(|axis| axis + 1).collect();
        let shape: Vec<usize> = axes.iter().map(|&axis| batch.shape()[axis]).collect();
        let others = (0..batch.rank()).filter(|axis| !axes.contains(axis));
        let order: Vec<usize> = others.chain(axes.iter().copied()).collect();
        let values = batch.permute(&order)?.to_vec();
        let each: usize = shape.iter().product();
        let count = values.len() / each.max(1);
        let mut moments = Moments {
            shape,
            count,
            mean: vec![0.0; each],
            spread: vec![0.0; each],
        };
        let wide = |x: &E| Scalar::to_f64(*x);
        for row in values.chunks_exact(each.max(1)) {
            let pairs = moments.mean.iter_mut().zip(row);
            pairs.for_each(|(mean, x)| *mean += wide(x) / count as f64);
        }
        for row in values.chunks_exact(each.max(1)) {
            let pairs = moments.spread.iter_mut().zip(&moments.mean).zip(row);
            pairs.for_each(|((spread, mean), x)| *spread += (wide(x) - mean).powi(2));
        }
        Ok(moments)
    }

    /// Those of both together (Chan, Golub and LeVeque 1983).
    fn and(mut self, other: Moments) -> Result<Moments> {
        if self.shape != other.shape {
            let message = format!(
                "batches to adapt to have statistics of the shapes {:?} and {:?}",
                self.shape, other.shape
            );
            return Err(Error::layer(CLASS, message));
        }
        let count = self.count + other.count;
        let share = other.count as f64 / count.max(1) as f64;
        for i in 0..self.mean.len() {
            let distance = other.mean[i] - self.mean[i];
            self.mean[i] += distance * share;
            self.spread[i] += other.spread[i] + distance * distance * share * self.count as f64;
        }
        Ok(Moments { count, ..self })
    }
}

impl Normalization {
    /// Statistics for each index of the last axis, still to be given or adapted.
    pub fn new() -> Self {
        Normalization {
            name: None,
            axis: KeptAxes::last(),
            mean: None,
            variance: None,
            invert: false,
        }
    }

    /// The axes whose indices have statistics of their own: `-1`, `[1, 2]`, or none at all: `[]` (default: −1, the last).
    pub fn axis(mut self, axis: impl Into<KeptAxes>) -> Self {
        self.axis = axis.into();
        self
    }

    /// These statistics: of the lengths of the axes, or one number each.
    pub fn statistics(mut self, mean: impl Into<Values>, variance: impl Into<Values>) -> Self {
        self.mean = Some(mean.into());
        self.variance = Some(variance.into());
        self
    }

    /// Whether it goes back from normalized values (default: no).
    pub fn invert(mut self, invert: bool) -> Self {
        self.invert = invert;
        self
    }

    /// Mean and biased variance of these data, which have the batch in front.
    ///
    /// # Errors
    /// If there are none, or the axes do not exist.
    pub fn adapt<E: Element>(self, data: &Tensor<E>) -> Result<Self> {
        self.adapt_to([data.clone()])
    }

    /// As [`adapt`](Self::adapt), of batches one behind the other, as a data set hands them out; in f64.
    ///
    /// # Errors
    /// As there; if their shapes differ.
    pub fn adapt_to<E: Element>(
        self,
        batches: impl IntoIterator<Item = Tensor<E>>,
    ) -> Result<Self> {
        let mut total: Option<Moments> = None;
        for batch in batches {
            let moments = Moments::of(&self.axis, &batch)?;
            total = Some(match total {
                None => moments,
                Some(total) => total.and(moments)?,
            });
        }
        let Some(Moments {
            shape,
            count,
            mean,
            spread,
        }) = total.filter(|total| total.count > 0)
        else {
            return Err(Error::layer(CLASS, "there are no data to adapt to"));
        };
        let variance = spread.iter().map(|spread| spread / count as f64).collect();
        let listed = |values| Values::listed(shape.clone(), values);
        Ok(self.statistics(listed(mean), listed(variance)))
    }

    /// The layer's name in the model (default: made from the class name).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The statistics: its own, or those among the weights.
    fn statistics_of<E: Element>(
        &self,
        x: &Var<E>,
        weights: &[Var<E>],
    ) -> Result<(Var<E>, Var<E>)> {
        let constant = |values: &Values| x.tape().constant(&values.tensor());
        match (&self.mean, &self.variance, weights) {
            (Some(mean), Some(variance), []) => Ok((constant(mean), constant(variance))),
            (None, None, [mean, variance]) => Ok((mean.clone(), variance.clone())),
            _ => {
                let message = format!("{} weights do not fit its statistics", weights.len());
                Err(Error::layer(CLASS, message))
            }
        }
    }
}

impl Describe for Normalization {
    fn class_name(&self) -> &'static str {
        "Normalization"
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn config(&self) -> serde_json::Value {
        config::unparse(self)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let axes = self.axis.of_sample(input)?;
        let shape: Vec<usize> = axes.iter().map(|&axis| input[axis]).collect();
        let fail = |message: String| Err(Error::layer(CLASS, message));
        match (&self.mean, &self.variance) {
            (None, None) => {}
            (Some(mean), Some(variance)) => {
                for (name, values) in [("mean", mean), ("variance", variance)] {
                    let mut checked = values.check::<f32>(name);
                    if name == "variance" {
                        let mut all = values.values().iter();
                        let fault =
                            all.find_map(|&v| setting::not_negative_in::<f32>(name, v).err());
                        checked = checked.and(fault.map_or(Ok(()), Err));
                    }
                    if let Err(fault) = checked {
                        return fail(fault);
                    }
                    if !values.shape().is_empty() && values.shape() != shape {
                        return fail(format!(
                            "{name} has the shape {:?}; of an input {input:?} it must be {shape:?}, or one number",
                            values.shape()
                        ));
                    }
                }
            }
            _ => return fail("mean and variance must be given together".into()),
        }
        Ok(input.to_vec())
    }

    fn weights(&self, input: &[usize]) -> Result<Vec<WeightSpec>> {
        if self.mean.is_some() {
            return Ok(Vec::new());
        }
        let axes = self.axis.of_sample(input)?;
        let spec = |name: &'static str, initializer| WeightSpec {
            name: name.into(),
            shape: axes.iter().map(|&axis| input[axis]).collect(),
            initializer,
            regularizer: None,
            trainable: false,
        };
        let (zeros, ones) = (Initializer::Zeros, Initializer::Ones);
        Ok(vec![spec("mean", zeros), spec("variance", ones)])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl<E: Element> Layer<E> for Normalization {
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], _context: &mut Context<E>) -> Result<Var<E>> {
        let axes = self
            .axis
            .of_sample(x.shape().get(1..).unwrap_or_default())?;
        let (mean, variance) = self.statistics_of(x, weights)?;
        let mut wide = vec![1; x.shape().len()];
        axes.iter()
            .for_each(|axis| wide[axis + 1] = x.shape()[axis + 1]);
        let fitting = |values: Var<E>| match values.shape() {
            [] => Ok(values),
            _ => values.reshape(&wide[..]),
        };
        let (mean, variance) = (fitting(mean)?, fitting(variance)?);
        let least = E::from_f64(LEAST * LEAST);
        let deviation = variance.clip(least, E::infinity()).sqrt();
        Ok(match self.invert {
            true => x.mul(&deviation)?.add(&mean)?,
            false => x.sub(&mean)?.div(&deviation)?,
        })
    }

    fn scale_and_shift(&self, weights: &[&Tensor<E>]) -> Option<ScaleAndShift> {
        // Of one axis that is the last, or of none.
        if !matches!(self.axis.0[..], [] | [-1]) {
            return None;
        }
        let wide = |t: &Tensor<E>| t.to_vec().into_iter().map(Scalar::to_f64).collect();
        let (mean, variance): (Vec<f64>, Vec<f64>) = match (&self.mean, &self.variance, weights) {
            (Some(mean), Some(variance), []) => {
                (mean.values().to_vec(), variance.values().to_vec())
            }
            (None, None, [mean, variance]) => (wide(mean), wide(variance)),
            _ => return None,
        };
        if mean.len() != variance.len() {
            return None;
        }
        let pairs = mean.into_iter().zip(variance);
        let deviation = |variance: f64| {
            let least = LEAST * LEAST; // NaN stays so
            if variance < least {
                LEAST
            } else {
                variance.sqrt()
            }
        };
        let of = |(mean, variance): (f64, f64)| match self.invert {
            true => (deviation(variance), mean),
            false => (1.0 / deviation(variance), -mean / deviation(variance)),
        };
        let (scale, shift) = pairs.map(of).unzip();
        Some(ScaleAndShift { scale, shift })
    }
}

pub(super) fn row<E: Element>() -> Row<E> {
    Row {
        class_name: "Normalization",
        about: "(x − mean) / √variance, with statistics that are given",
        file: file!(),
        from_config: |config| boxed::<E, Normalization>("Normalization", config),
        sample: |sampler| {
            let input = sampler.shape(1, 3, 3);
            let mut layer = Normalization::new().invert(sampler.coin());
            let axes = sampler.axes(input.len());
            let shape: Vec<usize> = axes.iter().map(|&axis| input[axis]).collect();
            layer.axis = KeptAxes(axes.into_iter().map(|axis| axis as i64 + 1).collect());
            let drawn = |sampler: &mut Sampler| (sampler.tensor(&shape), sampler.positive(&shape));
            if sampler.coin() {
                let (mean, variance) = drawn(sampler);
                let [mean, variance] = [mean, variance].map(|t| Values::from_tensor(&t));
                layer = layer.statistics(mean, variance);
            }
            Sample::new(layer, input)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_tensor::{Seed, Stream};

    #[test]
    fn batches_have_the_statistics_of_all_together() {
        let data = Tensor::<f64>::normal([50, 3, 4], 1e3, 2.0, Seed(3).key(Stream::User(0), 0));
        let whole = Normalization::new().axis([1, -1]).adapt(&data).unwrap();
        let parts = [0..7, 7..8, 8..50].map(|rows| data.slice(0, rows).unwrap());
        let merged = Normalization::new().axis([1, -1]).adapt_to(parts).unwrap();
        let pairs = [
            (whole.mean.unwrap(), merged.mean.unwrap()),
            (whole.variance.unwrap(), merged.variance.unwrap()),
        ];
        for (whole, merged) in pairs {
            assert_eq!(whole.shape(), [3, 4]);
            for (a, b) in whole.values().iter().zip(merged.values()) {
                assert!((a - b).abs() <= 1e-10 * a.abs(), "{a} and {b}");
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_reasons() {
        let none = Normalization::new().adapt_to::<f32>([]);
        assert!(none.unwrap_err().to_string().contains("no data"));
        let empty = Normalization::new().adapt(&Tensor::<f32>::zeros([0, 3]));
        assert!(empty.unwrap_err().to_string().contains("no data"));
        let message = |layer: Normalization| layer.output_shape(&[4, 3]).unwrap_err().to_string();
        let new = Normalization::new;
        assert!(message(new().statistics(vec![1.0, 2.0], 1.0)).contains("mean has the shape [2]"));
        assert!(message(new().statistics(0.0, -1.0)).contains("variance is -1"));
        assert!(message(new().statistics(f64::NAN, 1.0)).contains("mean"));
        assert!(message(new().axis(0)).contains("axis"));
        let mut half = new();
        half.mean = Some(1.0.into());
        assert!(message(half).contains("together"));
    }
}
