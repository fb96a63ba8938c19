//! A layer of any other kind, as it is: its forward pass on tensors. This one does allocate.

use super::{Cut, Found, Item, Row, Then, Work};
use crate::graph::Graph;
use crate::{Context, Model, Result};
use std::fmt;
use std::sync::Arc;
use taper_autograd::Tape;
use taper_tensor::Tensor;

pub(super) const NAME: &str = "layer";

pub(super) fn row() -> Row {
    Row {
        name: NAME,
        about: "any layer that no other step covers",
        file: file!(),
        find: |model, ahead| Ok(find(model, &ahead[0])),
    }
}

fn find(model: &Model, item: &Item<'_>) -> Option<Found> {
    if Then::of(item).is_some() {
        return None;
    }
    let work = AnyLayer {
        graph: Arc::clone(&model.graph),
        node: item.node,
        weights: item.parameters.iter().map(|p| p.value.clone()).collect(),
    };
    Some(Found {
        covers: 1,
        work: Box::new(work),
        then: Vec::new(),
    })
}

/// Products that a value is taken for.
const PRODUCTS: usize = 64;

struct AnyLayer {
    graph: Arc<Graph<f32>>,
    node: usize,
    weights: Vec<Tensor>,
}

impl Work for AnyLayer {
    fn run(&self, n: usize, x: &[f32], y: &mut [f32], _cut: Cut) -> Result<()> {
        let Some((layer, input, _)) = self.graph.layer(self.node) else {
            return Ok(()); // it was made of a layer
        };
        let tape = Tape::new();
        let shape = [&[n], self.graph.shapes[input].as_slice()].concat();
        let input = tape.constant(&Tensor::from_slice(shape, x)?);
        let weights: Vec<_> = self.weights.iter().map(|w| tape.constant(w)).collect();
        let output = layer.forward(&input, &weights, &mut Context::inference())?;
        let output = output.value().contiguous();
        y.copy_from_slice(output.as_slice().unwrap_or_default());
        Ok(())
    }

    /// It may cut the batch itself.
    fn is_local(&self) -> bool {
        false
    }

    /// Nobody knows: as if every value took as long as this many.
    fn products(&self) -> usize {
        let values = |(_, input, output): (_, usize, usize)| -> usize {
            let values = |wire: usize| self.graph.shapes[wire].iter().product::<usize>();
            values(input) + values(output)
        };
        PRODUCTS * self.graph.layer(self.node).map_or(0, values)
    }

    fn is_cut(&self, _n: usize) -> bool {
        true
    }
}

impl fmt::Debug for AnyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.graph.owner(self.node).kind)
    }
}
