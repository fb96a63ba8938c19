//! Sums.

use super::{JunctionWork, Reads, Row};
use crate::Result;
use crate::junctions::Add;
use taper_tensor::prepared::{add_in_place, is_cut_by_pieces};

pub(super) fn row() -> Row {
    Row {
        name: "add",
        file: file!(),
        find: |junction, shapes| {
            let is_add = junction.as_any().is::<Add>();
            let size = shapes.first().map_or(0, |shape| shape.iter().product());
            Ok(is_add.then(|| Box::new(Sum { size }) as Box<dyn JunctionWork>))
        },
    }
}

#[derive(Debug)]
struct Sum {
    /// Values of a sample.
    size: usize,
}

impl JunctionWork for Sum {
    fn run(&self, _n: usize, inputs: Reads<'_>, outputs: &mut [&mut [f32]]) -> Result<()> {
        let [y] = outputs else { return Ok(()) };
        for (i, x) in inputs.iter().enumerate() {
            match i {
                0 => y.copy_from_slice(x),
                _ => add_in_place(y, x),
            }
        }
        Ok(())
    }

    fn is_cut(&self, n: usize) -> bool {
        is_cut_by_pieces(n * self.size)
    }
}
