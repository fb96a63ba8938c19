//! The networks that are measured: `taper bench step --model NAME`, and the same in other frameworks.

use taper_nn::layers::{Activation, BatchNormalization, Conv2D, Dense, Flatten, MaxPooling2D};
use taper_nn::{Model, Padding, Relu, Seed, Sequential, Softmax};

use crate::{Error, Result};

/// A network of the zoo.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Name on the command line.
    pub name: &'static str,
    /// One line on it.
    pub about: &'static str,
    build: fn() -> Sequential,
}

impl Entry {
    /// Builds it with fresh weights.
    ///
    /// # Errors
    /// None: the shapes fit, as a test checks.
    pub fn build(&self, seed: Seed) -> Result<Model> {
        Ok((self.build)().build(seed)?)
    }
}

/// Every network.
#[must_use]
pub fn all() -> &'static [Entry] {
    &[
        Entry {
            name: "cnn",
            about: "28×28×1; Conv 32, Conv 64 (3×3), pool, Dense 128, 128, 10",
            build: cnn,
        },
        Entry {
            name: "lenet5",
            about: "28×28×1; Conv 6, Conv 16 (5×5), max pooling, Dense 120, 84, 10",
            build: lenet5,
        },
        Entry {
            name: "mlp",
            about: "784; Dense 512, 512, 10",
            build: mlp,
        },
        Entry {
            name: "vgg",
            about: "32×32×3; 2× (Conv 3×3, BatchNormalization) 32, 64, 128, pools between, Dense 128, 10",
            build: vgg,
        },
    ]
}

/// The network of this name.
///
/// ```
/// let model = taper_experiments::zoo::find("cnn")?.build(taper_nn::Seed(0))?;
/// assert_eq!(model.output_shape(), [10]);
/// # Ok::<(), taper_experiments::Error>(())
/// ```
///
/// # Errors
/// An unknown name; the message lists those there are.
pub fn find(name: &str) -> Result<&'static Entry> {
    all()
        .iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| {
            let known: Vec<_> = all().iter().map(|entry| entry.name).collect();
            Error::Fit(format!(
                "no network is called `{name}`; there are: {}",
                known.join(", ")
            ))
        })
}

/// The network of the regularization study, without regularization.
pub(crate) fn cnn() -> Sequential {
    Sequential::new([28, 28, 1])
        .add(Conv2D::new(32, 3).activation(Relu))
        .add(Conv2D::new(64, 3).activation(Relu))
        .add(MaxPooling2D::new(2))
        .add(Flatten)
        .add(Dense::new(128).activation(Relu))
        .add(Dense::new(128).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
}

/// After LeCun et al. 1998, with ReLU and max pooling.
fn lenet5() -> Sequential {
    Sequential::new([28, 28, 1])
        .add(Conv2D::new(6, 5).padding(Padding::Same).activation(Relu))
        .add(MaxPooling2D::new(2))
        .add(Conv2D::new(16, 5).activation(Relu))
        .add(MaxPooling2D::new(2))
        .add(Flatten)
        .add(Dense::new(120).activation(Relu))
        .add(Dense::new(84).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
}

fn mlp() -> Sequential {
    Sequential::new([28, 28, 1])
        .add(Flatten)
        .add(Dense::new(512).activation(Relu))
        .add(Dense::new(512).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
}

/// After Simonyan and Zisserman 2015, small, with batch normalization.
fn vgg() -> Sequential {
    let mut net = Sequential::new([32, 32, 3]);
    for (group, filters) in [32, 64, 128].into_iter().enumerate() {
        if group > 0 {
            net = net.add(MaxPooling2D::new(2));
        }
        for _ in 0..2 {
            net = net
                .add(Conv2D::new(filters, 3).padding(Padding::Same))
                .add(BatchNormalization::new())
                .add(Activation::new(Relu));
        }
    }
    net.add(Flatten)
        .add(Dense::new(128).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_the_sizes_that_are_written_about_them() {
        let parameters = |name: &str| -> usize {
            let model = find(name)
                .and_then(|entry| entry.build(Seed(0)))
                .expect("a network");
            model
                .parameters()
                .iter()
                .map(|parameter| parameter.value.len())
                .sum()
        };
        assert_eq!(parameters("cnn"), 1_216_394);
        assert_eq!(parameters("lenet5"), 61_706);
        assert_eq!(parameters("mlp"), 669_706);
        assert_eq!(parameters("vgg"), 1_338_794);
        assert!(
            find("cnm")
                .expect_err("no such network")
                .to_string()
                .contains("cnn, lenet5, mlp, vgg")
        );
    }
}
