//! What tensors compute with: f32 kernels on the instruction set of the machine, f64 kernels as plain loops.
//!
//! Internals of the crates of Taper: what is here may change with every version. Programs use the methods of tensors.
//!
//! `README.md` beside this file explains how work is cut, why a run is bit-identical for any number of threads, and what
//! was tried. Everything here takes slices whose lengths the caller has checked against a geometry.

pub(crate) mod arguments;
mod batch_norm;
pub(crate) mod conv;
pub(crate) mod cut;
pub mod dropout;
pub(crate) mod elementwise;
mod fusible;
pub mod geometry;
mod loops;
mod magnitude;
pub mod math;
mod matmul;
pub(crate) mod pool;
pub(crate) mod reach;
pub(crate) mod recurrent;
pub(crate) mod reference;
mod row_norm;
pub(crate) mod scratch;
mod transpose;
pub mod update;
mod update_f32;

pub use crate::matrix::MatrixRef;
#[doc(hidden)]
pub use arguments::{After, ChannelMap, RowNorm};
pub use arguments::{Epilogue, PoolPositions};
#[doc(hidden)]
pub use conv::ways;
pub use dropout::Dropout;
pub use fusible::Fusible;
pub use geometry::{Conv2dSpec, ConvGeometry, Padding, Pool2dSpec, PoolGeometry};
#[doc(hidden)]
pub use loops::Loops;
pub use magnitude::magnitudes;
#[doc(hidden)]
pub use recurrent::{Course, GruBackward, GruForward, LstmBackward, LstmForward};

use crate::buffer::Buffer;
use crate::simd::dispatch;
use conv::{gated, pooled};
use loops::OnVectors;
use update::Passes;

/// The kernels of an element type. The provided methods are the plain reference (f64); f32 overrides them.
#[doc(hidden)]
pub trait Kernels: Passes {
    fn matmul(a: MatrixRef<'_, Self>, b: MatrixRef<'_, Self>, c: &mut [Self], accumulate: bool) {
        reference::matmul(a, b, c, accumulate);
    }

    /// `c = a · b`, and the largest magnitude in `c` where that is known without another pass.
    fn matmul_measured(
        a: MatrixRef<'_, Self>,
        b: MatrixRef<'_, Self>,
        c: &mut [Self],
    ) -> Option<f64> {
        Self::matmul(a, b, c, false);
        None
    }

    /// [`matmul`](Self::matmul) on the thread that calls.
    fn matmul_here(
        a: MatrixRef<'_, Self>,
        b: MatrixRef<'_, Self>,
        c: &mut [Self],
        accumulate: bool,
    ) {
        Self::matmul(a, b, c, accumulate);
    }

    /// Plain loops, on the vectors of the machine where the type has some.
    fn loops(work: impl Loops) {
        work.run();
    }

    /// A long short-term memory from the first step to the last, and back.
    fn lstm_forward(course: &Course, pass: LstmForward<'_, Self>) {
        recurrent::lstm_forward(course, pass);
    }

    fn lstm_backward(course: &Course, pass: LstmBackward<'_, Self>) {
        recurrent::lstm_backward(course, pass);
    }

    /// A gated recurrent unit from the first step to the last, and back.
    fn gru_forward(course: &Course, pass: GruForward<'_, Self>) {
        recurrent::gru_forward(course, pass);
    }

    fn gru_backward(course: &Course, pass: GruBackward<'_, Self>) {
        recurrent::gru_backward(course, pass);
    }

    fn finish(y: &mut [Self], bias: Option<&[Self]>, epilogue: &Epilogue) {
        reference::finish(y, bias, epilogue);
    }

    fn conv2d(g: &ConvGeometry, x: &[Self], k: &[Self], after: After<'_, Self>, y: &mut [Self]) {
        reference::conv2d(g, x, k, after, y);
    }

    /// dx = the gradient, plus `addend`.
    fn conv2d_input_gradient(
        g: &ConvGeometry,
        dy: &[Self],
        k: &[Self],
        addend: Option<&[Self]>,
        dx: &mut [Self],
    ) {
        reference::conv2d_input_gradient(g, dy, k, addend, dx);
    }

    fn conv2d_kernel_gradient(g: &ConvGeometry, dy: &[Self], x: &[Self], dk: &mut [Self]) {
        reference::conv2d_kernel_gradient(g, dy, x, dk);
    }

