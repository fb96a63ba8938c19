//! The networks that are measured: `cargo xtask bench step --model NAME`, and the same in other frameworks.

use taper_nn::junctions::{Add, Concatenate};
use taper_nn::layers::{
    Activation, AveragePooling2D, BatchNormalization, Conv2D, Dense, Flatten,
    GlobalAveragePooling2D, MaxPooling2D,
};
use taper_nn::{
    Functional, Linear, Model, Padding, Relu, Result, Seed, Sequential, Sigmoid, Softmax, Tanh,
};

use crate::usage::wrong;

mod sequences;
mod strided;

/// A network of the zoo.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Name on the command line.
    pub(crate) name: &'static str,
    build: fn(Seed) -> Result<Model>,
}

impl Entry {
    /// Builds it with fresh weights.
    ///
    /// # Errors
    /// None: the shapes fit, as a test checks.
    pub(crate) fn build(&self, seed: Seed) -> Result<Model> {
        (self.build)(seed)
    }
}

/// Every network: those that other frameworks are compared on, then pairs of a chain and a graph of the same products
/// (`cargo xtask bench graphs`).
pub(crate) fn all() -> &'static [Entry] {
    &[
        Entry {
            name: "cnn",
            build: |seed| cnn().build(seed),
        },
        Entry {
            name: "lenet5",
            build: |seed| lenet5().build(seed),
        },
        Entry {
            name: "mlp",
            build: |seed| mlp().build(seed),
        },
        Entry {
            name: "vgg",
            build: |seed| vgg().build(seed),
        },
        Entry {
            name: "tanh",
            build: |seed| tanh().build(seed),
        },
        Entry {
            name: "digits",
            build: |seed| digits().build(seed),
        },
        Entry {
            name: "lstm",
            build: |seed| sequences::lstm().build(seed),
        },
        Entry {
            name: "gru",
            build: |seed| sequences::gru().build(seed),
        },
        Entry {
            name: "separable",
            build: |seed| strided::separable().build(seed),
        },
        Entry {
            name: "resnet8",
            build: strided::resnet8,
        },
        Entry {
            name: "transformer",
            build: sequences::transformer,
        },
        Entry {
            name: "plain",
            build: |seed| blocks(false, seed),
        },
        Entry {
            name: "residual",
            build: |seed| blocks(true, seed),
        },
        Entry {
            name: "towers-mlp",
            build: towers_mlp,
        },
        Entry {
            name: "towers-cnn",
            build: towers_cnn,
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

/// What LeNet was before relu: 28×28×1; Conv 16, Conv 32 (5×5, tanh) with average pooling behind each, Dense 64 (sigmoid), 10.
fn tanh() -> Sequential {
    Sequential::new([28, 28, 1])
        .add(Conv2D::new(16, 5).activation(Tanh))
        .add(AveragePooling2D::new(2))
        .add(Conv2D::new(32, 5).activation(Tanh))
        .add(AveragePooling2D::new(2))
        .add(Flatten)
        .add(Dense::new(64).activation(Sigmoid))
        .add(Dense::new(10).activation(Softmax))
}

/// So small that a step is little else than its overhead: 8×8×1; Conv 8 (3×3), Dense 16, 10.
fn digits() -> Sequential {
    Sequential::new([8, 8, 1])
        .add(Conv2D::new(8, 3).activation(Relu))
        .add(Flatten)
        .add(Dense::new(16).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
}

/// After He et al. 2016, small and without normalization.
/// 32×32×3; Conv 32, then 3 blocks of 2× Conv 32 (3×3), mean of each channel, Dense 10; with or without the sums around
/// the blocks.
fn blocks(sums: bool, seed: Seed) -> Result<Model> {
    let conv = |activation| {
        Conv2D::new(32, 3)
            .padding(Padding::Same)
            .activation(activation)
    };
    let mut net = Functional::new();
    let image = net.input("image", [32, 32, 3]);
    let mut x = net.apply(conv(Relu), image);
    for _ in 0..3 {
        let inner = net.apply(conv(Relu), x);
        x = if sums {
            let y = net.apply(conv(Linear), inner);
            let sum = net.join(Add::new(), &[x, y]);
            net.apply(Activation::new(Relu), sum)
        } else {
            net.apply(conv(Relu), inner)
        };
    }
    let means = net.apply(GlobalAveragePooling2D::new(), x);
    let classes = net.apply(Dense::new(10).activation(Softmax), means);
    net.outputs(&[classes]).build(seed)
}

/// Two images through the hidden layers of `mlp`, joined in front of its last layer: per image the same products.
fn towers_mlp(seed: Seed) -> Result<Model> {
    let mut net = Functional::new();
    let images = ["left", "right"].map(|name| net.input(name, [28, 28, 1]));
    let hidden = [512, 512].map(|units| net.layer(Dense::new(units).activation(Relu)));
    let towers = images.map(|image| {
        let mut x = net.apply(Flatten, image);
        for layer in hidden {
            x = net.call(layer, x);
        }
        x
    });
    let both = net.join(Concatenate::new(), &towers);
    let classes = net.apply(Dense::new(10).activation(Softmax), both);
    net.outputs(&[classes]).build(seed)
}

/// Two images through the layers of `cnn`, joined in front of its last one: per image the same products.
fn towers_cnn(seed: Seed) -> Result<Model> {
    let mut net = Functional::new();
    let images = ["left", "right"].map(|name| net.input(name, [28, 28, 1]));
    let layers = [
        net.layer(Conv2D::new(32, 3).activation(Relu)),
        net.layer(Conv2D::new(64, 3).activation(Relu)),
        net.layer(MaxPooling2D::new(2)),
        net.layer(Flatten),
        net.layer(Dense::new(128).activation(Relu)),
        net.layer(Dense::new(128).activation(Relu)),
    ];
    let towers = images.map(|image| {
        layers
            .iter()
            .fold(image, |wire, &layer| net.call(layer, wire))
    });
    let both = net.join(Concatenate::new(), &towers);
    let classes = net.apply(Dense::new(10).activation(Softmax), both);
    net.outputs(&[classes]).build(seed)
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
        // 4 · (28 + 128 + 1) · 128 for the gates; three gates with two biases each for a GRU.
        assert_eq!(parameters("lstm"), 80_384 + 1_290);
        assert_eq!(parameters("gru"), 3 * (28 + 128 + 2) * 128 + 1_290);
        assert_eq!(parameters("separable"), 14_330);
        assert_eq!(parameters("resnet8"), 78_666);
        assert_eq!(
            parameters("transformer"),
            4 * 129 * 128 + 131_712 + 512 + 1_290
        );
        // A graph does the products of its chain: as many weights, but for the columns of two towers' last layer.
        assert_eq!(parameters("residual"), parameters("plain"));
        assert_eq!(parameters("towers-mlp"), parameters("mlp") + 512 * 10);
        assert_eq!(parameters("towers-cnn"), parameters("cnn") + 128 * 10);
        assert!(
            find("cnm")
                .expect_err("no such network")
                .to_string()
                .contains(
                    "cnn, lenet5, mlp, vgg, tanh, digits, lstm, gru, separable, resnet8, transformer, plain"
                )
        );
    }
}
