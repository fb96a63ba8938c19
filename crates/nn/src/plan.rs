//! How a model runs: its layers in order, with those that a fusion pattern covers replaced by one fused stage.

use crate::fusion::{self, Fused};
use crate::{ActivationKind, Context, Layer, Result};
use std::fmt::{self, Debug};
use std::ops::Range;
use taper_autograd::Var;
use taper_tensor::Element;

/// The layers with what the model knows about each.
pub(crate) struct Architecture<E: Element> {
    pub(crate) layers: Vec<Box<dyn Layer<E>>>,
    pub(crate) names: Vec<String>,
    /// The shape of a sample in front of each layer, and behind the last.
    pub(crate) shapes: Vec<Vec<usize>>,
    /// Which of the model's parameters each layer has.
    pub(crate) parameters: Vec<Range<usize>>,
}

/// What runs, in order.
pub(crate) struct Plan<E: Element> {
    stages: Vec<Stage<E>>,
    /// Stands in for the last layer.
    last: Option<Box<dyn Layer<E>>>,
}

struct Stage<E: Element> {
    /// The layers that it covers.
    layers: Range<usize>,
    /// The pattern's name and what it runs; `None` for a layer by itself.
    fused: Option<(&'static str, Box<dyn Fused<E>>)>,
}

impl<E: Element> Plan<E> {
    /// The plan for `layers`, the last of which `last` may stand in for.
    pub(crate) fn new(
        layers: &[Box<dyn Layer<E>>],
        last: Option<Box<dyn Layer<E>>>,
        fuse: bool,
    ) -> Self {
        let mut seen: Vec<&dyn Layer<E>> = layers.iter().map(|layer| &**layer).collect();
        if let (Some(slot), Some(last)) = (seen.last_mut(), &last) {
            *slot = &**last;
        }
        let patterns = if fuse { fusion::all() } else { Vec::new() };
        let mut stages = Vec::new();
        let mut first = 0;
        while first < seen.len() {
            let find = |row: &fusion::Row<E>| Some((row.name, (row.find)(&seen[first..])?));
            let (covers, fused) = match patterns.iter().find_map(find) {
                Some((name, found)) => (found.covers, Some((name, found.run))),
                None => (1, None),
            };
            stages.push(Stage {
                layers: first..first + covers,
                fused,
            });
            first += covers;
        }
        Plan { stages, last }
    }

    /// Runs all stages.
    pub(crate) fn forward(
        &self,
        architecture: &Architecture<E>,
        x: Var<E>,
        weights: &[Var<E>],
        context: &mut Context<E>,
    ) -> Result<Var<E>> {
        self.stages.iter().try_fold(x, |x, stage| {
            let first = stage.layers.start;
            let parameters = architecture.parameters[first].clone();
            context.layer = first as u32;
            let weights = &weights[parameters];
            let output = match &stage.fused {
                Some((_, fused)) => fused.forward(&x, weights, context),
                None => self
                    .layer(architecture, first)
                    .forward(&x, weights, context),
            };
            output.map_err(|error| error.in_layer(&architecture.names[first], first))
        })
    }

    /// The stages: the pattern's name, if any, and the layers covered.
    pub(crate) fn stages(&self) -> impl Iterator<Item = (Option<&'static str>, Range<usize>)> {
        self.stages.iter().map(|stage| {
            (
                stage.fused.as_ref().map(|(name, _)| *name),
                stage.layers.clone(),
            )
        })
    }

    fn layer<'a>(&'a self, architecture: &'a Architecture<E>, index: usize) -> &'a dyn Layer<E> {
        match &self.last {
            Some(last) if index + 1 == architecture.layers.len() => &**last,
            _ => &*architecture.layers[index],
        }
    }
}

/// The plan up to the logits, for models whose last layer ends in an activation function.
pub(crate) struct Head<E: Element> {
    pub(crate) activation: ActivationKind,
    pub(crate) plan: Plan<E>,
}

impl<E: Element> Head<E> {
    pub(crate) fn new(layers: &[Box<dyn Layer<E>>], fuse: bool) -> Option<Self> {
        let (activation, last) = layers.last()?.split_activation()?;
        Some(Head {
            activation,
            plan: Plan::new(layers, Some(last), fuse),
        })
    }
}

impl<E: Element> Debug for Plan<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.stages()).finish()
    }
}
