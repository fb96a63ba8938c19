//! Images read at other places than their pixels.

use crate::gradcheck::{Sample, Spec};
use crate::{Op, Var};
use taper_tensor::ops::{FillMode, Interpolation, Resampling};
use taper_tensor::{Element, Result, Tensor};

impl<E: Element> Var<E> {
    /// Reads every image at other places, `[n, h, w, c]` → `[n, oh, ow, c]`: the pixel in column x and row y of output i is
    /// input i at column `a·x + b·y + c` and row `d·x + e·y + f`, where `[a, b, c, d, e, f]` is matrix i. Rotating, shifting,
    /// zooming, mirroring and resizing are this with the right matrix.
    ///
    /// Gradient: each g, in the shares in which pixels were read, back to where they stand (the map is linear in the images).
    /// The matrices are constants. Saves the matrices.
    ///
    /// ```
    /// # use taper_autograd::Tape;
    /// # use taper_tensor::{ops::Resampling, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.parameter(&Tensor::from_vec([1, 1, 3, 1], vec![1.0, 2.0, 4.0])?);
    /// let y = x.resample(&[[1.0, 0.0, 0.5, 0.0, 1.0, 0.0]], &Resampling::default())?; // half a pixel to the left
    /// assert_eq!(y.value().to_vec(), [1.5, 3.0, 4.0]);
    /// assert_eq!(y.sum().backward()?[&x].to_vec(), [0.5, 1.0, 1.5]);
    /// # Ok::<(), taper_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the input is not of rank 4 or has no pixels, when there is not one matrix an image, or one is not finite.
    pub fn resample(&self, matrices: &[[f64; 6]], how: &Resampling) -> Result<Var<E>> {
        let value = self.value().resample(matrices, how)?;
        Ok(self.derive(value, || Resample {
            matrices: matrices.to_vec(),
            how: *how,
            size: [self.shape()[1], self.shape()[2]],
        }))
    }
}

struct Resample {
    matrices: Vec<[f64; 6]>,
    how: Resampling,
    size: [usize; 2],
}

impl<E: Element> Op<E> for Resample {
    fn name(&self) -> &'static str {
        "resample"
    }

    fn backward(
        self: Box<Self>,
        gradient: Tensor<E>,
        _wanted: &[bool],
    ) -> Result<Vec<Option<Tensor<E>>>> {
        let images = gradient.resample_gradient(&self.matrices, &self.how, self.size)?;
        Ok(vec![Some(images)])
    }
}

pub(super) const SPEC: Spec = Spec {
    name: "resample",
    formula: "x at A·place + b",
    sample: |s| {
        const MODES: [FillMode; 4] = [
            FillMode::Constant,
            FillMode::Nearest,
            FillMode::Reflect,
            FillMode::Wrap,
        ];
        let shape: Vec<usize> = (0..4).map(|_| s.integer(1, 4)).collect();
        let how = Resampling {
            interpolation: match s.coin() {
                true => Interpolation::Bilinear,
                false => Interpolation::Nearest,
            },
            fill_mode: MODES[s.integer(0, 3)],
            fill_value: s.number(-1.0, 1.0),
            size: s.coin().then(|| [s.integer(1, 4), s.integer(1, 4)]),
        };
        let mut matrix = || std::array::from_fn(|_| s.number(-2.0, 2.0));
        let matrices: Vec<[f64; 6]> = (0..shape[0]).map(|_| matrix()).collect();
        Sample::new(move |v| v[0].resample(&matrices, &how)).input("x", s.tensor(&shape))
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    const SAME: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

    fn moved(by: f64, how: Resampling) -> Vec<f64> {
        let x = Tensor::from_vec([1, 1, 4, 1], vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        let matrix = [1.0, 0.0, by, 0.0, 1.0, 0.0];
        let x = Tape::new().constant(&x);
        x.resample(&[matrix], &how).unwrap().value().to_vec()
    }

    /// The drawings in the documentation of the modes.
    #[test]
    fn beyond_the_edges_lies_what_the_mode_says() {
        let mode = |fill_mode| Resampling {
            fill_mode,
            fill_value: 9.0,
            interpolation: Interpolation::Nearest,
            size: None,
        };
        let both = |fill_mode| {
            let how = mode(fill_mode);
            (moved(-4.0, how), moved(4.0, how))
        };
        let all = |value| vec![value; 4];
        assert_eq!(both(FillMode::Constant), (all(9.0), all(9.0)));
        assert_eq!(both(FillMode::Nearest), (all(1.0), all(4.0)));
        let mirrored = vec![4.0, 3.0, 2.0, 1.0];
        assert_eq!(both(FillMode::Reflect), (mirrored.clone(), mirrored));
        let half = Resampling {
            interpolation: Interpolation::Bilinear,
            ..mode(FillMode::Constant)
        };
        assert_eq!(moved(0.5, half), [1.5, 2.5, 3.5, 6.5]);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let tape = Tape::<f64>::new();
        let x = tape.constant(&Tensor::zeros([2, 3, 3, 1]));
        let error = |matrices: &[[f64; 6]]| {
            let result = x.resample(matrices, &Resampling::default());
            result.err().map(|error| error.to_string())
        };
        assert!(error(&[SAME]).unwrap().contains("2 images want 2 matrices"));
        let nan = [f64::NAN, 0.0, 0.0, 0.0, 1.0, 0.0];
        assert!(error(&[SAME, nan]).unwrap().contains("not finite"));
        assert_eq!(error(&[SAME, SAME]), None);
        let vector = tape.constant(&Tensor::zeros([3]));
        assert!(vector.resample(&[], &Resampling::default()).is_err());
        let none = tape.constant(&Tensor::zeros([1, 0, 3, 1]));
        assert!(none.resample(&[SAME], &Resampling::default()).is_ok());
    }
}
