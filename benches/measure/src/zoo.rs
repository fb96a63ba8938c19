//! The networks that are measured: `cargo xtask bench step --model NAME`, and the same in other frameworks.

use taper_nn::layers::{Activation, BatchNormalization, Conv2D, Dense, Flatten, MaxPooling2D};
use taper_nn::{Model, Padding, Relu, Seed, Sequential, Softmax};

use crate::usage::wrong;

/// A network of the zoo.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Name on the command line.
    pub(crate) name: &'static str,
    build: fn() -> Sequential,
}

impl Entry {
    /// Builds it with fresh weights.
    ///
    /// # Errors
    /// None: the shapes fit, as a test checks.
    pub(crate) fn build(&self, seed: Seed) -> taper_nn::Result<Model> {
        (self.build)().build(seed)
    }
}

/// Every network.
pub(crate) fn all() -> &'static [Entry] {
    &[
        Entry {
            name: "cnn",
            build: cnn,
        },
        Entry {
            name: "lenet5",
            build: lenet5,
        },
        Entry {
            name: "mlp",
            build: mlp,
        },
        Entry {
            name: "vgg",
            build: vgg,
        },
    ]
}

/// The network of this name.
///
/// # Errors
/// An unknown name; the message lists those there are.
pub(crate) fn find(name: &str) -> anyhow::Result<&'static Entry> {
    all()
        .iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| {
            let known: Vec<_> = all().iter().map(|entry| entry.name).collect();
            wrong(format!(
                "no network is called `{name}`; there are: {}",
                known.join(", ")
            ))
        })
}

/// The network of the regularization study, without regularization.
/// 28×28×1; Conv 32, Conv 64 (3×3), pool, Dense 128, 128, 10.
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
/// 28×28×1; Conv 6, Conv 16 (5×5), max pooling, Dense 120, 84, 10.
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

/// 28×28×1, flattened to 784; Dense 512, 512, 10.
fn mlp() -> Sequential {
    Sequential::new([28, 28, 1])
        .add(Flatten)
        .add(Dense::new(512).activation(Relu))
        .add(Dense::new(512).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
}

/// After Simonyan and Zisserman 2015, small, with batch normalization.
/// 32×32×3; 2× (Conv 3×3, BatchNormalization) 32, 64, 128, pools between, Dense 128, 10.
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
            let entry = find(name).expect("a network");
            let model = entry.build(Seed(0)).expect("its shapes fit");
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
