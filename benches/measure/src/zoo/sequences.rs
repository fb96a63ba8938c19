//! The networks that read sequences. They are written as Keras's examples write them, so that the peers can have the same.

use taper_nn::junctions::{Add, MultiHeadAttention};
use taper_nn::layers::{Dense, GRU, GlobalAveragePooling1D, LSTM, LayerNormalization};
use taper_nn::{Functional, Model, Relu, Result, Seed, Sequential, Softmax};

/// 28×28, an image read row by row; LSTM 128, Dense 10.
pub(super) fn lstm() -> Sequential {
    Sequential::new([28, 28])
        .add(LSTM::new(128))
        .add(Dense::new(10).activation(Softmax))
}

/// 28×28, an image read row by row; GRU 128, Dense 10.
pub(super) fn gru() -> Sequential {
    Sequential::new([28, 28])
        .add(GRU::new(128))
        .add(Dense::new(10).activation(Softmax))
}

/// The encoder's block of Vaswani et al. 2017, without dropout.
/// 64 positions of 128 features; attention of 4 heads with 32 features each, Dense 512 (relu) and 128, a sum and
/// LayerNormalization behind both; mean over the positions, Dense 10.
pub(super) fn transformer(seed: Seed) -> Result<Model> {
    let mut net = Functional::new();
    let words = net.input("words", [64, 128]);
    let seen = net.join(MultiHeadAttention::new(4, 32), &[words, words]);
    let sum = net.join(Add::new(), &[words, seen]);
    let x = net.apply(LayerNormalization::new(), sum);
    let inner = net.apply(Dense::new(512).activation(Relu), x);
    let y = net.apply(Dense::new(128), inner);
    let sum = net.join(Add::new(), &[x, y]);
    let x = net.apply(LayerNormalization::new(), sum);
    let means = net.apply(GlobalAveragePooling1D::new(), x);
    let classes = net.apply(Dense::new(10).activation(Softmax), means);
    net.outputs(&[classes]).build(seed)
}
