//! Maxima along axes.

use crate::gradcheck::{Sample, Spec};
use crate::support::{stretch, stretch_on_tape, where_not_zero};
use crate::{Op, Place, Var};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// The maxima along `axes`, which are dropped from the shape, or kept as 1 if `keep_dims`.
    ///
    /// Gradient: g where the maximum stands, in equal parts where it stands several times. Saves the input and the
    /// output.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::Tensor;
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([2, 3], vec![1.0, 7.0, 3.0, 4.0, 0.0, 4.0])?);
    /// let y = x.max_axes(&[1], false)?;
    /// assert_eq!(y.value().to_vec(), [7.0, 4.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.0, 1.0, 0.0, 0.5, 0.0, 0.5]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an axis does not exist or is named twice.
    pub fn max_axes(&self, axes: &[usize], keep_dims: bool) -> Result<Var<E>> {
        let output = self.value().max_axes(axes, keep_dims)?;
        Ok(self.derive(output.clone(), || MaxAxes {
            input: self.value().clone(),
            output,
            axes: axes.to_vec(),
            keep_dims,
        }))
    }
}

struct MaxAxes<E: Element> {
    input: Tensor<E>,
    output: Tensor<E>,
    axes: Vec<usize>,
    keep_dims: bool,
}

impl<E: Element> MaxAxes<E> {
    /// Which values are maxima, and how many of them there are.
    fn shares(&self) -> Result<(Tensor<E>, Tensor<E>)> {
        let stretched = |reduced| stretch(reduced, self.input.shape(), &self.axes, self.keep_dims);
        let is_maximum = |x: E, maximum: E| match x == maximum {
            true => E::one(),
            // NaN has no place: the gradient of all of its candidates is NaN.
            false if maximum.is_nan() => maximum,
            false => E::zero(),
        };
        let mask = self
            .input
            .zip("max_axes", &stretched(&self.output)?, is_maximum)?;
        let count = mask.sum_axes(&self.axes, self.keep_dims)?;
        Ok((mask, count))
    }
}

impl<E: Element> Op<E> for MaxAxes<E> {
    fn name(&self) -> &'static str {
        "max_axes"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let (mask, count) = self.shares()?;
        let parts = gradient.div(&count)?;
        Ok(vec![Some(where_not_zero(
            "max_axes",
            &stretch(&parts, self.input.shape(), &self.axes, self.keep_dims)?,
            &mask,
        )?)])
    }

    fn backward_on_tape(
        &self,
        gradient: &Var<E>,
        place: &Place<'_, E>,
    ) -> Result<Vec<Option<Var<E>>>> {
        let (mask, count) = self.shares()?;
        let parts = gradient.div(&place.constant(&count))?;
        let parts = stretch_on_tape(&parts, self.input.shape(), &self.axes, self.keep_dims)?;
        Ok(vec![Some(parts.mul(&place.constant(&mask))?)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "max_axes",
    formula: "max x along axes",
    sample: |s| {
        let shape = s.shape(0, 3, 4);
        let (axes, keep_dims) = (s.axes(shape.len()), s.coin());
        Sample::new(move |v| v[0].max_axes(&axes, keep_dims)).input("x", s.distinct(&shape))
    },
};
