//! Images read at other places than their pixels: the one kernel behind rotating, shifting, zooming and resizing. It goes
//! through the taps of every pixel, once to read and, for the gradient, once to hand back.

use super::arguments::{packed, values};
use crate::buffer::Buffer;
use crate::{Element, Error, Result, Tensor};
use rayon::prelude::*;

/// What a pixel between pixels is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// The pixel that is nearest.
    Nearest,
    /// The mean of the four around, weighted by how near they are.
    #[default]
    Bilinear,
}

/// What lies beyond the edges of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FillMode {
    /// One value.
    Constant,
    /// The pixel at the edge: `aaaa|abcd|dddd`.
    Nearest,
    /// The image in a mirror at the edge: `dcba|abcd|dcba`.
    #[default]
    Reflect,
    /// The image again: `abcd|abcd|abcd`.
    Wrap,
}

/// How images are read between and beyond their pixels. Default: bilinear, reflecting, the size of the input.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Resampling {
    /// Between pixels.
    pub interpolation: Interpolation,
    /// Beyond the edges.
    pub fill_mode: FillMode,
    /// What lies beyond the edges in mode [`FillMode::Constant`].
    pub fill_value: f64,
    /// Height and width of the output; `None` for those of the input.
    pub size: Option<[usize; 2]>,
}

impl<E: Element> Tensor<E> {
    /// Reads every image at other places: `[n, h, w, c]` → `[n, oh, ow, c]`. The pixel in column x and row y of output i is
    /// input i at column `a·x + b·y + c` and row `d·x + e·y + f`, where `[a, b, c, d, e, f]` is matrix i. Places are computed
    /// in f64, as TensorFlow's `ImageProjectiveTransformV3` does in f32.
    ///
    /// ```
    /// use taper_tensor::{ops::{Interpolation, Resampling}, Tensor};
    /// let image = Tensor::from_vec([1, 1, 3, 1], vec![1.0f32, 2.0, 3.0])?;
    /// let how = Resampling { interpolation: Interpolation::Nearest, ..Resampling::default() };
    /// let mirrored = image.resample(&[[-1.0, 0.0, 2.0, 0.0, 1.0, 0.0]], &how)?;
    /// assert_eq!(mirrored.to_vec(), [3.0, 2.0, 1.0]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the input is not of rank 4 or has no pixels, when there is not one matrix an image, or one is not finite.
    pub fn resample(&self, matrices: &[[f64; 6]], how: &Resampling) -> Result<Self> {
        let g = Geometry::new("resample", self.shape(), matrices, how)?;
        let x = packed(self);
        let (x, fill) = (values(&x), E::from_f64(how.fill_value));
        let mut y = Buffer::uninit(matrices.len() * g.output());
        let images = y.par_chunks_mut(g.output().max(1)).zip(matrices);
        images.enumerate().for_each(|(i, (y, matrix))| {
            let x = &x[i * g.input()..][..g.input()];
            for (pixel, y) in y.chunks_exact_mut(g.channels.max(1)).enumerate() {
                y.fill(E::zero());
                g.taps(matrix, pixel, |place, weight| {
                    let weight = E::from_f64(weight);
                    match place {
                        Some(place) => {
                            let x = &x[place * g.channels..][..g.channels];
                            for (y, x) in y.iter_mut().zip(x) {
                                *y += weight * *x;
                            }
                        }
                        None => y.iter_mut().for_each(|y| *y += weight * fill),
                    }
                });
            }
        });
        let [height, width] = g.to;
        Ok(Tensor::from_buffer(
            [matrices.len(), height, width, g.channels],
            y,
        ))
    }

    /// The gradient of [`resample`](Self::resample) with respect to its images, which had this height and width; `self` is
    /// the gradient of its output.
    ///
    /// # Errors
    /// When the shapes do not fit each other.
    pub fn resample_gradient(
        &self,
        matrices: &[[f64; 6]],
        how: &Resampling,
        size: [usize; 2],
    ) -> Result<Self> {
        const NAME: &str = "resample_gradient";
        let &[n, height, width, channels] = self.shape() else {
            return Err(Error::shape(NAME, "the gradient is not [n, h, w, c]"));
        };
        let g = Geometry::new(NAME, &[n, size[0], size[1], channels], matrices, how)?;
        if g.to != [height, width] {
            let (found, wanted) = ([height, width], g.to);
            return Err(Error::shape(
                NAME,
                format!("the gradient has {found:?} pixels, the output {wanted:?}"),
            ));
        }
        let gradient = packed(self);
        let gradient = values(&gradient);
        let mut dx = Buffer::zeros(n * g.input());
        let images = dx.par_chunks_mut(g.input().max(1)).zip(matrices);
        images.enumerate().for_each(|(i, (dx, matrix))| {
            let dy = &gradient[i * g.output()..][..g.output()];
            for (pixel, dy) in dy.chunks_exact(channels.max(1)).enumerate() {
                g.taps(matrix, pixel, |place, weight| {
                    let Some(place) = place else { return };
                    let weight = E::from_f64(weight);
                    let dx = &mut dx[place * channels..][..channels];
                    for (dx, dy) in dx.iter_mut().zip(dy) {
                        *dx += weight * *dy;
                    }
                });
            }
        });
        Ok(Tensor::from_buffer([n, size[0], size[1], channels], dx))
    }
}

