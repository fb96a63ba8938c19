//! Images with zeros around them, so that every window lies inside.

use crate::kernels::geometry::ConvGeometry;
use crate::kernels::scratch;

/// Lends the image with its padding around it: itself when there is none.
pub(crate) fn with_padding<R>(
    g: &ConvGeometry,
    image: &[f32],
    work: impl FnOnce(&[f32]) -> R,
) -> R {
    if g.rows.padded() == g.rows.inputs && g.columns.padded() == g.columns.inputs {
        return work(image);
    }
    let size = [g.rows.padded(), g.columns.padded()];
    let before = [g.rows.before, g.columns.before];
    scratch::with(size[0] * size[1] * g.channels, |padded| {
        pad(
            image,
            g.columns.inputs * g.channels,
            g.channels,
            before,
            size,
            padded,
        );
        work(padded)
    })
}

/// Writes an image, whose rows have `row` values, into one of `size` pixels, `before` pixels from its corner; zeros around it.
pub(crate) fn pad(
    image: &[f32],
    row: usize,
    channels: usize,
    before: [usize; 2],
    size: [usize; 2],
    padded: &mut [f32],
) {
    let width = size[1] * channels;
    let (above, rest) = padded[..size[0] * width].split_at_mut(before[0] * width);
    let (inside, below) = rest.split_at_mut(image.len() / row.max(1) * width);
    above.fill(0.0);
    for (to, from) in inside.chunks_exact_mut(width).zip(image.chunks_exact(row)) {
        let (left, rest) = to.split_at_mut(before[1] * channels);
        let (middle, right) = rest.split_at_mut(row);
        left.fill(0.0);
        middle.copy_from_slice(from);
        right.fill(0.0);
    }
    below.fill(0.0);
}

/// Writes a padded image without its padding.
pub(crate) fn crop(g: &ConvGeometry, padded: &[f32], dx: &mut [f32]) {
    let (width, row) = (
        g.columns.padded() * g.channels,
        g.columns.inputs * g.channels,
    );
    for (y, dx) in dx.chunks_exact_mut(row).enumerate() {
        let at = (y + g.rows.before) * width + g.columns.before * g.channels;
        dx.copy_from_slice(&padded[at..at + row]);
    }
}