    /// Gradients of the fused convolution without that of its input: (kernel, bias). `activation` stood behind the sums and
    /// put out `output`; dropout's factor is `scale`.
    #[allow(clippy::too_many_arguments)]
    fn conv2d_parameter_gradients(
        g: &ConvGeometry,
        activation: Fusible,
        dy: &[Self],
        output: &[Self],
        scale: Self,
        x: &[Self],
        dk: &mut [Self],
        db: &mut [Self],
    ) {
        let mut z = Buffer::uninit(dy.len());
        Self::activation_gradient(activation, dy, output, scale, &mut z);
        Self::conv2d_kernel_gradient(g, &z, x, dk);
        Self::sum_rows(&z, db);
    }

    /// Fusible convolution + bias + relu + dropout + 2×2 maximum.
    fn conv2d_pooled(
        g: &ConvGeometry,
        x: &[Self],
        k: &[Self],
        bias: Option<&[Self]>,
        epilogue: &Epilogue,
        y: &mut [Self],
        winners: &mut [u8],
    ) {
        reference::conv2d_pooled(g, x, k, bias, epilogue, y, winners);
    }

    /// Gradients of the fused convolution: (input if wanted, kernel, bias). `scale` is dropout's factor.
    #[allow(clippy::too_many_arguments)]
    fn conv2d_pooled_gradients(
        g: &ConvGeometry,
        dy: &[Self],
        winners: &[u8],
        x: &[Self],
        k: &[Self],
        scale: Self,
        dx: Option<&mut [Self]>,
        dk: &mut [Self],
        db: &mut [Self],
    ) {
        reference::conv2d_pooled_gradients(g, dy, winners, x, k, scale, dx, dk, db);
    }

    fn max_pool2d(g: &PoolGeometry, x: &[Self], y: &mut [Self], winners: &mut [u8]) {
        reference::max_pool2d(g, x, y, |output, tap| winners[output] = tap as u8);
    }

    fn max_pool2d_gradient(g: &PoolGeometry, dy: &[Self], winners: &[u8], dx: &mut [Self]) {
        reference::max_pool2d_gradient(g, dy, |output| winners[output] as usize, dx);
    }

    fn average_pool2d(g: &PoolGeometry, x: &[Self], y: &mut [Self]) {
        reference::average_pool2d(g, x, y);
    }

    fn average_pool2d_gradient(g: &PoolGeometry, dy: &[Self], dx: &mut [Self]) {
        reference::average_pool2d_gradient(g, dy, dx);
    }

    fn dropout(x: &[Self], dropout: &Dropout, y: &mut [Self]) {
        y.copy_from_slice(x);
        reference::finish(
            y,
            None,
            &Epilogue {
                activation: None,
                dropout: Some(*dropout),
            },
        );
    }

    /// The gradient in front of `activation`, which put out `output`; what passes relu is multiplied by `scale`.
    fn activation_gradient(
        activation: Fusible,
        gradient: &[Self],
        output: &[Self],
        scale: Self,
        dx: &mut [Self],
    ) {
        reference::activation_gradient(activation, gradient, output, scale, dx);
    }

    /// `function` of every value.
    fn apply_in_place(function: math::Function, x: &mut [Self]) {
        x.iter_mut().for_each(|x| *x = function.of(*x));
    }

    /// `function` of every value of `x`, into `y` of the same length.
    fn apply(function: math::Function, x: &[Self], y: &mut [Self]) {
        y.iter_mut().zip(x).for_each(|(y, x)| *y = function.of(*x));
    }

    /// xʸ.
    fn pow(x: Self, y: Self) -> Self {
        x.powf(y)
    }

    /// Every value of `x` to the power of `exponent`, into `y` of the same length.
    fn powers(x: &[Self], exponent: Self, y: &mut [Self]) {
        y.iter_mut().zip(x).for_each(|(y, x)| *y = x.powf(exponent));
    }

    fn sum_rows(x: &[Self], sums: &mut [Self]) {
        reference::sum_rows(x, sums);
    }

    /// Mean and biased variance of each channel.
    fn moments(x: &[Self], mean: &mut [Self], variance: &mut [Self]) {
        reference::moments(x, mean, variance);
    }

