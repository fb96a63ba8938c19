//! Sums.

use super::{JunctionWork, Reads, Row};
use crate::Result;
use crate::junctions::Add;
use taper_tensor::prepared::{Cut, add, add_in_place, is_cut_by_pieces};

pub(super) fn row() -> Row {
    Row {
        name: "add",
        file: file!(),
        find: |junction, shapes| {
            let is_add = junction.as_any().is::<Add>();
            let sum = Sum {
                size: shapes.first().map_or(0, |shape| shape.iter().product()),
                inputs: shapes.len(),
            };
            Ok(is_add.then(|| Box::new(sum) as Box<dyn JunctionWork>))
        },
    }
}

#[derive(Debug)]
struct Sum {
    /// Values of a sample.
    size: usize,
    inputs: usize,
}

impl JunctionWork for Sum {
    fn run(
        &self,
        _n: usize,
        inputs: Reads<'_>,
        outputs: &mut [&mut [f32]],
        cut: Cut,
    ) -> Result<()> {
        let [y] = outputs else { return Ok(()) };
        let mut inputs = inputs.iter();
        match [inputs.next(), inputs.next()] {
            [Some(a), Some(b)] => add(a, b, y, cut),
            [Some(a), None] => y.copy_from_slice(a),
            _ => {}
        }
        inputs.for_each(|x| add_in_place(y, x, cut));
        Ok(())
    }

    fn is_local(&self) -> bool {
        true
    }

    fn products(&self) -> usize {
        self.inputs * self.size
    }

    fn is_cut(&self, n: usize) -> bool {
        is_cut_by_pieces(n * self.size)
    }
}
