//! Pixels in rows, and what is needed of them to make a picture fit a network: parts, and other sizes.

use std::ops::Range;

/// Rows of pixels of `C` bytes: 1 is grey, 3 is red, green and blue, 4 has alpha as well.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bitmap<const C: usize> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Row by row.
    pub(crate) pixels: Vec<[u8; C]>,
}

impl<const C: usize> Bitmap<C> {
    /// The pixel at (x, y) is what `pixel(x, y)` says.
    pub(crate) fn from_fn(
        width: usize,
        height: usize,
        mut pixel: impl FnMut(usize, usize) -> [u8; C],
    ) -> Self {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Bitmap {
            width,
            height,
            pixels: places.map(|(x, y)| pixel(x, y)).collect(),
        }
    }

    /// The pixel in column `x` of row `y`.
    pub(crate) fn at(&self, x: usize, y: usize) -> [u8; C] {
        self.pixels[y * self.width + x]
    }

    /// Every pixel by itself made into another.
    pub(crate) fn map<const D: usize>(&self, each: impl FnMut(&[u8; C]) -> [u8; D]) -> Bitmap<D> {
        Bitmap {
            width: self.width,
            height: self.height,
            pixels: self.pixels.iter().map(each).collect(),
        }
    }

    /// The part in these columns and rows.
    pub(crate) fn part(&self, columns: Range<usize>, rows: Range<usize>) -> Self {
        let (left, top) = (columns.start, rows.start);
        Self::from_fn(columns.len(), rows.len(), |x, y| self.at(left + x, top + y))
    }

    /// The picture in another size. A new pixel is the mean of the old ones around its place, weighted by a triangle:
    /// 0 from one new pixel's distance on (one old pixel's, when it grows: linear interpolation). So nothing is
    /// skipped however small it gets.
    pub(crate) fn resized(&self, width: usize, height: usize) -> Self {
        let (columns, rows) = (shares(self.width, width), shares(self.height, height));
        let mut pixels = Vec::with_capacity(width * height);
        let mut row = vec![[0.0f32; C]; self.width];
        for of_row in &rows {
            row.fill([0.0; C]);
            for (weight, y) in of_row.weights.iter().zip(of_row.first..) {
                let old = &self.pixels[y * self.width..][..self.width];
                for (sum, pixel) in row.iter_mut().zip(old) {
                    add(sum, *weight, pixel.map(f32::from));
                }
            }
            for of_column in &columns {
                let mut sum = [0.0; C];
                for (weight, pixel) in of_column.weights.iter().zip(&row[of_column.first..]) {
                    add(&mut sum, *weight, *pixel);
                }
                pixels.push(sum.map(|value| value.round() as u8)); // a mean of bytes, and `as` saturates
            }
        }
        Bitmap {
            width,
            height,
            pixels,
        }
    }
}

fn add<const C: usize>(sum: &mut [f32; C], weight: f32, pixel: [f32; C]) {
    for (sum, value) in sum.iter_mut().zip(pixel) {
        *sum += weight * value;
    }
}

/// What the old pixels of an axis from `first` on contribute to a new one. The weights' sum is 1.
struct Shares {
    first: usize,
    weights: Vec<f32>,
}

/// One for each of `new` pixels along an axis of `old`.
fn shares(old: usize, new: usize) -> Vec<Shares> {
    let step = old as f64 / new as f64; // in old pixels
    let reach = step.max(1.0);
    let of = |index: usize| {
        let center = (index as f64 + 0.5) * step;
        let first = (center - reach).floor().max(0.0) as usize;
        let end = ((center + reach).ceil() as usize).min(old);
        let weight = |i: usize| (1.0 - ((i as f64 + 0.5 - center) / reach).abs()).max(0.0);
        let sum: f64 = (first..end).map(weight).sum();
        let weights = (first..end).map(|i| (weight(i) / sum) as f32).collect();
        Shares { first, weights }
    };
    (0..new).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[u8]) -> Bitmap<1> {
        Bitmap::from_fn(values.len(), 1, |x, _| [values[x]])
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let picture = Bitmap::from_fn(7, 5, |x, y| [(x * 31) as u8, (y * 50) as u8, 9]);
        assert_eq!(picture.resized(7, 5), picture);
    }

    #[test]
    fn one_colour_stays_that_colour_at_any_size() {
        let picture = Bitmap::from_fn(13, 9, |_, _| [200, 0, 255]);
        for (width, height) in [(1, 1), (2, 3), (12, 10), (13, 1), (40, 29), (128, 64)] {
            let other = picture.resized(width, height);
            assert_eq!(other.pixels, vec![[200, 0, 255]; width * height]);
        }
    }

    #[test]
    fn new_pixels_are_weighted_means() {
        // Half the size: distances ½ and 1½ of a triangle that reaches 2, so ¾ and ¼; cut off at the ends.
        let half = row(&[0, 0, 0, 0, 160, 160, 160, 160]).resized(4, 1);
        let middle = [1.0 / 8.0, 7.0 / 8.0].map(|share: f32| [(share * 160.0).round() as u8]);
        assert_eq!(half.pixels, [[0], middle[0], middle[1], [160]]);
        // Twice the size: a quarter of the way between neighbours.
        let twice = row(&[0, 100]).resized(4, 1);
        assert_eq!(twice.pixels, [[0], [25], [75], [100]]);
    }

    #[test]
    fn axes_are_treated_alike_and_by_themselves() {
        let picture = Bitmap::from_fn(11, 6, |x, y| [(x * 17 + y * 23) as u8]);
        let turned = Bitmap::from_fn(6, 11, |x, y| picture.at(y, x));
        let (small, small_turned) = (picture.resized(4, 9), turned.resized(9, 4));
        for (x, y) in (0..4).flat_map(|x| (0..9).map(move |y| (x, y))) {
            let difference = small.at(x, y)[0].abs_diff(small_turned.at(y, x)[0]);
            assert!(difference <= 1, "at {x}, {y}");
        }
        assert_eq!(picture.part(2..5, 1..3).at(2, 1), picture.at(4, 2));
    }
}
