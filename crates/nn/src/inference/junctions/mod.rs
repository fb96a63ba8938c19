//! The junctions of prepared inference, one file each, and the table of them.

mod add;
mod concatenate;
mod conv2d_sum;
mod junction;

pub use super::places::Reads;
pub(super) use conv2d_sum::{ConvolutionAndSum, NAME as CONVOLUTION_AND_SUM};

use super::steps::{ANY_LAYER, Run, Then};
use crate::{Junction, Model, Result};
use std::fmt::Debug;
use taper_tensor::prepared::Cut;

/// One kind of junction.
pub struct Row {
    /// Its name, as [`Prepared::steps`](crate::Prepared::steps) shows it.
    pub name: &'static str,
    /// The source file.
    pub file: &'static str,
    /// What it makes of a junction with inputs of these shapes, if it can.
    pub find: Find,
}

/// Looks at a junction and the shapes of its inputs.
pub type Find = fn(&dyn Junction, &[&[usize]]) -> Result<Option<Box<dyn JunctionWork>>>;

/// From the values of several inputs to those of the outputs. A run allocates nothing.
pub trait JunctionWork: Debug + Send + Sync {
    /// Runs `n` samples. The cut does not change the result.
    ///
    /// # Errors
    /// Only of junctions that run as they are.
    fn run(&self, n: usize, inputs: Reads<'_>, outputs: &mut [&mut [f32]], cut: Cut) -> Result<()>;

    /// Whether it treats samples one by one, so that nothing is lost when tasks take a few of them each.
    fn is_local(&self) -> bool;

    /// Products of one sample, or what takes as long.
    fn products(&self) -> usize;

    /// Whether `n` samples, run as [`Cut::Tasks`], are handed to the thread pool.
    fn is_cut(&self, n: usize) -> bool;
}

/// Every kind of junction that has a step of its own; all others run as they are.
pub fn all() -> Vec<Row> {
    vec![add::row(), concatenate::row()]
}

/// What runs for a junction.
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) work: Box<dyn JunctionWork>,
}

/// What runs for the junction of this node.
pub(super) fn work(model: &Model, node: usize) -> Result<Named> {
    let graph = &*model.graph;
    let shapes: Vec<&[usize]> = graph.nodes[node]
        .inputs
        .iter()
        .map(|&value| &*graph.shapes[value])
        .collect();
    if let crate::graph::Kind::Junction(junction) = &graph.owner(node).kind {
        for row in all() {
            if let Some(work) = (row.find)(&**junction, &shapes)? {
                let name = row.name;
                return Ok(Named { name, work });
            }
        }
    }
    Ok(Named {
        name: ANY_LAYER,
        work: junction::work(model, node),
    })
}

/// A junction in a model, and what follows it in place.
#[derive(Debug)]
pub(super) struct Meeting {
    pub(super) name: &'static str,
    /// The nodes that it covers.
    pub(super) nodes: Vec<usize>,
    /// Values of a sample of each input and output.
    pub(super) inputs: Vec<usize>,
    pub(super) outputs: Vec<usize>,
    pub(super) work: Box<dyn JunctionWork>,
    /// Done to the only output.
    pub(super) then: Vec<Then>,
}

impl Meeting {
    pub(super) fn run(&self, inputs: Reads<'_>, outputs: &mut [&mut [f32]], cut: Cut) -> Run {
        let done = self.work.run(inputs.n, inputs, outputs, cut);
        done.map_err(|error| (self.nodes[0], error))?;
        if let [y, ..] = outputs {
            self.then.iter().for_each(|then| then.apply(y));
        }
        Ok(())
    }
}
