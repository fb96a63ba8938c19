//! Fusion: runs of layers that one kernel computes at once, found by a table of patterns when a model is built.
//! Nobody writes a fused layer by hand, and a property test proves each pattern equal to its unfused layers,
//! forward and gradient.
//!
//! To add a pattern: a file here with its row, and the row's name in [`all`]; longer patterns stand before shorter.

mod batch_normalization;
mod conv2d;
mod conv2d_pooled;
mod dense;

use crate::layers::{Activation, Dropout};
use crate::{ActivationKind, Context, Layer, Result};
use std::fmt::Debug;
use taper_autograd::Var;
use taper_autograd::gradcheck::Sampler;
use taper_tensor::Element;
use taper_tensor::ops::{Epilogue, Fusible};

/// One pattern.
pub struct Row<E: Element = f32> {
    /// What the fused kernel is called, e.g. `conv2d_pooled`.
    pub name: &'static str,
    /// Which layers it covers, in one line.
    pub about: &'static str,
    /// The source file.
    pub file: &'static str,
    /// Looks at the layers from some place of a model on.
    pub find: Find<E>,
    /// A random example, for the property test.
    pub sample: fn(&mut Sampler) -> Sample<E>,
}

/// Looks at layers for a pattern that begins with the first of them.
pub type Find<E> = fn(&[&dyn Layer<E>]) -> Option<Match<E>>;

/// A pattern that was found.
pub struct Match<E: Element = f32> {
    /// How many layers it covers; the first of them is the only one with weights.
    pub covers: usize,
    /// What runs instead of them.
    pub run: Box<dyn Fused<E>>,
}

/// What runs instead of some layers. The context stands at the first of them.
pub trait Fused<E: Element = f32>: Debug + Send + Sync {
    /// The output of the last of the layers; `weights` are those of the first.
    fn forward(&self, x: &Var<E>, weights: &[Var<E>], context: &mut Context<E>) -> Result<Var<E>>;
}

/// Layers that a pattern covers wholly, and the shape of one input.
pub struct Sample<E: Element = f32> {
    /// The layers.
    pub layers: Vec<Box<dyn Layer<E>>>,
    /// The shape of one input.
    pub input: Vec<usize>,
}

/// Every pattern; the first that matches is taken.
pub fn all<E: Element>() -> Vec<Row<E>> {
    vec![
        conv2d_pooled::row(),
        conv2d::row(),
        dense::row(),
        batch_normalization::row(),
    ]
}

/// What follows the sum of products within one fused kernel: an activation function and dropout, if they are there.
#[derive(Clone, Copy, Debug)]
struct Tail {
    /// Layers covered, the one with the weights included.
    covers: usize,
    activation: Option<Fusible>,
    /// How many places behind the layer with the weights the dropout stands, and its rate.
    dropout: Option<(usize, f64)>,
}

impl Tail {
    /// The tail of `layers[0]`, which has this activation function; `None` when that cannot be fused at all.
    fn of<E: Element>(layers: &[&dyn Layer<E>], activation: ActivationKind) -> Option<Tail> {
        let mut tail = Tail {
            covers: 1,
            activation: activation.row().fusible,
            dropout: None,
        };
        if tail.activation.is_none() && activation != ActivationKind::Linear {
            return None;
        }
        let fusible = |layer: &Activation| layer.activation.row().fusible;
        let follows = downcast::<E, Activation>(layers, tail.covers).and_then(fusible);
        if let (None, Some(follows)) = (tail.activation, follows) {
            tail.activation = Some(follows);
            tail.covers += 1;
        }
        // Without relu the gradient of dropout could not be told from what the kernel puts out.
        if let (true, Some(dropout)) = (tail.is_relu(), downcast::<E, Dropout>(layers, tail.covers))
        {
            tail.dropout = Some((tail.covers, dropout.rate));
            tail.covers += 1;
        }
        Some(tail)
    }

    fn is_relu(&self) -> bool {
        self.activation == Some(Fusible::Relu)
    }

    /// What the kernel does after the sum, in this pass.
    fn epilogue<E: Element>(&self, context: &Context<E>) -> Epilogue {
        let dropout = self
            .dropout
            .and_then(|(offset, rate)| context.dropout_behind(offset, rate));
        Epilogue {
            activation: self.activation,
            dropout,
        }
    }
}

/// Layer number `index`, if there is one and it is an `L`.
fn downcast<'a, E: Element, L: 'static>(
    layers: &[&'a dyn Layer<E>],
    index: usize,
) -> Option<&'a L> {
    layers.get(index)?.as_any().downcast_ref()
}

/// For samples: perhaps an activation function of its own, perhaps a dropout behind `layers`.
fn random_tail<E: Element>(
    sampler: &mut Sampler,
    layers: &mut Vec<Box<dyn Layer<E>>>,
    activation: ActivationKind,
) {
    let mut last = activation;
    if activation == ActivationKind::Linear {
        last = fusible(sampler);
        layers.push(Box::new(Activation::new(last)));
    }
    if last == ActivationKind::Relu && sampler.coin() {
        let rate = sampler.number(0.0, 0.9);
        layers.push(Box::new(Dropout::new(sampler.one_of(&[0.0, 0.5, rate]))));
    }
}

/// Relu half of the time, or another function that kernels can do.
fn fusible(sampler: &mut Sampler) -> ActivationKind {
    if sampler.coin() {
        return ActivationKind::Relu;
    }
    let rows = crate::activations::all().iter();
    let kinds: Vec<_> = rows
        .filter(|row| row.fusible.is_some())
        .map(|row| row.kind)
        .collect();
    sampler.one_of(&kinds)
}

#[cfg(test)]
mod tests;
