//! Inputs one behind the other.

use super::{JunctionWork, Reads, Row};
use crate::Result;
use crate::junctions::Concatenate;
use taper_tensor::prepared::Cut;

pub(super) fn row() -> Row {
    Row {
        name: "concatenate",
        file: file!(),
        find: |junction, shapes| {
            let Some(concatenate) = junction.as_any().downcast_ref::<Concatenate>() else {
                return Ok(None);
            };
            let axes = shapes.first().map_or(0, |shape| shape.len());
            let axis = concatenate.batch_axis(axes)? - 1;
            let block = |shape: &&[usize]| shape[axis..].iter().product();
            let blocks: Vec<usize> = shapes.iter().map(block).collect();
            let values = shapes.iter().map(|shape| shape.iter().product::<usize>());
            Ok(Some(Box::new(Interleave {
                blocks,
                values: values.sum(),
            })))
        },
    }
}

/// In turns, a block of each input.
#[derive(Debug)]
struct Interleave {
    /// Values of a block of each input.
    blocks: Vec<usize>,
    /// Values of a sample of the output.
    values: usize,
}

impl JunctionWork for Interleave {
    fn run(
        &self,
        _n: usize,
        inputs: Reads<'_>,
        outputs: &mut [&mut [f32]],
        _cut: Cut,
    ) -> Result<()> {
        let [y] = outputs else { return Ok(()) };
        let row: usize = self.blocks.iter().sum();
        let mut first = 0;
        for (x, &block) in inputs.iter().zip(&self.blocks) {
            if block > 0 {
                for (y, x) in y.chunks_exact_mut(row).zip(x.chunks_exact(block)) {
                    y[first..first + block].copy_from_slice(x);
                }
            }
            first += block;
        }
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
