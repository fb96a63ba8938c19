//! The differentiable operations: one file each, with the method of [`Var`](crate::Var), its formula, its gradient and
//! its row for the gradient check. To add one, write its file and enter it in [`all`].

use crate::gradcheck::Spec;

mod abs;
mod add;
mod add_relu;
mod attention;
mod average_pool2d;
mod batch_normalization;
mod broadcast_to;
mod clip;
mod concat;
mod conv2d;
mod conv2d_fused;
mod conv2d_pooled;
mod conv2d_sum;
mod conv2d_transpose;
mod cos;
mod cumsum;
mod dense;
mod div;
mod dropout;
mod einsum;
mod elu;
mod erf;
mod exp;
mod expm1;
mod flatten;
mod gather;
mod gelu;
mod gelu_tanh;
mod gru;
mod layer_normalization;
mod ln;
mod log1p;
mod log_softmax;
mod log_sum_exp;
mod lstm;
mod matmul;
mod max_axes;
mod max_pool1d;
mod max_pool2d;
mod maximum;
mod mean;
mod mean_axes;
mod minimum;
mod mish;
mod mul;
mod neg;
mod pad;
mod permute;
mod powf;
mod recip;
mod relu;
mod resample;
mod reshape;
mod rms_normalization;
mod scale;
mod scatter;
mod scatter_add;
mod selu;
mod shift;
mod sigmoid;
mod sigmoid_binary_cross_entropy;
mod silu;
mod sin;
mod slice;
mod slice_step;
mod softmax;
mod softmax_cross_entropy;
mod softplus;
mod sort;
mod sparsemax;
mod sqrt;
mod square;
mod sub;
mod sum;
mod sum_axes;
mod tanh;
mod top_k;
mod transpose;

pub use attention::Weighing;
pub use batch_normalization::Normalized;
pub use conv2d_pooled::POOLING;

/// Every differentiable operation. The property tests and `gradcheck` go through this table.
pub fn all() -> &'static [Spec] {
    ALL
}

/// The operations whose gradients cannot be differentiated again ([`Var::gradients`](crate::Var::gradients) says so), and why.
/// All others are checked twice.
pub fn without_second_derivatives() -> &'static [(&'static str, &'static str)] {
    WITHOUT_SECOND
}

const KERNELS: &str = "its gradient is a kernel of its own, which has none";

static WITHOUT_SECOND: &[(&str, &str)] = &[
    (
        "sparsemax",
        "it is piecewise linear: its second derivative is 0",
    ),
    ("conv2d", KERNELS),
    ("conv2d_fused", KERNELS),
    ("conv2d_pooled", KERNELS),
    ("conv2d_sum", KERNELS),
    ("batch_normalization", KERNELS),
    ("conv2d_transpose", KERNELS),
    ("lstm", KERNELS),
    ("gru", KERNELS),
    ("layer_normalization", KERNELS),
    ("rms_normalization", KERNELS),
    ("resample", KERNELS),
    ("max_pool2d", KERNELS),
    ("average_pool2d", KERNELS),
    ("max_pool1d", KERNELS),
];

static ALL: &[Spec] = &[
    // Arithmetic, with broadcasting
    add::SPEC,
    sub::SPEC,
    mul::SPEC,
    div::SPEC,
    elu::SPEC,
    maximum::SPEC,
    minimum::SPEC,
    // Functions of every element
    neg::SPEC,
    exp::SPEC,
    expm1::SPEC,
    ln::SPEC,
    log1p::SPEC,
    sqrt::SPEC,
    square::SPEC,
    abs::SPEC,
    powf::SPEC,
    sin::SPEC,
    cos::SPEC,
    erf::SPEC,
    recip::SPEC,
    clip::SPEC,
    scale::SPEC,
    shift::SPEC,
    relu::SPEC,
    add_relu::SPEC,
    sigmoid::SPEC,
    silu::SPEC,
    gelu::SPEC,
    gelu_tanh::SPEC,
    selu::SPEC,
    mish::SPEC,
    tanh::SPEC,
    dropout::SPEC,
    // Reductions
    sum::SPEC,
    mean::SPEC,
    sum_axes::SPEC,
    mean_axes::SPEC,
    cumsum::SPEC,
    max_axes::SPEC,
    log_sum_exp::SPEC,
    softmax::SPEC,
    log_softmax::SPEC,
    sparsemax::SPEC,
    // Linear maps, normalization and pooling
    matmul::SPEC,
    einsum::SPEC,
    attention::SPEC,
    dense::SPEC,
    conv2d::SPEC,
    conv2d_fused::SPEC,
    conv2d_pooled::SPEC,
    conv2d_sum::SPEC,
    conv2d_transpose::SPEC,
    batch_normalization::SPEC,
    layer_normalization::SPEC,
    rms_normalization::SPEC,
    max_pool2d::SPEC,
    average_pool2d::SPEC,
    max_pool1d::SPEC,
    lstm::SPEC,
    gru::SPEC,
    // Shapes
    reshape::SPEC,
    flatten::SPEC,
    transpose::SPEC,
    permute::SPEC,
    slice::SPEC,
    slice_step::SPEC,
    broadcast_to::SPEC,
    pad::SPEC,
    concat::SPEC,
    gather::SPEC,
    resample::SPEC,
    scatter_add::SPEC,
    scatter::SPEC,
    sort::SPEC,
    top_k::SPEC,
    // Losses
    softmax_cross_entropy::SPEC,
    softplus::SPEC,
    sigmoid_binary_cross_entropy::SPEC,
];

#[cfg(test)]
mod tests {
    use super::all;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_file_has_a_row_of_its_name() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the folder of this file")
            .map(|entry| entry.expect("a readable entry").path())
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .filter(|name| name != "mod")
            .collect();
        let rows: BTreeSet<String> = all().iter().map(|spec| spec.name.to_owned()).collect();
        assert_eq!(
            files, rows,
            "files in src/ops (left) and rows of ops::all() (right)"
        );
        assert_eq!(rows.len(), all().len(), "a name is used twice");
    }
}
