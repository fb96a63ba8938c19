//! Windows that are larger than their image: the taps that never touch it are left out, so that the cost follows the image
//! and not the window.

use super::geometry::{Axis, ConvGeometry};
use std::ops::Range;

/// The rows and columns of a kernel that touch the image.
pub(crate) type Taps = [Range<usize>; 2];

/// The longest side of an image that may be nearly all padding.
const MOST_PADDED: usize = 1 << 10;

impl Axis {
    /// The taps that touch the input in at least one window; empty if none does.
    fn touching(&self) -> Range<usize> {
        let last_window = self.outputs.saturating_sub(1) * self.stride;
        let first = self
            .before
            .saturating_sub(last_window)
            .div_ceil(self.dilation);
        // What begins in front of the input cannot begin within it: the padding is not negative.
        let first = first.min(self.before / self.dilation);
        let end = self
            .before
            .saturating_add(self.inputs)
            .div_ceil(self.dilation);
        first..end.clamp(first, self.taps.max(first))
    }

    /// With these taps alone.
    fn with(&self, taps: &Range<usize>) -> Axis {
        let before = self.before - taps.start * self.dilation;
        let windows =
            self.outputs.saturating_sub(1) * self.stride + (taps.len() - 1) * self.dilation + 1;
        Axis {
            taps: taps.len(),
            // Where one tap is left there is no step between taps, and kernels multiply the number all the same.
            dilation: match taps.len() {
                1 => self.dilation.min(self.inputs.max(1)),
                _ => self.dilation,
            },
            before,
            after: windows.saturating_sub(before + self.inputs),
            ..*self
        }
    }

    /// For pooling, which counts what lies on the image only: the same windows without the taps beside it. The order of
    /// those that are left is the same, and so is every result.
    pub(super) fn on_the_input(&self) -> Axis {
        let taps = self.touching();
        if taps.is_empty() {
            *self
        } else {
            self.with(&taps)
        }
    }

    /// Whether there is so much more padding than input that it is worth another kernel.
    fn is_mostly_padding(&self) -> bool {
        self.before.max(self.after) > 2 * self.inputs + 8
    }
}

impl ConvGeometry {
    /// The same convolution with only those taps of its kernel that touch the image, and which these are; none where the kernel is
    /// not far larger than the image.
    ///
    /// # Errors
    /// No tap touches it, or too few to tell the padding.
    pub(crate) fn reached(&self) -> Result<Option<(ConvGeometry, Taps)>, &'static str> {
        if !self.rows.is_mostly_padding() && !self.columns.is_mostly_padding() {
            return Ok(None);
        }
        let taps = [self.rows.touching(), self.columns.touching()];
        if taps.iter().all(|taps| !taps.is_empty()) {
            let (rows, columns) = (self.rows.with(&taps[0]), self.columns.with(&taps[1]));
            if !rows.is_mostly_padding() && !columns.is_mostly_padding() {
                return Ok(Some((
                    ConvGeometry {
                        rows,
                        columns,
                        ..*self
                    },
                    taps,
                )));
            }
        }
        match self.rows.padded().max(self.columns.padded()) <= MOST_PADDED {
            true => Ok(None),
            false => Err(
                "dilation sets the taps of the kernel so far apart that the image lies between them",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Conv2dSpec, Padding};

    /// Every (output, input, tap) that touches, before and after.
    fn touches(axis: &Axis, first: usize) -> Vec<[usize; 3]> {
        let windows = (0..axis.outputs).flat_map(|o| (0..axis.taps).map(move |t| (o, t)));
        let touches = windows.filter_map(|(o, t)| Some([o, axis.input(o, t)?, first + t]));
        touches.collect()
    }

    #[test]
    fn only_taps_that_never_touch_are_left_out() {
        for inputs in 1..9 {
            for taps in 1..40 {
                for (stride, dilation) in [(1, 1), (2, 1), (5, 1), (1, 2), (1, 7), (3, 11), (9, 30)]
                {
                    let axis = Axis::new(inputs, taps, stride, dilation, Padding::Same).unwrap();
                    let kept = axis.touching();
                    let all = touches(&axis, 0);
                    assert!(
                        all.iter().all(|[.., tap]| kept.contains(tap)),
                        "{axis:?} {kept:?}"
                    );
                    if !kept.is_empty() {
                        let less = axis.with(&kept);
                        assert_eq!(touches(&less, kept.start), all, "{axis:?} {less:?}");
                        // Every window ends within the padded input.
                        let last =
                            (less.outputs - 1) * less.stride + (less.taps - 1) * less.dilation;
                        assert!(last < less.padded(), "{less:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_pooling_window_costs_what_its_image_costs() {
        for taps in [9, 1000, usize::MAX / 2, usize::MAX - 8] {
            let axis = Axis::new(8, taps, 1, 1, Padding::Same).unwrap();
            assert!(axis.on_the_input().taps <= 16);
        }
    }

    #[test]
    fn numbers_beyond_reason_are_errors_or_small() {
        let sizes = [
            1,
            2,
            3,
            4,
            1 << 20,
            1 << 40,
            usize::MAX / 2,
            usize::MAX - 1,
            usize::MAX,
        ];
        for size in sizes {
            for dilation in sizes {
                for stride in sizes {
                    for padding in [Padding::Valid, Padding::Same] {
                        let spec = Conv2dSpec {
                            strides: [stride, 1],
                            padding,
                            dilation: [dilation, 1],
                            groups: 1,
                        };
                        let g = ConvGeometry::new("test", &spec, &[2, 8, 8, 1], &[size, 1, 1, 2]);
                        let Ok(g) = g else { continue };
                        let g = g.reached().unwrap().map_or(g, |(g, _)| g);
                        assert!(g.rows.padded() <= 60 && g.rows.taps <= 60, "{g:?}");
                        assert!(g.rows.stride <= 8, "{g:?}");
                    }
                }
            }
        }
    }
}
