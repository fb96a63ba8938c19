//! The part of a convolution's kernel that touches the image, where the kernel is far larger than the image.

use super::arguments::packed;
use crate::kernels::reach::Taps;
use crate::kernels::{Conv2dSpec, ConvGeometry};
use crate::{Element, Result, Tensor};

/// A convolution with the taps that touch its image. Nearly always these are all.
pub(super) struct Touching {
    /// With these taps alone.
    pub(super) g: ConvGeometry,
    /// The kernel's own rows and columns, and those that touch.
    part: Option<([usize; 2], Taps)>,
}

impl Touching {
    /// Checks the shapes, and finds the taps.
    ///
    /// # Errors
    /// Shapes that do not fit, with the operation's name.
    pub(super) fn new(
        operation: &'static str,
        spec: &Conv2dSpec,
        input: &[usize],
        kernel: &[usize],
    ) -> Result<Self> {
        let g = ConvGeometry::new(operation, spec, input, kernel)?;
        // What cannot be reached was refused with the other shapes.
        Ok(match g.reached().unwrap_or(None) {
            None => Touching { g, part: None },
            Some((less, taps)) => Touching {
                g: less,
                part: Some(([g.rows.taps, g.columns.taps], taps)),
            },
        })
    }

    /// The part of a kernel that touches.
    pub(super) fn part_of<E: Element>(&self, kernel: &Tensor<E>) -> Result<Tensor<E>> {
        match &self.part {
            None => Ok(packed(kernel)),
            Some((_, [rows, columns])) => {
                let part = kernel.slice(0, rows.clone())?.slice(1, columns.clone())?;
                Ok(packed(&part))
            }
        }
    }

    /// The gradient of the whole kernel from that of the part: what never touches the image has none.
    pub(super) fn whole<E: Element>(&self, part: Tensor<E>) -> Result<Tensor<E>> {
        let Some(([height, width], [rows, columns])) = &self.part else {
            return Ok(part);
        };
        let around = [
            (rows.start, height - rows.end),
            (columns.start, width - columns.end),
            (0, 0),
            (0, 0),
        ];
        part.pad(&around, E::zero())
    }
}
