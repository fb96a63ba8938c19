//! What a convolution writes: all outputs, or the maxima of their 2×2 windows.

use crate::kernels::conv::plane::Plane;

/// Where outputs go.
pub(crate) enum Target<'a> {
    /// All of them.
    Plain(&'a mut [f32]),
    /// The maxima of 2×2 and who won.
    Pooled(&'a mut [f32], &'a mut [u8]),
    /// The maxima of 2×2, without dropout.
    Maxima(&'a mut [f32]),
}

impl<'a> Target<'a> {
    /// Height and width of an image's part of it.
    pub(super) fn size(&self, plane: &Plane) -> [usize; 2] {
        plane.output.map(|outputs| outputs / self.step())
    }

    /// Outputs that make one of the target, down and across.
    pub(super) fn step(&self) -> usize {
        match self {
            Target::Plain(_) => 1,
            Target::Pooled(..) | Target::Maxima(_) => 2,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Target::Plain(y) | Target::Pooled(y, _) | Target::Maxima(y) => y.len(),
        }
    }

    pub(super) fn split_at(self, at: usize) -> (Target<'a>, Target<'a>) {
        match self {
            Target::Plain(y) => {
                let (left, right) = y.split_at_mut(at);
                (Target::Plain(left), Target::Plain(right))
            }
            Target::Maxima(y) => {
                let (left, right) = y.split_at_mut(at);
                (Target::Maxima(left), Target::Maxima(right))
            }
            Target::Pooled(y, winners) => {
                let (left, right) = y.split_at_mut(at);
                let (left_winners, right_winners) = winners.split_at_mut(at);
                (
                    Target::Pooled(left, left_winners),
                    Target::Pooled(right, right_winners),
                )
            }
        }
    }
}