    fn channel_map(x: &[Self], map: &ChannelMap<'_, Self>, y: &mut [Self]) {
        reference::channel_map(x, map, y);
    }

    /// Σ dy and Σ dy · (x − mean) of each channel, where `dy` is what the relu lets through.
    fn channel_map_sums(
        dy: &[Self],
        x: &[Self],
        map: &ChannelMap<'_, Self>,
        sums: &mut [Self],
        products: &mut [Self],
    ) {
        reference::channel_map_sums(dy, x, map, sums, products);
    }

    /// `dy · factor + (x − mean) · slope + constant`, where `dy` is what the relu lets through.
    fn channel_map_gradient(
        dy: &[Self],
        x: &[Self],
        map: &ChannelMap<'_, Self>,
        slope: &[Self],
        constant: &[Self],
        dx: &mut [Self],
    ) {
        reference::channel_map_gradient(dy, x, map, slope, constant, dx);
    }

    /// Mean and `1 / √(spread + ε)` of each row go into `statistics`, side by side.
    fn row_norm(x: &[Self], norm: &RowNorm<'_, Self>, y: &mut [Self], statistics: &mut [Self]) {
        reference::row_norm(x, norm, y, statistics);
    }

    /// Gradients of the input, `gamma` and `beta`.
    fn row_norm_gradients(
        dy: &[Self],
        x: &[Self],
        norm: &RowNorm<'_, Self>,
        statistics: &[Self],
        dx: &mut [Self],
        gamma: &mut [Self],
        beta: &mut [Self],
    ) {
        reference::row_norm_gradients(dy, x, norm, statistics, dx, gamma, beta);
    }

    fn penalty_sums(x: &[Self]) -> (f64, f64) {
        reference::penalty_sums(x)
    }
}

impl Kernels for f64 {
    fn matmul(a: MatrixRef<'_, f64>, b: MatrixRef<'_, f64>, c: &mut [f64], accumulate: bool) {
        crate::simd::f64_product(a, b, c, accumulate);
    }
}

impl Kernels for f32 {
    fn matmul(a: MatrixRef<'_, f32>, b: MatrixRef<'_, f32>, c: &mut [f32], accumulate: bool) {
        matmul::matmul(a, b, c, accumulate);
    }

    fn matmul_measured(a: MatrixRef<'_, f32>, b: MatrixRef<'_, f32>, c: &mut [f32]) -> Option<f64> {
        matmul::matmul_measured(a, b, c)
    }

    fn matmul_here(a: MatrixRef<'_, f32>, b: MatrixRef<'_, f32>, c: &mut [f32], accumulate: bool) {
        matmul::here(a, b, c, accumulate);
    }

    fn loops(work: impl Loops) {
        dispatch(OnVectors(work));
    }

    // Written out here, so that this crate compiles them, with its vectors, and not the one that calls.
    fn lstm_forward(course: &Course, pass: LstmForward<'_, f32>) {
        recurrent::lstm_forward(course, pass);
    }

    fn lstm_backward(course: &Course, pass: LstmBackward<'_, f32>) {
        recurrent::lstm_backward(course, pass);
    }

    fn gru_forward(course: &Course, pass: GruForward<'_, f32>) {
        recurrent::gru_forward(course, pass);
    }

    fn gru_backward(course: &Course, pass: GruBackward<'_, f32>) {
        recurrent::gru_backward(course, pass);
    }

    fn finish(y: &mut [f32], bias: Option<&[f32]>, epilogue: &Epilogue) {
        elementwise::finish(y, bias, epilogue);
    }

    fn conv2d(g: &ConvGeometry, x: &[f32], k: &[f32], after: After<'_, f32>, y: &mut [f32]) {
        conv::forward(g, x, k, after, y);
    }

    fn conv2d_input_gradient(
        g: &ConvGeometry,
        dy: &[f32],
        k: &[f32],
        addend: Option<&[f32]>,
        dx: &mut [f32],
    ) {
        conv::input_gradient(g, dy, k, addend, dx);
    }

    fn conv2d_kernel_gradient(g: &ConvGeometry, dy: &[f32], x: &[f32], dk: &mut [f32]) {
        conv::kernel_gradient(g, dy, x, dk);
    }

