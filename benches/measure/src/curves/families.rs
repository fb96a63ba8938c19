//! Networks of one kind in many sizes, and the work in each: what the curves go over.

use clap::ValueEnum;
use taper_nn::layers::{Conv2D, Dense, Flatten, MaxPooling2D};
use taper_nn::{Padding, Relu, Sequential, Softmax};

use crate::mode::Mode;
use crate::zoo;

/// What a curve goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Over {
    /// Batch sizes of the study's network
    Batch,
    /// Channels of three convolutions
    Channels,
    /// Sides of the image under two convolutions
    Images,
    /// Epochs of training with L2
    Epochs,
}

impl Over {
    /// The word on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Over::Batch => "batch",
            Over::Channels => "channels",
            Over::Images => "images",
            Over::Epochs => "epochs",
        }
    }
}

/// A family of networks, one a size.
pub(crate) struct Family {
    pub(crate) over: Over,
    pub(crate) title: &'static str,
    pub(crate) about: &'static str,
    pub(crate) axis: &'static str,
    pub(crate) sizes: &'static [usize],
    pub(crate) network: fn(usize) -> Sequential,
    pub(crate) batch: fn(usize) -> usize,
    /// Multiplications and additions of an image's forward pass: in the first convolution, and in all else.
    flop: fn(usize) -> (usize, usize),
}

/// The curves over networks, in the order of the page.
pub(crate) const FAMILIES: [Family; 3] = [
    Family {
        over: Over::Batch,
        title: "Cost over batch sizes",
        about: "The study's network, 28×28×1.",
        axis: "images a batch",
        sizes: &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
        network: |_| zoo::cnn(),
        batch: |size| size,
        flop: |_| {
            (
                conv(26, 1, 32),
                conv(24, 32, 64) + 2 * (9216 * 128 + 128 * 128 + 128 * 10),
            )
        },
    },
    Family {
        over: Over::Channels,
        title: "Cost over channels",
        about: "16×16×c; three Conv2D of c channels, 3×3, same, a pooling after the second; Dense 10; batches of 32.",
        axis: "channels",
        sizes: &[1, 3, 8, 17, 32, 45, 64, 96, 128],
        network: |c| {
            let conv = || Conv2D::new(c, 3).padding(Padding::Same).activation(Relu);
            Sequential::new([16, 16, c])
                .add(conv())
                .add(conv())
                .add(MaxPooling2D::new(2))
                .add(conv())
                .add(Flatten)
                .add(Dense::new(10).activation(Softmax))
        },
        batch: |_| 32,
        flop: |c| {
            (
                conv(16, c, c),
                conv(16, c, c) + conv(8, c, c) + 2 * 64 * c * 10,
            )
        },
    },
    Family {
        over: Over::Images,
        title: "Cost over image sizes",
        about: "s×s×3; two Conv2D of 32 channels, 3×3, same, then a pooling; Dense 10; batches of 32.",
        axis: "side of the image",
        sizes: &[8, 12, 16, 20, 24, 28, 32, 48, 64],
        network: |s| {
            let conv = || Conv2D::new(32, 3).padding(Padding::Same).activation(Relu);
            Sequential::new([s, s, 3])
                .add(conv())
                .add(conv())
                .add(MaxPooling2D::new(2))
                .add(Flatten)
                .add(Dense::new(10).activation(Softmax))
        },
        batch: |_| 32,
        flop: |s| {
            (
                conv(s, 3, 32),
                conv(s, 32, 32) + 2 * (s / 2) * (s / 2) * 32 * 10,
            )
        },
    },
];

/// Multiplications and additions of a 3×3 convolution with an output of `side` × `side`.
const fn conv(side: usize, from: usize, to: usize) -> usize {
    2 * side * side * 9 * from * to
}

impl Family {
    /// Millions of multiplications and additions of a step. Training has two gradients beside the forward pass; the
    /// first convolution has none towards the pixels.
    pub(crate) fn mflop(&self, size: usize, mode: Mode) -> f64 {
        let (first, rest) = (self.flop)(size);
        let image = match mode {
            Mode::Train => 2 * first + 3 * rest,
            Mode::Infer => first + rest,
        };
        (self.batch)(size) as f64 * image as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper_nn::Seed;

    #[test]
    fn every_network_can_be_built_and_work_grows_with_size() {
        for family in &FAMILIES {
            for &size in family.sizes {
                let model = (family.network)(size).build(Seed(0)).expect("a network");
                assert_eq!(model.output_shape(), [10], "{} {size}", family.title);
            }
            for mode in [Mode::Train, Mode::Infer] {
                let work: Vec<f64> = family
                    .sizes
                    .iter()
                    .map(|&size| family.mflop(size, mode))
                    .collect();
                assert!(
                    work.windows(2).all(|pair| pair[0] < pair[1]),
                    "{} {work:?}",
                    family.title
                );
            }
        }
    }

    #[test]
    fn the_work_of_the_studys_network_is_that_of_its_layers() {
        // By hand: 0.39 + 21.23 + 2.36 + 0.03 + 0.003 MFLOP forward; the first convolution twice, the rest three times.
        let batch = &FAMILIES[0];
        assert!((batch.mflop(1, Mode::Infer) - 24.0).abs() < 0.05);
        assert!((batch.mflop(64, Mode::Train) / 64.0 - 71.7).abs() < 0.1);
    }
}
