//! A slice of an image's groups, written as the tile that multiplies lane by lane reads it.

use crate::kernels::conv::plane::Plane;
use crate::kernels::scratch;
use crate::simd::block::BlockMut;
use crate::simd::tile::evenly;
use crate::simd::{Simd, WithSimd, dispatch};

/// Filters of a slice: two vectors of the widest set.
const FILTERS: usize = 32;
/// Values of a spread band of a slice, roughly.
const BAND: usize = 1 << 16;

/// Some rows of a padded image, as far as a slice of its groups goes.
#[derive(Clone, Copy)]
pub(crate) struct Slice<'a> {
    /// For each pixel `inputs` times one value a filter.
    values: &'a [f32],
    /// Pixels of a row.
    width: usize,
    /// Input channels of a group.
    pub(super) inputs: usize,
    /// The first filter, and how many there are.
    pub(super) first: usize,
    pub(super) filters: usize,
}

impl<'a> Slice<'a> {
    /// Values of a pixel.
    pub(super) fn pixel(&self) -> usize {
        self.inputs * self.filters
    }

    /// What lies from pixel (`row`, `column`) on.
    pub(super) fn from(&self, row: usize, column: usize) -> &'a [f32] {
        &self.values[(row * self.width + column) * self.pixel()..]
    }

    /// The columns of `row`, `plane.output[1]` pixels of all filters, that are the slice's.
    pub(crate) fn columns<'y>(
        &self,
        plane: &Plane,
        row: &'y mut [f32],
        step: usize,
    ) -> BlockMut<'y> {
        BlockMut::new(&mut row[self.first..], plane.output[1], self.filters, step)
    }
}

/// Whether the image is its own spread image.
fn is_spread(plane: &Plane) -> bool {
    plane.per_group() == [1, 1]
}

/// How many of `rows` rows of the output are made from one band, where a row needs `step` more rows of the input.
pub(crate) fn band(plane: &Plane, step: usize, rows: usize) -> usize {
    if is_spread(plane) {
        return rows.max(1);
    }
    let row = plane.width * plane.per_group()[0] * FILTERS.min(plane.filters);
    let reach = (plane.taps[0] - 1) * plane.dilation[0];
    // At least as many rows as are spread twice.
    let fit = (BAND / row.max(1)).saturating_sub(reach) / step.max(1);
    fit.max(reach / step.max(1)).clamp(1, rows.max(1))
}

/// Lends the slices of `rows` rows of pixels, one after the other.
pub(crate) fn for_each_slice(
    plane: &Plane,
    x: &[f32],
    rows: usize,
    mut work: impl FnMut(Slice<'_>),
) {
    let [inputs, outputs] = plane.per_group();
    let x = &x[..rows * plane.width * plane.channels];
    if is_spread(plane) {
        return work(Slice {
            values: x,
            width: plane.width,
            inputs: 1,
            first: 0,
            filters: plane.filters,
        });
    }
    for (group, groups) in evenly(plane.groups, (FILTERS / outputs).max(1)) {
        scratch::with(rows * plane.width * inputs * groups * outputs, |spread| {
            dispatch(Spread {
                x,
                channels: plane.channels,
                first: group * inputs,
                inputs,
                outputs,
                groups,
                spread: &mut *spread,
            });
            work(Slice {
                values: spread,
                width: plane.width,
                inputs,
                first: group * outputs,
                filters: groups * outputs,
            });
        });
    }
}

/// Writes each input of a group once a filter of the group.
struct Spread<'a> {
    x: &'a [f32],
    channels: usize,
    /// The slice's first channel.
    first: usize,
    inputs: usize,
    outputs: usize,
    groups: usize,
    spread: &'a mut [f32],
}

impl WithSimd for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let filters = self.groups * self.outputs;
        let whole = S::LANES.is_multiple_of(self.outputs) && filters.is_multiple_of(S::LANES);
        if self.inputs == self.outputs && whole {
            return self.by_vectors(simd);
        }
        // Copies of a known number of values are a few instructions.
        match self.outputs {
            1 => self.copies::<1>(),
            2 => self.copies::<2>(),
            3 => self.copies::<3>(),
            4 => self.copies::<4>(),
            8 => self.copies::<8>(),
            _ => self.any_copies(),
        }
    }
}

impl Spread<'_> {
    /// As many inputs a group as outputs: a vector of inputs becomes a vector for each input of the group.
    #[inline(always)]
    fn by_vectors<S: Simd>(self, simd: S) {
        let filters = self.groups * self.outputs;
        // All lanes of a group take its first input, then all its second one, and so on.
        let mut lanes = [[0; 16]; 16];
        for (input, lanes) in lanes[..self.inputs].iter_mut().enumerate() {
            for (i, lane) in lanes.iter_mut().enumerate() {
                *lane = (i / self.outputs * self.outputs + input) as u32;
            }
        }
        let lanes = &lanes[..self.inputs];
        let pixels = self.spread.chunks_exact_mut(self.inputs * filters);
        for (to, x) in pixels.zip(self.x.chunks_exact(self.channels)) {
            let x = &x[self.first..][..filters];
            for vector in (0..filters).step_by(S::LANES) {
                let x = simd.load(&x[vector..]);
                for (to, lanes) in to.chunks_exact_mut(filters).zip(lanes) {
                    simd.store(&mut to[vector..], simd.pick(x, lanes));
                }
            }
        }
    }

    #[inline(always)]
    fn copies<const OUTPUTS: usize>(self) {
        let row = self.groups * OUTPUTS;
        let pixels = self.spread.chunks_exact_mut(self.inputs * row);
        for (to, x) in pixels.zip(self.x.chunks_exact(self.channels)) {
            let x = &x[self.first..][..self.groups * self.inputs];
            for (input, to) in to.chunks_exact_mut(row).enumerate() {
                let to = to.as_chunks_mut::<OUTPUTS>().0;
                for (to, x) in to.iter_mut().zip(x.chunks_exact(self.inputs)) {
                    *to = [x[input]; OUTPUTS];
                }
            }
        }
    }

    #[inline(always)]
    fn any_copies(self) {
        let row = self.groups * self.outputs;
        let pixels = self.spread.chunks_exact_mut(self.inputs * row);
        for (to, x) in pixels.zip(self.x.chunks_exact(self.channels)) {
            let x = &x[self.first..][..self.groups * self.inputs];
            for (input, to) in to.chunks_exact_mut(row).enumerate() {
                let groups = to.chunks_exact_mut(self.outputs);
                for (to, x) in groups.zip(x.chunks_exact(self.inputs)) {
                    to.fill(x[input]);
                }
            }
        }
    }
}
