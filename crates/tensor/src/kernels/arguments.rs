//! What kernels are told beside their slices: what follows a product, a map of channels, where maxima were.

use super::dropout::Dropout;
use super::fusible::Fusible;
use crate::buffer::Buffer;
use std::sync::Arc;

/// What a fused kernel does to its sums before they are stored: an activation function, then dropout.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Epilogue {
    /// Applied to the sums.
    pub activation: Option<Fusible>,
    /// Then some of them are dropped; behind an activation function other than relu there can be none, for the output
    /// would not tell which.
    pub dropout: Option<Dropout>,
}

impl Epilogue {
    /// Relu, or nothing.
    pub fn relu(relu: bool) -> Self {
        Epilogue {
            activation: relu.then_some(Fusible::Relu),
            dropout: None,
        }
    }

    /// Whether the activation function is relu.
    pub fn is_relu(&self) -> bool {
        self.activation == Some(Fusible::Relu)
    }

    /// Dropout's factor, for what comes back through it.
    pub(crate) fn scale(&self) -> f64 {
        self.dropout.map_or(1.0, |dropout| dropout.scale())
    }
}

/// What follows a convolution's sums of products before they are stored: a bias, a sum with other values, an epilogue.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct After<'a, E> {
    /// Added to every pixel; one value a channel.
    pub bias: Option<&'a [E]>,
    /// Then added; of the output's shape.
    pub addend: Option<&'a [E]>,
    /// Then an activation function and dropout.
    pub epilogue: Epilogue,
}

impl<'a, E> After<'a, E> {
    /// Nothing but this sum.
    pub(crate) fn sum(addend: Option<&'a [E]>) -> Self {
        After {
            bias: None,
            addend,
            epilogue: Epilogue::default(),
        }
    }

    /// Whether relu stands right behind the bias, so that it can be had in the same pass.
    pub(crate) fn relu_behind_bias(&self) -> bool {
        self.epilogue.is_relu() && self.addend.is_none()
    }
}

impl<E> Default for After<'_, E> {
    fn default() -> Self {
        After::sum(None)
    }
}

/// What batch normalization does along the last axis: `(x − mean) · factor + offset`, one value a channel, then relu.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct ChannelMap<'a, E> {
    /// Subtracted first, so that a mean far from zero costs no digits.
    pub mean: &'a [E],
    /// Then multiplied by.
    pub factor: &'a [E],
    /// Then added.
    pub offset: &'a [E],
    /// Whether what is below zero becomes zero.
    pub relu: bool,
}

/// What normalization of rows does: `(x − mean) / √(spread + epsilon) · gamma + beta`, the spread being the mean of squared
/// distances from the mean.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct RowNorm<'a, E> {
    /// One value a column.
    pub gamma: &'a [E],
    /// One value a column.
    pub beta: &'a [E],
    /// Added to the spread.
    pub epsilon: f64,
    /// Whether the mean is the row's, or 0.
    pub centered: bool,
}

/// Where each maximum of a pooling came from: the tap within its window.
#[derive(Clone, Debug)]
pub struct PoolPositions(pub(crate) Winners);

/// Windows of up to 255 taps keep a byte an output.
#[derive(Clone)]
pub(crate) enum Winners {
    Bytes(Arc<Buffer<u8>>),
    Words(Arc<Buffer<u32>>),
}

impl std::fmt::Debug for Winners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Winners::Bytes(b) => write!(f, "{} positions of a byte", b.len()),
            Winners::Words(w) => write!(f, "{} positions of four bytes", w.len()),
        }
    }
}