    fn conv2d_parameter_gradients(
        g: &ConvGeometry,
        activation: Fusible,
        dy: &[f32],
        output: &[f32],
        scale: f32,
        x: &[f32],
        dk: &mut [f32],
        db: &mut [f32],
    ) {
        gated::parameter_gradients(g, activation, dy, output, scale, x, dk, db);
    }

    fn conv2d_pooled(
        g: &ConvGeometry,
        x: &[f32],
        k: &[f32],
        bias: Option<&[f32]>,
        epilogue: &Epilogue,
        y: &mut [f32],
        winners: &mut [u8],
    ) {
        pooled::forward(g, x, k, bias, epilogue, y, winners);
    }

    fn conv2d_pooled_gradients(
        g: &ConvGeometry,
        dy: &[f32],
        winners: &[u8],
        x: &[f32],
        k: &[f32],
        scale: f32,
        dx: Option<&mut [f32]>,
        dk: &mut [f32],
        db: &mut [f32],
    ) {
        pooled::gradients(g, dy, winners, x, k, scale, dx, dk, db);
    }

    fn max_pool2d(g: &PoolGeometry, x: &[f32], y: &mut [f32], winners: &mut [u8]) {
        pool::forward(g, x, y, winners);
    }

    fn max_pool2d_gradient(g: &PoolGeometry, dy: &[f32], winners: &[u8], dx: &mut [f32]) {
        pool::gradient(g, dy, winners, dx);
    }

    fn average_pool2d(g: &PoolGeometry, x: &[f32], y: &mut [f32]) {
        pool::average(g, x, y);
    }

    fn average_pool2d_gradient(g: &PoolGeometry, dy: &[f32], dx: &mut [f32]) {
        pool::average_gradient(g, dy, dx);
    }

    fn dropout(x: &[f32], dropout: &Dropout, y: &mut [f32]) {
        elementwise::dropout(x, dropout, y);
    }

    fn activation_gradient(
        activation: Fusible,
        gradient: &[f32],
        output: &[f32],
        scale: f32,
        dx: &mut [f32],
    ) {
        elementwise::activation_gradient(activation, gradient, output, scale, dx);
    }

    fn apply_in_place(function: math::Function, x: &mut [f32]) {
        function.apply_in_place(x);
    }

    fn apply(function: math::Function, x: &[f32], y: &mut [f32]) {
        function.apply(x, y);
    }

    fn pow(x: f32, y: f32) -> f32 {
        math::pow(x, y)
    }

    fn powers(x: &[f32], exponent: f32, y: &mut [f32]) {
        math::Power(exponent).apply(x, y);
    }

    fn sum_rows(x: &[f32], sums: &mut [f32]) {
        elementwise::sum_rows(x, sums);
    }

    fn moments(x: &[f32], mean: &mut [f32], variance: &mut [f32]) {
        batch_norm::moments(x, mean, variance);
    }

    fn channel_map(x: &[f32], map: &ChannelMap<'_, f32>, y: &mut [f32]) {
        batch_norm::map(x, map, y);
    }

    fn channel_map_sums(
        dy: &[f32],
        x: &[f32],
        map: &ChannelMap<'_, f32>,
        sums: &mut [f32],
        products: &mut [f32],
    ) {
        batch_norm::sums(dy, x, map, sums, products);
    }

    fn channel_map_gradient(
        dy: &[f32],
        x: &[f32],
        map: &ChannelMap<'_, f32>,
        slope: &[f32],
        constant: &[f32],
        dx: &mut [f32],
    ) {
        batch_norm::input_gradient(dy, x, map, slope, constant, dx);
    }

    fn row_norm(x: &[f32], norm: &RowNorm<'_, f32>, y: &mut [f32], statistics: &mut [f32]) {
        row_norm::forward(x, norm, y, statistics);
    }

    fn row_norm_gradients(
        dy: &[f32],
        x: &[f32],
        norm: &RowNorm<'_, f32>,
        statistics: &[f32],
        dx: &mut [f32],
        gamma: &mut [f32],
        beta: &mut [f32],
    ) {
        row_norm::backward(dy, x, norm, statistics, dx, gamma, beta);
    }

    fn penalty_sums(x: &[f32]) -> (f64, f64) {
        elementwise::penalty_sums(x)
    }
}
