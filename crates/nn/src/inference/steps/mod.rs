//! The steps of prepared inference, one file each, and the table of them: what layers each covers, and what runs.

mod average_pooling;
mod conv2d;
mod conv2d_transpose;
mod dense;
mod layer;
mod max_pooling;

pub use super::fold::Item;

use super::fold::Weights;
use crate::{ActivationKind, Error, Model, Result};
use std::fmt::Debug;
use taper_tensor::prepared::{Cut, PreparedConv2d, scale_and_shift_in_place};

/// One kind of step.
pub struct Row {
    /// Its name, as [`Prepared::steps`](crate::Prepared::steps) shows it.
    pub name: &'static str,
    /// The layers that it covers.
    pub about: &'static str,
    /// The source file.
    pub file: &'static str,
    /// What it makes of the layers ahead (at least one; those that do nothing are left out), if it can.
    pub find: fn(&Model, &[Item<'_>]) -> Result<Option<Found>>,
}

/// A step that has been found.
pub struct Found {
    /// Layers covered, of those ahead.
    pub covers: usize,
    /// What runs.
    pub work: Box<dyn Work>,
    /// What follows in place.
    pub then: Vec<Then>,
}

impl Found {
    /// A step that copies samples of this shape, for what follows in place.
    pub(super) fn copy(shape: &[usize]) -> Found {
        Found {
            covers: 0,
            work: Box::new(Copy {
                values: shape.iter().product(),
            }),
            then: Vec::new(),
        }
    }
}

/// From the values of samples to those of their outputs. Weights are its own, packed; a run allocates nothing.
pub trait Work: Debug + Send + Sync {
    /// Runs `n` samples. The cut does not change the result.
    ///
    /// # Errors
    /// Only of layers that run as they are.
    fn run(&self, n: usize, x: &[f32], y: &mut [f32], cut: Cut) -> Result<()>;

    /// A convolution that does the same with a sum behind it, then perhaps relu, in one pass; if it is one that can.
    fn with_sum(&self, _relu: bool) -> Option<PreparedConv2d> {
        None
    }

    /// Whether it treats samples one by one, so that nothing is lost when tasks take a few of them each.
    fn is_local(&self) -> bool;

    /// Products of one sample, or what takes as long.
    fn products(&self) -> usize;

    /// Whether `n` samples, run as [`Cut::Tasks`], are handed to the thread pool.
    fn is_cut(&self, n: usize) -> bool;
}

/// What a run ends in; the error says which node it comes from.
pub(super) type Run = std::result::Result<(), (usize, Error)>;

/// The name of the step that runs a layer of any other kind.
pub(super) const ANY_LAYER: &str = layer::NAME;

/// Every kind of step; the first that can is taken. The last can always, but where nothing but [`Then`]s are ahead.
pub fn all() -> Vec<Row> {
    vec![
        conv2d::row(),
        conv2d_transpose::row(),
        dense::row(),
        max_pooling::row(),
        average_pooling::row(),
        layer::row(),
    ]
}

/// What is done in place to the output of a step.
#[derive(Debug)]
pub enum Then {
    /// An activation function on samples whose last axis is so long.
    Activation(ActivationKind, usize),
    /// scale · x + shift, channel by channel.
    ScaleAndShift(Vec<f32>, Vec<f32>),
}

impl Then {
    /// What `item` does, if it can be done in place.
    pub(super) fn of(item: &Item<'_>) -> Option<Then> {
        if let Some(activation) = item.activation() {
            return Then::activation(activation, item.output);
        }
        let found = item.scale_and_shift()?;
        let narrow = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
        Some(Then::ScaleAndShift(
            narrow(found.scale),
            narrow(found.shift),
        ))
    }

    /// An activation function on samples of this shape; none for `Linear`.
    pub(super) fn activation(activation: ActivationKind, shape: &[usize]) -> Option<Then> {
        let width = shape.last().copied().unwrap_or(1);
        (activation != ActivationKind::Linear).then_some(Then::Activation(activation, width))
    }

    pub(super) fn apply(&self, x: &mut [f32]) {
        match self {
            Then::Activation(activation, width) => activation.apply_in_place(x, *width),
            Then::ScaleAndShift(scale, shift) => scale_and_shift_in_place(x, scale, shift),
        }
    }
}

/// Sums of products of a layer with a kernel, and what can follow them in the same pass: a scale and shift, relu.
struct Sums {
    /// The scale and shift are multiplied into them.
    weights: Weights,
    /// Layers covered.
    covers: usize,
    relu: bool,
    /// Any other activation function.
    then: Option<Then>,
}

impl Sums {
    /// Those of the first layer ahead, which has these weights and this activation function.
    fn of(ahead: &[Item<'_>], mut weights: Weights, mut activation: ActivationKind) -> Sums {
        let mut covers = 1;
        if activation == ActivationKind::Linear {
            if let Some(found) = follower(ahead, covers).and_then(Item::scale_and_shift) {
                weights = weights.folded(&found);
                covers += 1;
            }
            if let Some(kind) = follower(ahead, covers).and_then(Item::activation) {
                activation = kind;
                covers += 1;
            }
        }
        let relu = activation == ActivationKind::Relu;
        let then = Then::activation(activation, ahead[0].output);
        Sums {
            weights,
            covers,
            relu,
            then: then.filter(|_| !relu),
        }
    }
}

/// A layer ahead that sees the output of the first as that leaves it: a Reshape may stand between.
fn follower<'a, 'b>(ahead: &'a [Item<'b>], index: usize) -> Option<&'a Item<'b>> {
    let item = ahead.get(index)?;
    (item.input == ahead[0].output).then_some(item)
}

/// The samples as they are.
#[derive(Debug)]
struct Copy {
    values: usize,
}

impl Work for Copy {
    fn run(&self, _n: usize, x: &[f32], y: &mut [f32], _cut: Cut) -> Result<()> {
        y.copy_from_slice(x);
        Ok(())
    }

    fn is_local(&self) -> bool {
        true
    }

    fn products(&self) -> usize {
        self.values
    }

    fn is_cut(&self, _n: usize) -> bool {
        false
    }
}

/// The shape of a batch of one.
fn batch_of_one(shape: &[usize]) -> Vec<usize> {
    [&[1], shape].concat()
}
