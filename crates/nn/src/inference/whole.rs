//! A model through which masks travel, as it is: steps of prepared inference know values alone. This one does allocate.

use super::junctions::{JunctionWork, Meeting, Reads};
use super::places::{Places, Value};
use super::run::Deed;
use super::stage::{Part, Stage, Task};
use super::steps::ANY_LAYER;
use crate::{Context, Model, Result};
use std::fmt;
use taper_autograd::{Tape, Var};
use taper_tensor::Tensor;
use taper_tensor::prepared::Cut;

/// Whether a mask may begin anywhere in it.
pub(super) fn is_masked(model: &Model) -> bool {
    let graph = &*model.graph;
    let masks = |node| graph.layer(node).is_some_and(|(layer, ..)| layer.masks());
    (0..graph.nodes.len()).any(masks)
}

/// All of it as one thing to be done.
pub(super) fn deeds(model: &Model) -> (Vec<Deed>, Places) {
    let graph = &*model.graph;
    let size = |value: usize| graph.shapes[value].iter().product();
    let meeting = Meeting {
        name: ANY_LAYER,
        nodes: (0..graph.nodes.len()).collect(),
        inputs: graph.inputs.iter().map(|input| size(input.value)).collect(),
        outputs: graph.outputs.iter().map(|&value| size(value)).collect(),
        work: Box::new(Whole {
            model: model.clone(),
        }),
        then: Vec::new(),
    };
    let part = Part {
        task: Task::Meeting(meeting),
        from: (0..graph.inputs.len()).map(Value::Input).collect(),
        to: (0..graph.outputs.len()).map(Value::Output).collect(),
    };
    let (stage, from, to) = Stage::new(vec![part], |_| false);
    (vec![Deed { stage, from, to }], Places::new(&mut [], &[]))
}

struct Whole {
    model: Model,
}

impl JunctionWork for Whole {
    fn run(
        &self,
        n: usize,
        inputs: Reads<'_>,
        outputs: &mut [&mut [f32]],
        _cut: Cut,
    ) -> Result<()> {
        let (graph, tape) = (&*self.model.graph, Tape::new());
        let mut variables: Vec<Var> = Vec::new();
        for (x, input) in inputs.iter().zip(&graph.inputs) {
            let shape = [&[n], graph.shapes[input.value].as_slice()].concat();
            variables.push(tape.constant(&Tensor::from_slice(shape, x)?));
        }
        let results = self.model.forward(&variables, &mut Context::inference())?;
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

impl fmt::Debug for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Whole")
    }
}
