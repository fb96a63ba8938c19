//! The networks whose convolutions make the image smaller by their strides, without poolings between.

use taper_nn::junctions::Add;
use taper_nn::layers::{
    Activation, BatchNormalization, Conv2D, Dense, GlobalAveragePooling2D, SeparableConv2D,
};
use taper_nn::{Functional, Model, Padding, Relu, Result, Seed, Sequential, Softmax, Wire};

/// After Howard et al. 2017 (MobileNet), small.
/// 28×28×1; Conv 16 (3×3), SeparableConv 32, 64 (stride 2) and 128 with BatchNormalization, mean of each channel, Dense 10.
pub(super) fn separable() -> Sequential {
    let mut net = Sequential::new([28, 28, 1])
        .add(Conv2D::new(16, 3).padding(Padding::Same).activation(Relu));
    for (filters, stride) in [(32, 2), (64, 2), (128, 1)] {
        let layer = SeparableConv2D::new(filters, 3)
            .strides(stride)
            .padding(Padding::Same);
        net = net
            .add(layer)
            .add(BatchNormalization::new())
            .add(Activation::new(Relu));
    }
    net.add(GlobalAveragePooling2D::new())
        .add(Dense::new(10).activation(Softmax))
}

/// After He et al. 2016, as small as MLPerf Tiny has it.
/// 32×32×3; Conv 16, then a block of 2× Conv (3×3) with 16, 32 and 64 channels, the last two with stride 2 and a 1×1
/// convolution beside them, BatchNormalization behind all 3×3 ones; mean of each channel, Dense 10.
pub(super) fn resnet8(seed: Seed) -> Result<Model> {
    let mut net = Functional::new();
    let image = net.input("image", [32, 32, 3]);
    let x = normalized(&mut net, image, 16, 1);
    let mut x = net.apply(Activation::new(Relu), x);
    for (filters, stride) in [(16, 1), (32, 2), (64, 2)] {
        let y = normalized(&mut net, x, filters, stride);
        let y = net.apply(Activation::new(Relu), y);
        let y = normalized(&mut net, y, filters, 1);
        if stride > 1 {
            let beside = Conv2D::new(filters, 1)
                .strides(stride)
                .padding(Padding::Same);
            x = net.apply(beside, x);
        }
        let sum = net.join(Add::new(), &[x, y]);
        x = net.apply(Activation::new(Relu), sum);
    }
    let means = net.apply(GlobalAveragePooling2D::new(), x);
    let classes = net.apply(Dense::new(10).activation(Softmax), means);
    net.outputs(&[classes]).build(seed)
}

/// A 3×3 convolution and batch normalization.
fn normalized(net: &mut Functional, x: Wire, filters: usize, stride: usize) -> Wire {
    let conv = Conv2D::new(filters, 3)
        .strides(stride)
        .padding(Padding::Same);
    let x = net.apply(conv, x);
    net.apply(BatchNormalization::new(), x)
}
