//! A penalty on directions that are not at right angles to each other (as in Brock et al. 2016), in Keras's form.

use super::{Regularizer, Row};
use crate::config::parse;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use taper_autograd::Var;
use taper_tensor::{Element, Tensor};

/// factor · mean of |cos| of the angles between all pairs of rows (or columns) of a matrix: 0 where all are at right angles.
/// Of weights with more than two axes the last one is the columns (Keras takes matrices alone); a vector has no pairs.
///
/// ```
/// use taper_nn::{OrthogonalRegularizer, Regularizer, layers::Dense};
/// use taper_tensor::Tensor;
/// let layer = Dense::new(32).kernel_regularizer(OrthogonalRegularizer::new(0.01));
/// let alike = Tensor::<f64>::from_vec([2, 2], vec![1.0, 1.0, 2.0, 2.0])?;
/// assert!((Regularizer::from(OrthogonalRegularizer::new(0.5)).value(&alike) - 0.5).abs() < 1e-12);
/// # Ok::<(), taper_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrthogonalRegularizer {
    /// The factor, 0 or more (default: 0.01).
    pub factor: f64,
    /// What is compared with each other (default: rows).
    pub mode: Mode,
}

/// What an [`OrthogonalRegularizer`] compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Rows with rows.
    #[default]
    Rows,
    /// Columns with columns.
    Columns,
}

impl Default for OrthogonalRegularizer {
    fn default() -> Self {
        OrthogonalRegularizer::new(0.01)
    }
}

/// Lengths are taken to be at least this: Keras's `epsilon()`.
const EPSILON: f64 = 1e-7;

impl OrthogonalRegularizer {
    /// Rows are compared.
    pub fn new(factor: f64) -> Self {
        OrthogonalRegularizer {
            factor,
            mode: Mode::Rows,
        }
    }

    /// What is compared with each other (default: rows).
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// factor / number of pairs / 2, by which the sum over all ordered pairs is multiplied; 0 where there is no pair.
    fn scale(&self, count: usize) -> f64 {
        let pairs = count as f64 * (count as f64 - 1.0) / 2.0;
        if pairs > 0.0 {
            self.factor * 0.5 / pairs
        } else {
            0.0
        }
    }

    /// The shape as a matrix.
    fn matrix(shape: &[usize]) -> Option<[usize; 2]> {
        match shape {
            [outer @ .., columns] if !outer.is_empty() => Some([outer.iter().product(), *columns]),
            _ => None,
        }
    }

    /// Directions as rows, each of length 1, and their lengths.
    fn directions<E: Element>(
        &self,
        weight: &Tensor<E>,
    ) -> taper_tensor::Result<Option<[Tensor<E>; 2]>> {
        let Some(shape) = Self::matrix(weight.shape()) else {
            return Ok(None);
        };
        let matrix = weight.reshape(shape)?;
        let rows = match self.mode {
            Mode::Rows => matrix,
            Mode::Columns => matrix.transpose().contiguous(),
        };
        let least = E::from_f64(EPSILON * EPSILON);
        let lengths = rows
            .square()
            .sum_axes(&[1], true)?
            .clip(least, E::infinity())
            .sqrt();
        Ok(Some([rows.div(&lengths)?, lengths]))
    }

    pub(super) fn value<E: Element>(&self, weight: &Tensor<E>) -> f64 {
        // Shapes fit whatever the weight is.
        let sum = || -> taper_tensor::Result<f64> {
            let Some([rows, _]) = self.directions(weight)? else {
                return Ok(0.0);
            };
            let (absolute, _) = without_diagonal(&rows.matmul(&rows.transpose())?).penalty_sums();
            Ok(match self.scale(rows.shape()[0]) {
                0.0 => 0.0, // also of what is no number
                scale => scale * absolute,
            })
        };
        sum().unwrap_or(f64::NAN)
    }

