//! The shape of a convolution as its kernels see it: one image with its padding around it.

use crate::kernels::cut;
use crate::kernels::geometry::ConvGeometry;

/// A convolution over one padded image, no padding left to think of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plane {
    /// Padded width of the input.
    pub(crate) width: usize,
    /// Channels of the input, all groups.
    pub(crate) channels: usize,
    pub(crate) taps: [usize; 2],
    pub(crate) strides: [usize; 2],
    pub(crate) dilation: [usize; 2],
    /// Height and width of the output.
    pub(crate) output: [usize; 2],
    pub(crate) filters: usize,
    pub(crate) groups: usize,
}

impl Plane {
    pub(crate) fn forward(g: &ConvGeometry) -> Plane {
        Plane {
            width: g.columns.padded(),
            channels: g.channels,
            taps: [g.rows.taps, g.columns.taps],
            strides: [g.rows.stride, g.columns.stride],
            dilation: [g.rows.dilation, g.columns.dilation],
            output: [g.rows.outputs, g.columns.outputs],
            filters: g.filters,
            groups: g.groups,
        }
    }

    /// Whether a window's row is one contiguous run of the input.
    pub(super) fn has_runs(&self) -> bool {
        self.dilation[1] == 1 && self.groups == 1
    }

    /// Channels and filters of a group.
    pub(crate) fn per_group(&self) -> [usize; 2] {
        [self.channels / self.groups, self.filters / self.groups]
    }

    /// Values of one row of the output.
    pub(crate) fn output_row(&self) -> usize {
        self.output[1] * self.filters
    }

    /// Products of one row of the output.
    pub(crate) fn row_products(&self) -> usize {
        self.output_row() * self.taps[0] * self.taps[1] * self.channels / self.groups
    }
}

/// Rows of the output that one task computes.
pub(crate) fn rows_per_task(plane: &Plane) -> usize {
    cut::rows_per_task(plane.row_products(), plane.output[0])
}
