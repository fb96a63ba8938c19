//! A junction of any other kind, as it is: its forward pass on tensors. This one does allocate.

use super::{JunctionWork, Reads};
use crate::graph::{Graph, Kind};
use crate::{Context, Error, Model, Result};
use std::fmt;
use std::sync::Arc;
use taper_autograd::{Tape, Var};
use taper_tensor::Tensor;
use taper_tensor::prepared::Cut;

pub(super) fn work(model: &Model, node: usize) -> Box<dyn JunctionWork> {
    let parameters = &model.parameters[model.graph.owner(node).parameters.clone()];
    Box::new(AnyJunction {
        graph: Arc::clone(&model.graph),
        node,
        weights: parameters.iter().map(|p| p.value.clone()).collect(),
    })
}

struct AnyJunction {
    graph: Arc<Graph<f32>>,
    node: usize,
    weights: Vec<Tensor>,
}

impl JunctionWork for AnyJunction {
    fn run(
        &self,
        n: usize,
        inputs: Reads<'_>,
        outputs: &mut [&mut [f32]],
        _cut: Cut,
    ) -> Result<()> {
        let Kind::Junction(junction) = &self.graph.owner(self.node).kind else {
            return Ok(()); // it was made of a junction
        };
        let tape = Tape::new();
        let mut variables: Vec<Var> = Vec::new();
        for (x, &value) in inputs.iter().zip(&self.graph.nodes[self.node].inputs) {
            let shape = [&[n], self.graph.shapes[value].as_slice()].concat();
            variables.push(tape.constant(&Tensor::from_slice(shape, x)?));
        }
        let weights: Vec<Var> = self.weights.iter().map(|w| tape.constant(w)).collect();
        let variables: Vec<&Var> = variables.iter().collect();
        let results = junction.forward(&variables, &weights, &mut Context::inference())?;
        if results.len() != outputs.len() {
            let message = format!(
                "its forward pass returned {} outputs, its shapes say {}",
                results.len(),
                outputs.len()
            );
            return Err(Error::layer(junction.class_name(), message));
        }
        for (result, y) in results.iter().zip(outputs) {
            let result = result.value().contiguous();
            y.copy_from_slice(result.as_slice().unwrap_or_default());
        }
        Ok(())
    }

    fn is_local(&self) -> bool {
        false
    }

    /// Nobody knows.
    fn products(&self) -> usize {
        0
    }

    /// It may cut the batch itself.
    fn is_cut(&self, _n: usize) -> bool {
        true
    }
}

impl fmt::Debug for AnyJunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.graph.owner(self.node).kind)
    }
}