    /// With u the rows of length 1, s the signs of their products: 2·scale·(Σ s·u − (…·u)·u) / length.
    pub(super) fn gradient<E: Element>(&self, weight: &Tensor<E>) -> Tensor<E> {
        let gradient = || -> taper_tensor::Result<Option<Tensor<E>>> {
            let Some([rows, lengths]) = self.directions(weight)? else {
                return Ok(None);
            };
            let products = without_diagonal(&rows.matmul(&rows.transpose())?);
            let signs = products.map(|p| if p == E::zero() { p } else { p.signum() });
            let scale = E::from_f64(2.0 * self.scale(rows.shape()[0]));
            let along = signs.matmul(&rows)?.scale(scale);
            let own = along.mul(&rows)?.sum_axes(&[1], true)?;
            // A length that is held where it is does not depend on the row.
            let free = lengths.map(|length| match length > E::from_f64(EPSILON) {
                true => E::one(),
                false => E::zero(),
            });
            let across = along.sub(&rows.mul(&own.mul(&free)?)?)?.div(&lengths)?;
            let matrix = match self.mode {
                Mode::Rows => across,
                Mode::Columns => across.transpose().contiguous(),
            };
            matrix.reshape(weight.shape()).map(Some)
        };
        let gradient = gradient().unwrap_or_default();
        gradient.unwrap_or_else(|| Tensor::zeros(weight.shape()))
    }

    pub(super) fn penalty<E: Element>(&self, x: &Var<E>) -> Result<Var<E>> {
        let Some(shape) = Self::matrix(x.shape()) else {
            return Ok(x.sum().scale(E::zero()));
        };
        let matrix = x.reshape(shape)?;
        let rows = match self.mode {
            Mode::Rows => matrix,
            Mode::Columns => matrix.transpose(),
        };
        let count = rows.shape()[0];
        let least = E::from_f64(EPSILON * EPSILON);
        let lengths = rows
            .square()
            .sum_axes(&[1], true)?
            .clip(least, E::infinity())
            .sqrt();
        let rows = rows.div(&lengths)?;
        let products = rows.matmul(&rows.transpose())?;
        let others = x
            .tape()
            .constant(&without_diagonal(&Tensor::ones([count, count])));
        let sum = products.mul(&others)?.abs().sum();
        Ok(sum.scale(E::from_f64(self.scale(count))))
    }

    /// Whether no pair is so near to a right angle that |cos| bends within `margin`.
    pub(crate) fn is_smooth_at(&self, weight: &Tensor<f64>, margin: f64) -> bool {
        let Ok(Some([rows, _])) = self.directions(weight) else {
            return true;
        };
        let products = rows.matmul(&rows.transpose()).map(|p| p.to_vec());
        products.is_ok_and(|products| products.iter().all(|p| p.abs() >= margin))
    }
}

/// The square matrix with 0 on its diagonal.
fn without_diagonal<E: Element>(square: &Tensor<E>) -> Tensor<E> {
    let mut rest = square.contiguous();
    let side = square.shape()[0];
    let values = rest.as_mut_slice();
    (0..side).for_each(|i| values[i * side + i] = E::zero());
    rest
}

pub(super) fn row() -> Row {
    Row {
        class_name: "OrthogonalRegularizer",
        about: "factor · mean |cos| of the angles between rows (or columns)",
        from_config: |config| {
            let penalty: OrthogonalRegularizer = parse("OrthogonalRegularizer", config)?;
            match penalty.factor >= 0.0 && penalty.factor.is_finite() {
                true => Ok(Regularizer::from(penalty)),
                false => Err(Error::Config(format!(
                    "OrthogonalRegularizer: factor is {:?}, it must be finite and not below 0",
                    penalty.factor
                ))),
            }
        },
        sample: |sampler| {
            let mode = if sampler.coin() {
                Mode::Rows
            } else {
                Mode::Columns
            };
            OrthogonalRegularizer::new(sampler.number(0.001, 0.5))
                .mode(mode)
                .into()
        },
    }
}