/// Sizes of one image.
struct Geometry {
    from: [usize; 2],
    to: [usize; 2],
    channels: usize,
    interpolation: Interpolation,
    fill_mode: FillMode,
}

impl Geometry {
    fn new(
        name: &'static str,
        input: &[usize],
        matrices: &[[f64; 6]],
        how: &Resampling,
    ) -> Result<Self> {
        let &[n, height, width, channels] = input else {
            let message = format!("images [n, h, w, c] are wanted, these are {input:?}");
            return Err(Error::shape(name, message));
        };
        let to = how.size.unwrap_or([height, width]);
        if height * width == 0 && to != [height, width] {
            return Err(Error::shape(name, "there are no pixels to read"));
        }
        if matrices.len() != n {
            let message = format!("{n} images want {n} matrices, there are {}", matrices.len());
            return Err(Error::shape(name, message));
        }
        if let Some(matrix) = matrices.iter().find(|m| m.iter().any(|a| !a.is_finite())) {
            let message = format!("the matrix {matrix:?} is not finite");
            return Err(Error::shape(name, message));
        }
        Ok(Geometry {
            from: [height, width],
            to,
            channels,
            interpolation: how.interpolation,
            fill_mode: how.fill_mode,
        })
    }

    /// Values of an input and of an output.
    fn input(&self) -> usize {
        self.from[0] * self.from[1] * self.channels
    }
    fn output(&self) -> usize {
        self.to[0] * self.to[1] * self.channels
    }

    /// Which pixels of the input an output's pixel is made of, and with which weight; `None` lies beyond the edges. What has
    /// no weight is not named.
    #[inline(always)]
    fn taps(&self, m: &[f64; 6], pixel: usize, mut tap: impl FnMut(Option<usize>, f64)) {
        let (row, column) = ((pixel / self.to[1]) as f64, (pixel % self.to[1]) as f64);
        let [height, width] = self.from;
        let x = self.inside(m[0] * column + m[1] * row + m[2], width);
        let y = self.inside(m[3] * column + m[4] * row + m[5], height);
        let place = |y: f64, x: f64| {
            let is_in = y >= 0.0 && x >= 0.0 && y < height as f64 && x < width as f64;
            is_in.then(|| y as usize * width + x as usize)
        };
        match self.interpolation {
            Interpolation::Nearest => tap(place(y.round(), x.round()), 1.0),
            Interpolation::Bilinear => {
                let (y0, x0) = (y.floor(), x.floor());
                let (down, right) = (y - y0, x - x0);
                for (y, of_row) in [(y0, 1.0 - down), (y0 + 1.0, down)] {
                    for (x, of_column) in [(x0, 1.0 - right), (x0 + 1.0, right)] {
                        let weight = of_row * of_column;
                        if weight != 0.0 {
                            tap(place(y, x), weight);
                        }
                    }
                }
            }
        }
    }

    /// A place, brought back into the image as the mode says (in the words of TensorFlow's `MapCoordinate`).
    #[inline(always)]
    fn inside(&self, at: f64, count: usize) -> f64 {
        let (count, last) = (count as f64, count as f64 - 1.0);
        let at = match self.fill_mode {
            FillMode::Constant => return at,
            FillMode::Nearest => at,
            _ if count <= 1.0 => 0.0,
            FillMode::Reflect => {
                let both = 2.0 * count;
                let at = at - both * (at / both).floor(); // in the image, or in its mirror behind it
                if at < count { at } else { both - at - 1.0 }
            }
            FillMode::Wrap if at < 0.0 => at + count * ((-at / last).trunc() + 1.0),
            FillMode::Wrap if at > last => at - count * (at / last).trunc(),
            FillMode::Wrap => at,
        };
        at.clamp(0.0, last.max(0.0))
    }
}
